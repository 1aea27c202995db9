"""A space: a recipe, the domains of some of its fields, what a network may cost, and how to search.

The keys of a space file are `recipe`, `settings`, `domains`, `constraints` and `search`; `kzoo.search.loading` reads it, and
`kzoo.search.domains` says how a domain is written.
"""

import hashlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .. import __version__
from ..data import Dataset
from ..errors import ArgumentError, did_you_mean
from ..training.objective import metric_names, monitored, monitored_direction
from ..training.recipe import Recipe, RecipeError, Training, flatten, get_value, load_recipe, plain_values, remove_value, set_value
from . import points
from .constraints import Constraint
from .dimensions import Dimension
from .domains import Domain
from .outcome import Direction
from .points import Point
from .settings import Search

EXTENDABLE = ("search.trials", "search.retries", "recipe.run")
"""What may be changed when a search is resumed, since no trial depends on it."""

ORDER = "order of the domains"


@dataclass(frozen=True)
class Space:
    """A checked space, from `load_space`.

    Attributes:
        name: of the file, without its ending.
        text: of the file.
        recipe: with the settings of the space, and every domain at its default.
        domains: what is searched, in the order of the file.
        constraints: on what a network costs.
        search: how the space is searched.
    """

    name: str
    text: str
    recipe: Recipe
    domains: tuple[Domain, ...]
    constraints: tuple[Constraint, ...]
    search: Search

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The hyperparameters, a parent before those that depend on it."""
        return tuple(dimension for domain in self.domains for dimension in domain.dimensions)

    @property
    def epochs(self) -> int:
        """Of the longest training of one trial."""
        name = next((domain.dimensions[0] for domain in self.domains if domain.path == "training.epochs"), None)
        if name is None:
            return self.recipe.training.epochs
        return int(max(name.values or (name.high or 0,)))  # type: ignore[type-var]

    def cardinality(self) -> int | None:
        """How many points there are, with conditions counted exactly; None where they are not finite."""
        return points.count(self.dimensions)

    def points(self) -> Iterator[Point]:
        """All points of a finite space in the order of the file, the last dimension changing fastest."""
        infinite = next((dimension for dimension in self.dimensions if dimension.values is None), None)
        if infinite is not None:
            raise ArgumentError(f"domains.{infinite.path}", "expected values that can be listed. Received: a range. Give it a step.")
        return points.walk(self.dimensions)

    def sample(self, rng: np.random.Generator) -> Point:
        """A point at random: every dimension on its own, those first on which others depend."""
        return points.draw(self.dimensions, rng)

    @property
    def default(self) -> Point:
        """The point at which every dimension has its default."""
        values: Point = {}
        for dimension in self.dimensions:
            if dimension.active(values):
                values[dimension.name] = dimension.default
        return values

    def active(self, values: Mapping[str, Any]) -> Point:
        """Those of the values whose dimensions are active, in the order of the file."""
        found: Point = {}
        for dimension in self.dimensions:
            if dimension.active(found):
                if dimension.name not in values:
                    raise ArgumentError(dimension.name, f"missing; expected a value of {dimension.path}.")
                found[dimension.name] = values[dimension.name]
        return found

    def settings_of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the recipe's fields by path, at a point; fields whose domain is not active are left out.

        Raises:
            ArgumentError: a name that is unknown or missing, or a value that the dimension does not have.
        """
        names = [dimension.name for dimension in self.dimensions]
        for name in values:
            if name not in names and not name.startswith("tuner/"):
                raise ArgumentError(name, f"unknown; expected one of {', '.join(names)}.{did_you_mean(name, names)}")
        point = self.active(values)
        found: dict[str, Any] = {}
        for domain in self.domains:
            if domain.active(point):
                found[domain.path] = domain.value(point, self._stages(domain, found))
        return found

    def _stages(self, domain: Domain, settings: Mapping[str, Any]) -> int:
        if domain.stages is None:
            return 0
        path = domain.stages.path or ""
        return domain.stages.count(settings[path] if path in settings else value_at(self.recipe, path))

    def recipe_of(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe at a point.

        Args:
            values: of the dimensions by name, as `sample`, `points` and keras-tuner give them. Those of dimensions that are not active,
                and keras-tuner's own (`tuner/epochs`), have no effect.

        Returns:
            A checked `Recipe`. A field whose domain is not active has the default of its signature.

        Raises:
            ArgumentError: a name that is unknown or missing, or a value that the dimension does not have.
            RecipeError: values that the recipe cannot have together.
        """
        content = deepcopy(self.content)
        problems = [problem for path, value in self.settings_of(values).items() for problem in set_value(content, path, value)]
        if problems:
            raise RecipeError(self.name, problems)
        return replace(load_recipe(content), name=self.name)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The recipe as it is given, without the fields that are searched."""
        content = as_given(self.recipe)
        for domain in self.domains:
            remove_value(content, domain.path)
        return content

    def resolved(self) -> dict[str, Any]:
        """The space with every default written out, as plain values for YAML; `load_space` takes them."""
        return {
            "recipe": self.recipe.resolved(),
            "domains": {domain.path: plain_values(domain.written) for domain in self.domains},
            "constraints": [str(constraint) for constraint in self.constraints],
            "search": asdict(self.search),
        }

    def digest(self) -> str:
        """32 hexadecimal digits that two spaces share if their trials can be compared, in this version of kzoo."""
        return hashlib.blake2b(repr((__version__, sorted(self._settings().items()))).encode(), digest_size=16).hexdigest()

    def differences(self, other: "Space") -> list[str]:
        """What differs in another space, a line for each setting; what a resumed search may change is no difference.

        >>> from kzoo.search import load_space
        >>> load_space("unet_grid").differences(load_space("unet_grid", {"domains.model.skip": ["concat"], "search.trials": 7}))
        ['domains.model.skip: - here, [concat] there']
        """
        mine, theirs = self._settings(), other._settings()
        searched = {f"recipe.{domain.path}" for space in (self, other) for domain in space.domains}
        same = {domain.path for domain in self.domains} == {domain.path for domain in other.domains}
        names = [name for name in {**mine, **theirs} if name not in searched and (same or name != ORDER)]
        return [
            f"{name}: {mine.get(name, '-')} here, {theirs.get(name, '-')} there" for name in names if mine.get(name) != theirs.get(name)
        ]

    def _settings(self) -> dict[str, str]:
        """Every setting by its path, as text; the order of the domains counts, since points are drawn in it."""
        resolved = self.resolved()
        for domain in self.domains:
            remove_value(resolved["recipe"], domain.path)
        found = {f"recipe.{path}": value for path, value in flatten(resolved["recipe"]).items()}
        found |= {f"domains.{path}": value for path, value in resolved["domains"].items()}
        found |= {ORDER: list(resolved["domains"]), "constraints": resolved["constraints"]}
        found |= {f"search.{path}": value for path, value in flatten(resolved["search"]).items()}
        return {path: in_words(value) for path, value in found.items() if path not in EXTENDABLE}


def in_words(value: Any) -> str:
    """A value as it is written in YAML, on one line.

    >>> in_words([True, None, {"from": 1}])
    '[true, null, {from: 1}]'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {in_words(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(in_words, value))}]"
    return {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else str(value)


def objective_of(space: Space, dataset: Dataset) -> tuple[str, Direction]:
    """The validation metric that trials are compared by, and whether more of it is better.

    Raises:
        ArgumentError: the recipe does not measure it on these data.
    """
    training = space.recipe.training
    name = space.search.objective or monitored(training, dataset)
    known = (*metric_names(training, dataset), "loss")
    if name not in known:
        raise ArgumentError("search.objective", f"expected one of {', '.join(known)}, which the recipe measures. Received: {name}.")
    try:
        return name, monitored_direction(training, name)
    except ArgumentError as error:
        raise error.within("training") from error


def value_at(recipe: Recipe, path: str) -> Any:
    """The value of a recipe at a path, defaults included; None where there is none."""
    return get_value(recipe.resolved(), path)


def as_given(recipe: Recipe) -> dict[str, Any]:
    """A recipe's content without defaults."""
    usual = asdict(Training())
    training = {key: value for key, value in asdict(recipe.training).items() if value != usual[key]}
    content = {
        "experiment": recipe.experiment,
        **({} if recipe.run is None else {"run": recipe.run}),
        "model": {"builder": recipe.builder, **recipe.model},
        "data": {"source": recipe.source, **recipe.data},
        "training": training,
    }
    return plain_values(content)
