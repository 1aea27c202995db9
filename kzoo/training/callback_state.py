"""What callbacks know in the middle of a training, as plain values that the state on disk can hold.

A callback with `get_state()` and `set_state(state)` says itself what it needs. Of any other, the attributes that are plain values are
kept: numbers, text, arrays, and lists, tuples and mappings of those, such as what SWA has averaged or how long `ReduceLROnPlateau` has
waited. Its arguments are not, which the recipe gives again, unless it has changed them since; those of Keras's own callbacks never, some
of which change theirs at each beginning. Nor are sets, objects, open files, models and the like: a callback that goes on with one has to
make it again in `on_train_begin`. Mappings of any class come back as plain ones.
"""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from ..calls import Call
from ..errors import InputError

FORGOTTEN = ("params", "validation_data", "_model", "_supports_tf_logs")
"""What Keras gives to every callback anew."""

_ARRAY, _TUPLE, _PAIRS = "\0array", "\0tuple", "\0pairs"


def attributes(callbacks: Sequence[Any]) -> list[dict[str, Any]]:
    """Copies of all plain attributes of each callback, by which it is known later what has changed."""
    return [{name: deepcopy(value) for name, value in vars(callback).items() if _is_plain(value)} for callback in callbacks]


def callback_states(callbacks: Sequence[Any], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The state of each callback.

    Args:
        callbacks: in the middle of a training.
        before: their `attributes` when they were made.

    >>> from kzoo.training.callbacks import SWA
    >>> swa = [SWA(average_period=3)]
    >>> callback_states(swa, attributes(swa))
    [{'count': 0, 'averages': []}]
    """
    return [_state(callback, first) for callback, first in zip(callbacks, before, strict=True)]


def restore(callbacks: Sequence[Any], states: Sequence[Mapping[str, Any]]) -> None:
    """Gives each callback its state.

    Raises:
        InputError: the states are those of other callbacks.
    """
    if len(states) != len(callbacks):
        raise InputError(f"callbacks: expected {len(states)}, as the training began with. Received: {len(callbacks)}. Start a new run.")
    for callback, state in zip(callbacks, states, strict=True):
        if hasattr(callback, "set_state"):
            callback.set_state(dict(state))
        else:
            vars(callback).update(state)


def pack(value: Any, arrays: list[np.ndarray]) -> str:
    """Plain values as JSON; arrays are put into the list, and their places into the text."""

    def packed(one: Any) -> Any:
        if isinstance(one, np.ndarray):
            arrays.append(one)
            return {_ARRAY: len(arrays) - 1}
        if isinstance(one, Mapping):
            if all(isinstance(key, str) for key in one):
                return {key: packed(inner) for key, inner in one.items()}
            return {_PAIRS: [[packed(key), packed(inner)] for key, inner in one.items()]}
        if isinstance(one, list | tuple):
            several = [packed(inner) for inner in one]
            return {_TUPLE: several} if isinstance(one, tuple) else several
        return one.item() if isinstance(one, np.generic) else one

    return json.dumps(packed(value))


def unpack(text: str, arrays: Sequence[np.ndarray]) -> Any:
    """What `pack` was given."""

    def unpacked(one: dict) -> Any:
        if _PAIRS in one:
            return dict(one[_PAIRS])
        if _TUPLE in one:
            return tuple(one[_TUPLE])
        return arrays[one[_ARRAY]] if _ARRAY in one else one

    return json.loads(text, object_hook=unpacked)


def _state(callback: Any, first: Mapping[str, Any]) -> dict[str, Any]:
    if hasattr(callback, "get_state"):
        return callback.get_state()
    settings = Call.of(type(callback)).parameters
    of_keras = next(base for base in type(callback).__mro__ if base is object or base.__module__.partition(".")[0] == "keras")
    never = (*FORGOTTEN, *(Call.of(of_keras).parameters if of_keras is not object else ()))

    def is_own(name: str, value: Any) -> bool:
        given = name in settings or value is None
        return name not in never and _is_plain(value) and not (given and name in first and _is_same(value, first[name]))

    return {name: value for name, value in vars(callback).items() if is_own(name, value)}


def _is_same(one: Any, other: Any) -> bool:
    mine: list[np.ndarray] = []
    theirs: list[np.ndarray] = []
    same = pack(one, mine) == pack(other, theirs)
    return same and all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(key) and _is_plain(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, np.ndarray):
        return value.dtype != object
    return value is None or isinstance(value, str | int | float | np.generic)
