"""The signature is the schema: values from a file, checked against the keyword arguments of a function or the fields of a dataclass.

Every mistake becomes one line that begins with its path in the file; none stops the search for the others.
"""

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from .errors import ArgumentError, did_you_mean

T = TypeVar("T")


class Written(str):
    """A value as a user typed it: text where text is expected, elsewhere what YAML makes of it."""

    def read(self, hint: Any) -> Any:
        """The value for a hint: `2018` is a folder for a path, a number for an integer; braces are settings where those may stand."""
        kinds = _flat(hint)
        settings = self.startswith("{") and any(_is_mapping(kind) for kind in kinds)
        if (str in kinds or Path in kinds) and not settings:
            return None if type(None) in kinds and self == "null" else str(self)
        return yaml.safe_load(self)


def check_values(values: Any, function: Callable, path: str, optional: Iterable[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Checks a mapping against the signature of `function`.

    Args:
        values: what the file holds at `path`.
        function: a function or dataclass whose type hints and defaults are the schema.
        path: where the values stand in the file, such as `model`.
        optional: arguments that may be left out although the function needs them.

    Returns:
        The values converted to their types, and the problems, one line each.
    """
    if not isinstance(values, Mapping):
        return {}, [f"{path}: expected settings as `name: value`. Received: {values!r}."]
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    checked: dict[str, Any] = {}
    problems = []
    for key, value in values.items():
        place = f"{path}.{key}"
        if key not in parameters:
            expected = f"expected one of {', '.join(parameters)}"
            problems.append(f"{place}: unknown; {expected}.{did_you_mean(key, parameters)}")
            continue
        converted, found = _check_value(value, hints[key], place)
        problems += found
        if not found:
            checked[key] = converted
    required = [p.name for p in parameters.values() if p.default is p.empty]
    missing = [name for name in required if name not in values and name not in optional]
    problems += [f"{path}.{name}: missing; expected {describe(hints[name])}." for name in missing]
    return checked, problems


def strict(function: Callable[..., T]) -> Callable[..., T]:
    """A decorator: keyword arguments are checked against the signature at every call; the first mistake is an `ArgumentError`.

    >>> @strict
    ... def draw(*, mode: Literal["fast", "slow"] = "fast"): ...
    >>> draw(mode="fats")
    Traceback (most recent call last):
    kzoo.errors.ArgumentError: mode: expected one of fast, slow. Received: fats. Did you mean fast?
    """

    @functools.wraps(function)
    def checked(**arguments: Any) -> T:
        values, problems = check_values(arguments, function, "")
        if problems:
            raise ArgumentError(*problems[0].removeprefix(".").split(": ", 1))
        return function(**values)

    return checked


def defaults(function: Callable) -> dict[str, Any]:
    """The arguments of a function that have a default, with it."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def describe(hint: Any) -> str:
    """A type hint in words.

    >>> describe(int | Sequence[int])
    'an integer or a list of integers'
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        own = _own_check(hint)
        return own.describe() if own else _describe_bounds(arguments)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(describe(a) for a in _flat(hint)))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"a list of {_plural(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "settings as `name: value`"
    if dataclasses.is_dataclass(hint):
        return f"settings ({', '.join(f.name for f in dataclasses.fields(hint))})"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


_WORDS = {
    int: "an integer",
    float: "a number",
    str: "text",
    bool: "true or false",
    Path: "a path",
    type(None): "null",
}
_PLURALS = {int: "integers", float: "numbers", str: "texts", type(None): "nulls"}


def _describe_bounds(arguments: tuple) -> str:
    """`Annotated[int, Field(ge=1)]` as `an integer of at least 1`."""
    bounds = [bound for info in arguments[1:] for bound in getattr(info, "metadata", [info])]
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    said = [f"{words[key]} {getattr(bound, key)}" for bound in bounds for key in words if hasattr(bound, key)]
    return f"{describe(arguments[0])} of {' and '.join(said)}"


def _flat(hint: Any) -> list[Any]:
    """The members of a union, those of nested unions included."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [inner for a in typing.get_args(hint) for inner in _flat(a)]
    return [hint]


def _is_mapping(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _own_check(hint: Any) -> Any:
    """The check that a hint brings along in its annotation, as `kzoo.objects.Named` does, with `claims`, `check` and `describe`."""
    marks = [mark for member in _flat(hint) if typing.get_origin(member) is typing.Annotated for mark in typing.get_args(member)[1:]]
    return next((mark for mark in marks if hasattr(mark, "claims")), None)


def _element(hint: Any) -> Any:
    """What a list holds by its hint, where that brings a check along; else None."""
    lists = [m for m in _flat(hint) if isinstance(origin := typing.get_origin(m), type) and issubclass(origin, Sequence)]
    element = typing.get_args(lists[0])[0] if lists else None
    return element if _own_check(element) else None


def _plural(hint: Any) -> str:
    return " or ".join(map(_plural_of_one, _flat(hint)))


def _plural_of_one(hint: Any) -> str:
    own = _own_check(hint)
    if own:
        return f"{own.describe().partition(' ')[2]}s"
    if typing.get_origin(hint) is Literal:
        return f"names out of {', '.join(map(str, typing.get_args(hint)))}"
    return _PLURALS.get(hint, describe(hint).replace("a list", "lists"))


def _check_value(value: Any, hint: Any, place: str) -> tuple[Any, list[str]]:
    if isinstance(value, Written):
        try:
            value = value.read(hint)
        except yaml.YAMLError:
            return None, [f"{place}: expected {describe(hint)}, written in YAML. Received: {value}."]
    own, element = _own_check(hint), _element(hint)
    if own is not None and own.claims(value):
        return own.check(value, place)
    if element is not None and isinstance(value, list | tuple):
        return _check_elements(value, element, place)
    settings = [h for h in _flat(hint) if isinstance(h, type) and dataclasses.is_dataclass(h)]
    if settings and isinstance(value, Mapping):
        checked, problems = check_values(value, settings[0], place)
        return (None, problems) if problems else (settings[0](**checked), [])
    wrong_bool = isinstance(value, bool) and bool not in _flat(hint)
    try:
        adapter: TypeAdapter = TypeAdapter(hint, config=None if settings else ConfigDict(arbitrary_types_allowed=True))
        if not wrong_bool:
            return adapter.validate_python(value), []
    except ValidationError:
        pass
    received = value if isinstance(value, str) else repr(value)
    remedy = _remedy(value, hint) if isinstance(value, str) else ""
    return None, [f"{place}: expected {describe(hint)}. Received: {received}.{remedy}"]


def _check_elements(values: Sequence, hint: Any, place: str) -> tuple[Any, list[str]]:
    checked = [_check_value(value, hint, f"{place}.{number}") for number, value in enumerate(values)]
    return [value for value, _ in checked], [problem for _, problems in checked for problem in problems]


def _remedy(value: str, hint: Any) -> str:
    """The nearest valid name, or the brackets that a list lacks."""
    listed = any(isinstance(origin := typing.get_origin(member), type) and issubclass(origin, Sequence) for member in _flat(hint))
    if listed and "," in value and not value.startswith("["):
        return f" Write [{value}]."
    return did_you_mean(value, _names(hint))


def _names(hint: Any) -> list[str]:
    """The texts that a hint admits, for the nearest valid name."""
    return [str(a) for member in _flat(hint) if typing.get_origin(member) is Literal for a in typing.get_args(member)]
