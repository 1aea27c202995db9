"""`load_space`: reads a space and checks all of it, so that every mistake is named before any work begins."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import yaml

from .. import schema
from ..errors import ArgumentError, InputError, did_you_mean, one_line
from ..training.conflicts import metric_name
from ..training.recipe import (
    Recipe,
    RecipeError,
    Training,
    load_recipe,
    normal_path,
    parse_yaml,
    plain_values,
    read_content,
    remove_value,
    set_value,
    shipped_recipes,
)
from ..training.settings import Metric
from .constraints import Constraint, parse_constraint
from .dimensions import Dimension, encoded
from .domains import Domain, DomainError, named, parse_domain
from .fields import Fields
from .settings import DRAWING, TRIALS, Search, check_search
from .space import Space, value_at

SECTIONS = ("recipe", "settings", "domains", "constraints", "search")


class SpaceError(InputError):
    """A space with mistakes: `problems` holds one line for each, beginning with its path in the file."""

    def __init__(self, name: str, problems: Sequence[str]):
        super().__init__("\n".join(f"{name}: {problem}" for problem in problems))
        self.problems = list(problems)


def load_space(space: str | Path | Mapping | Space, overrides: Mapping[str, Any] | None = None) -> Space:
    """Reads a space and checks all of it.

    Args:
        space: path of a YAML file, the name of a space that ships with kzoo, the content as a mapping, or a checked space.
        overrides: values by their path in the space, such as `{"search.trials": 10, "settings.data.path": FOLDER}`. Paths of the recipe
            (`training.epochs`) are settings; `domains.PATH` replaces a whole domain, or removes it if the value is None.

    Returns:
        A checked `Space`.

    Raises:
        SpaceError: names every mistake by its path in the space.

    >>> space = load_space("unet_grid", {"training.epochs": 1})
    >>> space.cardinality(), space.recipe.training.epochs
    (30, 1)
    """
    if isinstance(space, Space):
        return _changed(space, overrides) if overrides else space
    name, text, content, folder = _read(space)
    reader = _Reader(content, folder)
    for path, value in (overrides or {}).items():
        reader.override(path, value)
    found = reader.read()
    if reader.problems or found is None:
        raise SpaceError(name, list(dict.fromkeys(reader.problems)))
    recipe, domains, constraints, search = found
    return Space(Path(name).stem, text, recipe, domains, constraints, search)


def _changed(space: Space, overrides: Mapping[str, Any]) -> Space:
    """A checked space with other values; another tuner has its own number of trials."""
    content = space.resolved()
    if "search.tuner" in overrides:
        content["search"]["trials"] = None
    return replace(load_space(content, overrides), name=space.name, text=space.text)


def shipped_spaces() -> dict[str, Path]:
    """The spaces that ship with kzoo, by name: `kzoo/tuning/` where it is installed, `tuning/` in a checkout.

    >>> "unet_filters" in shipped_spaces()
    True
    """
    package = Path(__file__).parents[1]
    folder = next(f for f in (package / "tuning", package.parent / "tuning") if f.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _read(space: str | Path | Mapping) -> tuple[str, str, dict, Path]:
    """The name, the text and the content of a space, and the folder that its recipe's path starts from."""
    if isinstance(space, Mapping):
        content = deepcopy(dict(space))
        return "space", yaml.safe_dump(plain_values(content), sort_keys=False), content, Path()
    shipped = shipped_spaces()
    path = shipped.get(str(space), Path(space))
    if not path.is_file():
        raise InputError(
            f"{space}: no such file. Expected a space file or one of {', '.join(shipped)}, which ship with kzoo."
            f"{did_you_mean(Path(space).stem, shipped)}"
        )
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{space}: cannot be read ({one_line(error)}).") from error
    content = parse_yaml(str(space), text)
    if not isinstance(content, dict):
        raise InputError(f"{space}: expected a space with recipe and domains. Received: {type(content).__name__}.")
    return str(space), text, content, path.parent


class _Reader:
    """The content of a space on its way to a `Space`; gathers what is wrong with it."""

    def __init__(self, content: dict, folder: Path):
        self.problems: list[str] = []
        self.folder = folder
        for key in content:
            if key not in SECTIONS:
                self.problems.append(f"{key}: unknown; expected one of {', '.join(SECTIONS)}.{did_you_mean(key, SECTIONS)}")
        self.recipe = content.get("recipe")
        self.settings = self._section(content, "settings")
        self.domains = self._section(content, "domains")
        self.constraints = content.get("constraints")
        self.search = self._section(content, "search")

    def _section(self, content: Mapping, key: str) -> dict:
        given = content.get(key)
        if given is None or isinstance(given, Mapping):
            return deepcopy(dict(given or {}))
        self.problems.append(f"{key}: expected settings as `name: value`. Received: {given!r}.")
        return {}

    def override(self, path: str, value: Any) -> None:
        """Sets a value of the space by its path."""
        section, _, rest = path.partition(".")
        if section in ("model", "data", "training"):
            self.settings[path] = value
        elif section == "settings" and rest:
            self.settings[rest] = value
        elif section == "search" and rest:
            self.problems += set_value(self.search, rest, value)
        elif section == "domains" and rest:
            self._override_domain(rest, _plain(value))
        elif section in ("recipe", "constraints") and not rest:
            setattr(self, section, str(value) if section == "recipe" and isinstance(value, str) else _plain(value))
        else:
            self.problems.append(f"{path}: expected a path in the space, such as search.trials, settings.PATH or domains.PATH.")

    def _override_domain(self, path: str, value: Any) -> None:
        if value is None:
            self.domains.pop(path, None)
        else:
            self.domains[path] = value

    def read(self) -> tuple[Recipe, tuple[Domain, ...], tuple[Constraint, ...], Search] | None:
        """All sections; None where the recipe has mistakes."""
        content = self._recipe_content()
        if content is not None:
            self._name_fields(content)
            self._apply_settings(content)
        domains = () if content is None else self._read_domains(content)
        recipe = None if content is None else self._base(content, domains)
        constraints = self._read_constraints()
        search = self._read_search(recipe, domains)
        if recipe is None or search is None:
            return None
        return recipe, domains, constraints, search

    def _recipe_content(self) -> dict | None:
        """The recipe's own content; None where it cannot be read."""
        if not isinstance(self.recipe, str | Path | Mapping) or not self.recipe:
            self.problems.append("recipe: missing; expected the name of a shipped recipe, a recipe file, or a recipe as a mapping.")
            return None
        beside = self.folder / str(self.recipe) if not isinstance(self.recipe, Mapping) else None
        source = beside if beside and beside.is_file() and str(self.recipe) not in shipped_recipes() else self.recipe
        try:
            return read_content(source)[2]
        except InputError as error:
            self.problems += [f"recipe: {line}" for line in str(error).splitlines()]
            return None

    def _name_fields(self, content: dict) -> None:
        """Names every domain by its one path, without import paths; a field that is named twice would have a domain without effect."""
        found: dict[str, Any] = {}
        for path, written in self.domains.items():
            normal = normal_path(content, str(path))
            if normal in found:
                self.problems.append(f"domains.{path}: is searched already, as domains.{normal}. Leave one of them out.")
            found.setdefault(normal, written)
        self.domains = found

    def _apply_settings(self, content: dict) -> None:
        for written, value in self.settings.items():
            path = normal_path(content, written)
            under = [other for other in self.domains if other == path or _is_under(other, path) or _is_under(path, other)]
            if under:
                self.problems.append(f"settings.{written}: is searched, as domains.{under[0]}. Leave one of them out.")
            else:
                self.problems += [f"settings.{problem}" for problem in set_value(content, written, _plain(value))]

    def _read_domains(self, content: dict) -> tuple[Domain, ...]:
        """All domains without mistakes, named; their defaults are the recipe's values where they have them."""
        if not self.domains:
            self.problems.append("domains: missing; expected PATH: DOMAIN, such as model.depth: [2, 3, 4].")
        fields = Fields(content)
        found: list[Domain] = []
        for path, written in self.domains.items():
            if not fields.known(path, self.problems):
                continue
            try:
                found.append(parse_domain(path, _plain(written), found, fields.value, fields.checker(path)))
            except DomainError as error:
                self.problems += [f"domains.{path}{'.' if _has_path(line) else ': '}{line}" for line in error.problems]
        return tuple(_with_defaults(domain, fields.value(domain.path)) for domain in named(found))

    def _base(self, content: dict, domains: tuple[Domain, ...]) -> Recipe | None:
        """The recipe with every domain at its default; None where it has mistakes."""
        for path in self.domains:
            remove_value(content, path)
        values: dict[str, Any] = {}
        for dimension in (dimension for domain in domains for dimension in domain.dimensions):
            if dimension.active(values):
                values[dimension.name] = dimension.default
        for domain in domains:
            if domain.active(values):
                stages = domain.stages.count(Fields(content).value(domain.stages.path or "")) if domain.stages else 0
                self.problems += [f"domains.{problem}" for problem in set_value(content, domain.path, domain.value(values, stages))]
        try:
            return load_recipe(content, {path: value for path, value in self.settings.items() if isinstance(value, schema.Written)})
        except RecipeError as error:
            self.problems += [said for problem in error.problems if (said := self._placed(problem, domains))]
            return None

    def _placed(self, problem: str, domains: Sequence[Domain]) -> str | None:
        """A problem of the recipe by its place in the space; None for what a mistake in a domain brings with it."""
        path = problem.partition(":")[0]
        if any(path == other or _is_under(path, other) for other in self.domains):
            return f"domains.{problem}" if any(domain.path == path for domain in domains) else None
        if any(path == other or _is_under(path, other) for other in self.settings):
            return f"settings.{problem}"
        return f"recipe.{problem}"

    def _read_constraints(self) -> tuple[Constraint, ...]:
        given = [] if self.constraints is None else self.constraints
        if not isinstance(given, list | tuple):
            self.problems.append(f"constraints: expected a list, such as [parameters <= 2e6]. Received: {given}.")
            return ()
        found = []
        for place, text in enumerate(given):
            constraint = parse_constraint(text)
            if isinstance(constraint, Constraint):
                found.append(constraint)
            else:
                self.problems.append(f"constraints[{place}]: {constraint}")
        return tuple(found)

    def _read_search(self, recipe: Recipe | None, domains: tuple[Domain, ...]) -> Search | None:
        checked, problems = schema.check_values(self.search, Search, "search")
        self.problems += problems
        if problems or recipe is None:
            return None
        search = Search(**checked)
        epochs = value_at(recipe, "training.epochs")
        self.problems += check_search(search, epochs)
        self.problems += _comparable(search, recipe.training, domains)
        return replace(search, trials=search.trials or TRIALS) if search.tuner in DRAWING else search


def _comparable(search: Search, training: Training, domains: Sequence[Domain]) -> list[str]:
    """Objectives that the recipe does not measure, or that a domain changes the meaning of."""
    problems = []
    measured = get_args(Metric) if training.metrics is None else map(metric_name, training.metrics)
    names = [*measured, "loss"]
    if search.objective and search.objective not in names:
        hint = did_you_mean(search.objective, names)
        known = f"expected one of {', '.join(names)}, which the recipe measures"
        problems.append(f"search.objective: {known}. Received: {search.objective}.{hint}")
    paths = [domain.path for domain in domains]
    if (search.objective or training.monitor) == "loss":
        for path in paths:
            if path in ("training.loss", "training.class_weights") or _is_under(path, "training.loss"):
                problems.append(f"domains.{path}: expected an objective other than loss, since losses of different kinds do not compare.")
    if search.tuner == "hyperband" and "training.epochs" in paths:
        problems.append("domains.training.epochs: expected another tuner than hyperband, which sets the epochs itself.")
    return problems


def _with_defaults(domain: Domain, value: Any) -> Domain:
    """The domain with its dimensions at the recipe's value, where they have it."""
    dimensions = []
    for dimension in domain.dimensions:
        stage = 0 if domain.form == "doubled" else dimension.stage
        own = value
        if stage is not None and (isinstance(value, list | tuple) or domain.form == "per_stage"):
            own = value[stage] if isinstance(value, list | tuple) and len(value) > stage else None
        dimensions.append(replace(dimension, default=_default(dimension, own)))
    return replace(domain, dimensions=tuple(dimensions))


def _default(dimension: Dimension, own: Any) -> Any:
    if dimension.kind == "choice":
        place = dimension.choices.index(own) if own in dimension.choices else 0
        return encoded(dimension.choices)[place]
    try:
        return dimension.decode(own)
    except ArgumentError:
        return dimension.decode(dimension.low)


def _is_under(path: str, other: str) -> bool:
    return path.startswith(f"{other}.")


def _has_path(problem: str) -> bool:
    """Whether a problem of a domain begins with a key of it."""
    return re.match(r"[\w.]+: ", problem) is not None


def _plain(value: Any) -> Any:
    """What was typed on the command line, read as YAML."""
    return value.read(object) if isinstance(value, schema.Written) else value
