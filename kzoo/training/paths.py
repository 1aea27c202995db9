"""Values of a recipe by path: `model.filters`, `training.callbacks.0.start_averaging`.

A path goes through sections by their keys and through lists by number. It goes on from a named object to its arguments, so that
`training.optimizer.sync_period` is what `{kzoo.training.optimizers.Lookahead: {sync_period: 6}}` has there; the import path may stand
between them, as it does in the file and in errors.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from yaml import YAMLError

from ..importing import is_path
from ..objects import is_named, labels, parse
from ..schema import Written


def set_value(content: dict, path: str, value: Any) -> list[str]:
    """Sets one value, making sections that are missing; returns what is wrong with the path.

    >>> content = {"training": {"optimizer": "keras.optimizers.SGD"}}
    >>> set_value(content, "training.optimizer.momentum", 0.9), content["training"]
    ([], {'optimizer': {'keras.optimizers.SGD': {'momentum': 0.9}}})
    """
    *sections, key = _words(content, path)
    place: Any = content
    inside = False
    for section in sections:
        wrong = _beyond(place, section)
        if wrong:
            return [f"{path}: {wrong}"]
        found = _open(place, section, inside)
        if is_named(found):
            inside = True
            name = next(iter(found))
            found[name] = found = dict(found[name] or {})
        if not isinstance(found, dict | list):
            return [f"{path}: cannot be set, since {section} is a single value."]
        place = found
    wrong = _beyond(place, key)
    if wrong:
        return [f"{path}: {wrong}"]
    _put(place, key, deepcopy(value))
    return []


def get_value(content: Any, path: str) -> Any:
    """The value at a path; None where there is none.

    >>> get_value({"training": {"optimizer": {"keras.optimizers.SGD": {"momentum": 0.9}}}}, "training.optimizer.momentum")
    0.9
    """
    for word in _words(content, path):
        content = _get(_arguments(content), word)
    return content


def remove_value(content: dict[str, Any], path: str) -> None:
    """Takes a value out where it is there; elements of lists stay."""
    *sections, key = _words(content, path)
    place: Any = content
    for section in sections:
        place = _arguments(_get(place, section))
    if isinstance(place, dict):
        place.pop(key, None)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as flat ones by their paths; a named object is its import path, and its arguments come after it.

    >>> flatten({"model": {"filters": [8, 16]}})
    {'model.filters': [8, 16]}
    >>> flatten({"optimizer": {"keras.optimizers.SGD": {"momentum": 0.9}}})
    {'optimizer': 'keras.optimizers.SGD', 'optimizer.momentum': 0.9}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        place = f"{prefix}{key}"
        if is_named(value):
            name, arguments = parse(value)
            flat |= {place: name, **flatten(arguments, f"{place}.")}
        elif isinstance(value, Mapping):
            flat |= flatten(value, f"{place}.")
        elif isinstance(value, list | tuple) and any(map(is_named, value)):
            named = {number: parse(one)[1] for number, one in enumerate(value) if is_named(one)}
            flat |= {place: labels(value), **flatten(named, f"{place}.")}  # type: ignore[arg-type]
        else:
            flat[place] = value
    return flat


def normal_path(content: Any, path: str) -> str:
    """The one way to write a path, without the import paths of the objects that it goes through.

    >>> normal_path({"optimizer": {"keras.optimizers.SGD": {"momentum": 0.9}}}, "optimizer.keras.optimizers.SGD.momentum")
    'optimizer.momentum'
    """
    return ".".join(_words(content, path))


def _words(content: Any, path: str) -> list[str]:
    """The words of a path, without the import paths of the objects that it goes through."""
    words, rest = [], path.split(".")
    while rest:
        words.append(rest.pop(0))
        content = _get(content, words[-1])
        name = parse(content)[0].split(".") if is_named(content) or is_path(content) else []
        if name and len(rest) > len(name) and rest[: len(name)] == name:
            rest = rest[len(name) :]
        content = _arguments(content)
    return words


def _arguments(value: Any) -> Any:
    """The arguments of a named object; any other value as it is."""
    return value[next(iter(value))] if is_named(value) else value


def _open(place: Any, key: str, inside: bool) -> Any:
    """What stands at a key, so that values can be set in it; inside the arguments of an object, text with a dot in it may be text."""
    found = _get(place, key)
    if found is None:
        return _put(place, key, {}) if isinstance(place, dict) else None
    return _put(place, key, {str(found): {}} if is_path(found) and not inside else found)


def _beyond(place: Any, key: str) -> str | None:
    """What is wrong with the number of an element."""
    if not isinstance(place, list) or (key.isdigit() and int(key) < len(place)):
        return None
    if not place:
        return "cannot be set, since the list has no elements."
    return f"expected a number below {len(place)}, of an element of the list. Received: {key}."


def _get(place: Any, key: str) -> Any:
    if isinstance(place, Mapping):
        return _read(place.get(key))
    return _read(place[int(key)]) if isinstance(place, list | tuple) and key.isdigit() and int(key) < len(place) else None


def _read(value: Any) -> Any:
    """Settings and lists as they were typed on the command line, with what is inside them; any other value as it is."""
    if not (isinstance(value, Written) and value[:1] in ("{", "[")):
        return value
    try:
        return value.read(object)
    except YAMLError:  # the check of the value says it
        return value


def _put(place: Any, key: str, value: Any) -> Any:
    place[int(key) if isinstance(place, list) else key] = value
    return value
