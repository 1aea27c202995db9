"""The fields of a recipe that a space may search, and what their signatures say of a value."""

import inspect
from copy import deepcopy
from typing import Any

from .. import schema
from ..data import SOURCES
from ..errors import ArgumentError, did_you_mean
from ..models import BUILDERS, find_preset
from ..objects import is_word
from ..training.recipe import Training, get_value, plain_values, set_value
from .domains import Accepts

FIXED = {
    "model.builder": "a space searches one builder; search each in a space of its own",
    "model.preset": "a space searches one builder; search each in a space of its own",
    "model.input_shape": "the data decide on it",
    "model.num_classes": "the data decide on it",
    "model.name": "it has no effect",
    "data.source": "trials on different data cannot be compared",
    "training.metrics": "trials are compared by the same metrics",
    "training.monitor": "trials are compared by the same metric",
    "training.direction": "trials are compared by the same metric",
    "training.seed": "every execution has a seed of its own; set search.executions",
}
"""Fields that cannot be searched, and why."""


class Fields:
    """The fields of a recipe and their signatures."""

    def __init__(self, content: dict):
        self.content = deepcopy(content)
        self._open_preset()
        builder, source = (self._name(section, key) for section, key in (("model", "builder"), ("data", "source")))
        self.signatures: dict[str, Any] = {
            "model": BUILDERS[builder] if builder in list(BUILDERS) else None,
            "data": SOURCES[source] if source in list(SOURCES) else None,
            "training": Training,
        }

    def _open_preset(self) -> None:
        model = self.content.get("model")
        if isinstance(model, dict) and "preset" in model:
            try:
                preset = find_preset(model["preset"])
            except ArgumentError:
                return
            self.content["model"] = {"builder": preset.builder, **plain_values(preset.arguments), **model}

    def _name(self, section: str, key: str) -> Any:
        values = self.content.get(section)
        return values.get(key) if isinstance(values, dict) else None

    def known(self, path: Any, problems: list[str]) -> bool:
        """Whether a field can be searched; adds what is wrong, but for builders and sources that the recipe's own check names."""
        section, _, rest = str(path).partition(".")
        if section not in self.signatures or not rest:
            problems.append(f"domains.{path}: expected a path in the recipe that begins with model, data or training.")
            return False
        fixed = next((FIXED[each] for each in FIXED if path == each or path.startswith(f"{each}.")), None)
        if fixed:
            problems.append(f"domains.{path}: cannot be searched: {fixed}.")
            return False
        signature = self.signatures[section]
        if signature is None:
            return False
        key, names = rest.partition(".")[0], list(inspect.signature(signature).parameters)
        if key not in names:
            problems.append(f"domains.{path}: unknown; expected one of {', '.join(names)}.{did_you_mean(key, names)}")
            return False
        return True

    def checker(self, path: str) -> Accepts:
        """What is wrong with a value of this field, without its path; an argument of an object that only a choice names is let pass."""
        section, key = path.split(".")[:2]
        names = list(inspect.signature(self.signatures[section]).parameters)

        def accepts(value: Any) -> list[str]:
            if path.count(".") > 1 and is_word(self.value(f"{section}.{key}")):
                return []
            content = {section: deepcopy(self.content.get(section)) or {}}
            set_value(content, path, value)
            _, problems = schema.check_values({key: content[section][key]}, self.signatures[section], section, names)
            return [_without_path(problem, path) for problem in problems]

        return accepts

    def value(self, path: str) -> Any:
        """The recipe's value of a field, or the default of its signature."""
        section = path.partition(".")[0]
        found = get_value(self.content, path)
        if found is None and self.signatures.get(section) is not None:
            return get_value({section: schema.defaults(self.signatures[section])}, path)
        return found


def _without_path(problem: str, path: str) -> str:
    """A problem without the path of its field, within which import paths may stand; the rest of a longer path stays."""
    if problem.startswith(path):
        return problem.removeprefix(path).removeprefix(": ").removeprefix(".")
    place, _, said = problem.partition(": ")
    return said if place.endswith(f".{path.rpartition('.')[2]}") else problem
