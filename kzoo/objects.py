"""Named objects: any optimizer, loss, metric, layer or callback by its import path, with arguments.

| written | means |
|---|---|
| `keras.optimizers.Ftrl` | the object without arguments |
| `{keras.optimizers.Ftrl: {beta: 0.1}}` | with arguments; those may be objects of this second form themselves, at any depth |

A path names a class, or a function. A class is called. A function is called where it has all that it needs, a factory; one that still
needs what the training gives it (a loss its labels and predictions, an activation its map) is itself what is named, with the arguments
filled in.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from .calls import Call, Kind, classes
from .errors import ArgumentError, InputError, did_you_mean, one_line
from .importing import find, is_path
from .schema import Written

LEFT: dict[Kind, int] = {"loss": 2, "metric": 2, "activation": 1}
"""Arguments that a function of this kind is given later: labels and predictions, or a map."""

FILLED: dict[Kind, tuple[str, ...]] = {
    "optimizer": ("learning_rate", "weight_decay"),
    "loss": ("from_logits", "num_classes", "ignore_class", "class_weights"),
    "metric": ("from_logits", "num_classes", "ignore_class", "sparse_labels", "name"),
    "callback": ("batches",),
    "layer": ("name",),
}
"""Arguments that the training fills in where they are not given, and a call may therefore lack."""

_EXAMPLES = {
    "optimizer": "{keras.optimizers.Ftrl: {beta: 0.1}}",
    "loss": "{keras.losses.Huber: {delta: 2.0}}",
    "metric": "{keras.metrics.MeanIoU: {num_classes: 2}}",
    "layer": "{keras.layers.GroupNormalization: {groups: 4}}",
    "activation": "{keras.layers.LeakyReLU: {negative_slope: 0.1}}",
    "callback": "{keras.callbacks.CSVLogger: {filename: log.csv}}",
}
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
"""Numbers such as 1e-3, which PyYAML takes for text."""


@dataclass(frozen=True)
class Named:
    """Marks a type hint whose values may be named objects, as in `Annotated[Mapping[str, Any], Named("optimizer")]`.

    Args:
        kind: what the object must be.
        words: whether the hint also takes mappings by a plain name, such as `{"LeakyReLU": {...}}`.
    """

    kind: Kind
    words: bool = False

    def claims(self, value: Any) -> bool:
        """Whether a value is, or is meant to be, a named object."""
        return is_path(value) or (isinstance(value, Mapping) and (not self.words or any(map(is_path, value))))

    def check(self, value: Any, place: str) -> tuple[Any, list[str]]:
        """The value with plain numbers, text where it has no arguments, and what is wrong with it, by its path in the file."""
        return check(value, self.kind, place)

    def describe(self) -> str:
        return "an import path"


def is_named(value: Any) -> bool:
    """Whether a value is an object with its arguments, `{path: arguments}`.

    >>> is_named({"keras.optimizers.Ftrl": {"beta": 0.1}}), is_named("keras.optimizers.Ftrl"), is_named({"patience": 3})
    (True, False, False)
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    path, arguments = next(iter(value.items()))
    return is_path(path) and (arguments is None or isinstance(arguments, Mapping))


def is_word(value: Any) -> bool:
    """Whether a value is one of kzoo's own words, such as `adam`, and no named object.

    >>> is_word("adam"), is_word("keras.optimizers.Adam"), is_word({"keras.optimizers.Adam": {}})
    (True, False, False)
    """
    return isinstance(value, str) and not is_path(value)


def parse(value: str | Mapping) -> tuple[str, dict[str, Any]]:
    """The path and the arguments of a named object.

    >>> parse("keras.optimizers.Ftrl"), parse({"keras.optimizers.Ftrl": {"beta": 0.1}})
    (('keras.optimizers.Ftrl', {}), ('keras.optimizers.Ftrl', {'beta': 0.1}))
    """
    if isinstance(value, str):
        return value, {}
    path, arguments = next(iter(value.items()))
    return path, dict(arguments or {})


def normal(value: Any) -> Any:
    """One form for each way to write an object: text where it has no arguments; anything else as it is."""
    if not is_named(value):
        return value
    path, arguments = parse(value)
    return {path: arguments} if arguments else path


def check(value: Any, kind: Kind, place: str) -> tuple[Any, list[str]]:
    """Checks a named object without making it.

    Args:
        value: what the file holds.
        kind: what it must be.
        place: where it stands in the file, such as `training.optimizer`.

    Returns:
        The value with plain numbers, and the problems, one line each.

    >>> check({"keras.optimizers.Ftrl": {"bta": 1}}, "optimizer", "training.optimizer")[1][0][:66]
    'training.optimizer.keras.optimizers.Ftrl.bta: unknown; expected on'
    """
    if not (is_path(value) or is_named(value)):
        return None, [f"{place}: {_malformed(value, kind)}"]
    path, arguments = parse(value)
    path, arguments = str(path), {name: _plain(inner) for name, inner in arguments.items()}
    problems = _check_call(path, arguments, f"{place}.{path}", kind)
    return normal({path: arguments}), problems


def build(value: str | Mapping, kind: Kind, place: str) -> Any:
    """Makes a named object.

    Args:
        value: as `check` admits it; arguments may also be Python objects.
        kind: what it must be.
        place: where it stands in the file.

    Raises:
        ArgumentError: by its path in the file: it cannot be imported, or refuses its arguments.

    >>> build({"keras.optimizers.SGD": {"momentum": 0.5}}, "optimizer", "training.optimizer").momentum
    0.5
    """
    value, problems = check(value, kind, place)
    if problems:
        raise ArgumentError(*problems[0].split(": ", 1))
    made = _make(value, place, kind)
    if not (isinstance(made, classes(kind)) or (kind in LEFT and callable(made))):
        raise ArgumentError(f"{place}.{parse(value)[0]}", f"expected to get {_noun(kind)} from it. Received: {type(made).__name__}.")
    return made


def takes(value: str | Mapping, name: str) -> bool:
    """Whether the class or function of a named object has an argument of that name."""
    try:
        return name in Call.of(find(parse(value)[0])).parameters
    except InputError:
        return False


def inner(value: str | Mapping) -> Iterator[tuple[str, Mapping]]:
    """The named objects among the arguments of one, each with the name of its argument."""
    for name, argument in parse(value)[1].items():
        if is_named(argument):
            yield name, argument


def default(value: str | Mapping, name: str) -> Any:
    """The argument of a named object, or its default; None where it has neither."""
    path, arguments = parse(value)
    parameter = Call.of(find(path)).parameters.get(name)
    usual = None if parameter is None or parameter.default is parameter.empty else parameter.default
    return arguments.get(name, usual)


def _check_call(path: str, arguments: Mapping[str, Any], place: str, kind: Kind | None) -> list[str]:
    """What is wrong with a path, its arguments and the objects among them."""
    try:
        found = find(path)
    except InputError as error:
        return [f"{place}: {error}"]
    wrong = _wrong_kind(found, kind)
    if wrong:
        return [f"{place}: {wrong}"]
    call = Call.of(found)
    unknown = [name for name in arguments if name not in call.parameters and not call.takes_any]
    expected = f"expected one of {', '.join(call.parameters)}" if call.parameters else "expected no arguments"
    problems = [f"{place}.{name}: unknown; {expected}.{did_you_mean(name, call.parameters)}" for name in unknown]
    problems += [f"{place}.{name}: {_lacking(name, path)}" for name in _missing(found, call, arguments, kind)]
    for name, argument in arguments.items():
        problems += _check_argument(argument, call.parameters.get(name), f"{place}.{name}")
    return problems


def _lacking(name: str, path: str) -> str:
    """What to write for an argument that is missing; one with the name of a kind of objects takes such an object."""
    example = _EXAMPLES.get(name)
    what = f"{_noun(name)}, as in {example}" if example else "a value"  # type: ignore[arg-type]
    return f"missing; expected {what}. Write {{{path}: {{{name}: VALUE}}}}."


def _missing(found: Any, call: Call, arguments: Mapping, kind: Kind | None) -> list[str]:
    """Arguments without which nothing can be made; a function that is a loss, metric or activation itself waits for some."""
    missing = [name for name in call.needed if name not in arguments]
    own = FILLED.get(kind, ()) if kind else ()
    waits = not isinstance(found, type) and (kind is None or len(missing) == LEFT.get(kind))
    return [] if waits else [name for name in missing if name not in own]


def _check_argument(value: Any, parameter: inspect.Parameter | None, place: str) -> list[str]:
    if is_named(value):
        path, arguments = parse(value)
        return _check_call(path, arguments, f"{place}.{path}", None)
    if isinstance(value, list | tuple):
        return [problem for number, one in enumerate(value) for problem in _check_argument(one, None, f"{place}.{number}")]
    if parameter is not None and parameter.annotation in (int, "int") and (isinstance(value, bool) or not isinstance(value, int)):
        return [f"{place}: expected an integer. Received: {value}."] if isinstance(value, int | float | str) else []
    return []


def _wrong_kind(found: Any, kind: Kind | None) -> str | None:
    """Why something is not what is expected at its place."""
    if not callable(found) or inspect.ismodule(found) or (kind and isinstance(found, classes(kind))):
        return f"expected a class or a function. Received: {type(found).__name__}."
    if any(found in classes(each) for each in ([kind] if kind else get_args(Kind))):
        return f"expected a class that can be used as it is. Received: {found.__name__}, on which others are only built."
    if kind is None or not isinstance(found, type) or issubclass(found, classes(kind)):
        return None
    other = next((_noun(other) for other in get_args(Kind) if issubclass(found, classes(other))), "another class")
    return f"expected {_noun(kind)}. Received: {found.__name__}, {other}."


def _noun(kind: Kind) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _malformed(value: Any, kind: Kind) -> str:
    keys = list(value) if isinstance(value, Mapping) else []
    if len(keys) == 1 and not is_path(keys[0]):
        home = {"activation": "keras.layers", "loss": "keras.losses"}.get(kind, f"keras.{kind}s")
        near = {name.lower(): name for name in dir(find(home))}.get(str(keys[0]).lower())
        hint = f" Did you mean {home}.{near}?" if near else ""
        return f"expected an import path, as in {_EXAMPLES[kind]}. Received: {keys[0]}.{hint}"
    return f"expected one import path with its arguments, as in {_EXAMPLES[kind]}. Received: {value!r}."


def _plain(value: Any) -> Any:
    """An argument as YAML should have read it: numbers such as 1e-3, and what was typed on the command line."""
    value = value.read(object) if isinstance(value, Written) else value
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else str(value)
    if isinstance(value, Mapping):
        given = {path: arguments or {} for path, arguments in value.items()} if is_named(value) else value
        return {key: _plain(one) for key, one in given.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _make(value: Any, place: str, kind: Kind | None) -> Any:
    """A named object with those among its arguments; any other value as it is."""
    if isinstance(value, list | tuple):
        return [_make(one, f"{place}.{number}", None) for number, one in enumerate(value)]
    if not (is_named(value) or (kind and is_path(value))):
        return value
    path, arguments = parse(value)
    place, found = f"{place}.{path}", find(path)
    values = {name: _make(argument, f"{place}.{name}", None) for name, argument in arguments.items()}
    if _is_itself(found, values) and kind not in ("optimizer", "layer", "callback"):
        return functools.update_wrapper(functools.partial(found, **values), found) if values else found
    return _called(found, values, place)


def _is_itself(found: Any, values: Mapping[str, Any]) -> bool:
    """Whether a function is what is meant, and not what it returns."""
    call = Call.of(found)
    return not isinstance(found, type) and (any(name not in values for name in call.needed) or (call.takes_any and not call.parameters))


def _called(found: Callable, values: Mapping[str, Any], place: str) -> Any:
    try:
        return found(**values)
    except ArgumentError as error:
        raise error.within(place) from error
    except Exception as error:
        received = ", ".join(f"{name}={value!r}" for name, value in values.items()) or "no arguments"
        raise ArgumentError(place, f"expected arguments that it takes ({one_line(error)}). Received: {received}.") from error


def labels(values: Sequence[Any]) -> list[Any]:
    """Objects by their paths, and other values as they are: a list that can be read at a glance."""
    return [parse(value)[0] if is_named(value) else value for value in values]
