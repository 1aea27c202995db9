"""What callbacks know in the middle of a training, as plain values that the state on disk can hold.

A callback with `get_state()` and `set_state(state)` says itself what it needs. Of any other, the attributes that are plain values are
kept: numbers, text, arrays, and lists and mappings of those, such as what SWA has averaged or how long `ReduceLROnPlateau` has waited.
Its arguments are not, which the recipe gives again, nor are open files, models and the like: a callback that goes on with one has to open
it again in `on_train_begin`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..calls import Call
from ..errors import InputError

FORGOTTEN = ("params", "validation_data", "_model", "_supports_tf_logs")
"""What Keras gives to every callback anew."""

_ARRAY = "\0array"


def callback_states(callbacks: Sequence[Any]) -> list[dict[str, Any]]:
    """The state of each callback.

    >>> from kzoo.training.callbacks import SWA
    >>> callback_states([SWA(average_period=3)])
    [{'count': 0, 'averages': []}]
    """
    return [_state(callback) for callback in callbacks]


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
            return {key: packed(inner) for key, inner in one.items()}
        if isinstance(one, list | tuple):
            return [packed(inner) for inner in one]
        return one.item() if isinstance(one, np.generic) else one

    return json.dumps(packed(value))


def unpack(text: str, arrays: Sequence[np.ndarray]) -> Any:
    """What `pack` was given; tuples are lists."""
    return json.loads(text, object_hook=lambda one: arrays[one[_ARRAY]] if _ARRAY in one else one)


def _state(callback: Any) -> dict[str, Any]:
    if hasattr(callback, "get_state"):
        return callback.get_state()
    settings = Call.of(type(callback)).parameters
    own = {name: value for name, value in vars(callback).items() if name not in (*FORGOTTEN, *settings)}
    return {name: value for name, value in own.items() if value is not None and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, np.ndarray):
        return value.dtype != object
    return value is None or isinstance(value, str | int | float | np.generic)
