"""Domains as they are written in a space, and the dimensions that they stand for.

| written | means |
|---|---|
| `[a, b, c]`, `{choices: [a, b, c]}` | one of these values |
| `{from: 1.0e-4, to: 1.0e-2, scale: log}` | a number, or an integer where both ends are and the signature wants one; `step` is optional |
| `{per_stage: [8, 16], stages: model.depth + 1}` | a list with one choice, or range, per stage |
| `{double_per_stage_from: [8, 16]}` | widths that double from stage to stage, by the first one |

All but a plain list take `when: {PATH: VALUE or VALUES}`: active only where the domains at these paths have such a value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..errors import InputError, did_you_mean
from .conditions import Condition, Stages, parse_stages
from .dimensions import Dimension

Form = Literal["single", "per_stage", "doubled"]
Accepts = Callable[[Any], list[str]]
"""What is wrong with a value of the field; each begins with its path."""

_KEYS: dict[str, tuple[str, ...]] = {
    "choices": ("choices", "when"),
    "from": ("from", "to", "step", "scale", "when"),
    "per_stage": ("per_stage", "stages", "when"),
    "double_per_stage_from": ("double_per_stage_from", "stages", "when"),
}
GROWING = ("filters", "decoder_filters")
"""Arguments of which builders double one value from stage to stage by themselves."""


@dataclass(frozen=True)
class Domain:
    """What is searched at one path of the recipe.

    Attributes:
        path: in the recipe.
        written: as it stands in the space.
        form: `single`, `per_stage` (a list of the dimensions) or `doubled` (the dimension, doubled from stage to stage).
        dimensions: one; one per stage of the deepest network where the form is `per_stage`.
        stages: how many there are, where that matters.
    """

    path: str
    written: Any
    form: Form
    dimensions: tuple[Dimension, ...]
    stages: Stages | None = None

    def active(self, values: Mapping[str, Any]) -> bool:
        """Whether the conditions hold; those of the first stage are those of all."""
        return self.dimensions[0].active(values)

    def value(self, values: Mapping[str, Any], stages: int) -> Any:
        """What the recipe holds at these values of the dimensions, for a network with that many stages."""
        if self.form == "per_stage":
            return [dimension.decode(values[dimension.name]) for dimension in self.dimensions[:stages]]
        first = self.dimensions[0].decode(values[self.dimensions[0].name])
        return [first * 2**stage for stage in range(stages)] if self.form == "doubled" and self.stages else first


class DomainError(InputError):
    """Mistakes in one domain, one line each, without the path of the domain."""

    def __init__(self, *problems: str):
        super().__init__("\n".join(problems))
        self.problems = problems


def parse_domain(path: str, written: Any, earlier: Sequence[Domain], constant: Any, accepts: Accepts) -> Domain:
    """A domain from what stands in the space.

    Args:
        path: in the recipe.
        written: what stands there.
        earlier: the domains before it, which its conditions may name.
        constant: function from a path to the value that the recipe has there.
        accepts: what is wrong with a value of the field.

    Raises:
        DomainError: all that is wrong with it.
    """
    given, form = _opened(written)
    conditions = _conditions(given.get("when"), earlier)
    if form == "per_stage":
        stages = _stages(given)
        one = _dimension(path, given["per_stage"], lambda value: accepts([value]))
        return Domain(path, written, "per_stage", _per_stage(one, stages, conditions, earlier, constant), stages)
    if form == "double_per_stage_from":
        several = _stages(given) if "stages" in given or path.rpartition(".")[2] not in GROWING else None
        doubled = accepts if several is None else lambda value: accepts([value])
        one = _dimension(path, given[form], doubled)
        if one.kind == "choice" and not all(isinstance(choice, int | float) for choice in one.choices):
            raise DomainError(f"double_per_stage_from: expected numbers. Received: {list(one.choices)}.")
        if several is not None:
            _counts(several, earlier, constant)
        return Domain(path, written, "doubled", (replace(one, conditions=conditions),), several)
    one = _dimension(path, given["choices"] if form == "choices" else given, accepts)
    return Domain(path, written, "single", (replace(one, conditions=conditions),))


def _opened(written: Any) -> tuple[Mapping[str, Any], str]:
    """The settings of a domain, and the one that says its form."""
    given = {"choices": written} if isinstance(written, list | tuple) else written
    forms = ", ".join(_KEYS)
    if not isinstance(given, Mapping):
        raise DomainError(f"expected a list of values, or one of {forms}. Received: {written!r}.")
    form = next((form for form in _KEYS if form in given), None)
    if form is None:
        hint = next((said for key in given if (said := did_you_mean(key, [*_KEYS]))), "")
        raise DomainError(f"expected a list of values, or one of {forms}. Received: {', '.join(map(str, given))}.{hint}")
    known = _KEYS[form]
    unknown = [f"{key}: unknown; expected one of {', '.join(known)}.{did_you_mean(key, known)}" for key in given if key not in known]
    if unknown:
        raise DomainError(*unknown)
    return given, form


def _dimension(path: str, written: Any, accepts: Accepts) -> Dimension:
    """The values of one dimension, without name and conditions."""
    if isinstance(written, Mapping):
        return _range(path, written, accepts)
    return _choice(path, written, accepts)


def _choice(path: str, written: Any, accepts: Accepts) -> Dimension:
    if not isinstance(written, list | tuple) or not written:
        raise DomainError(f"expected a list of values. Received: {written!r}.")
    twice = [value for place, value in enumerate(written) if value in written[:place]]
    if twice:
        raise DomainError(f"expected every value once. Received: {twice[0]!r} again.")
    problems = [problem for value in written for problem in accepts(value)]
    if problems:
        raise DomainError(*dict.fromkeys(problems))
    return Dimension(path, path, "choice", choices=tuple(written))


def _range(path: str, written: Mapping, accepts: Accepts) -> Dimension:
    """Integers where both ends are and a number between two integers is refused."""
    unknown = [key for key in written if key not in _KEYS["from"]]
    missing = [key for key in ("from", "to") if not _is_number(written.get(key))]
    scale, step = written.get("scale", "linear"), written.get("step")
    if unknown:
        raise DomainError(f"{unknown[0]}: unknown; expected one of {', '.join(_KEYS['from'])}.{did_you_mean(unknown[0], _KEYS['from'])}")
    if missing:
        raise DomainError(f"{missing[0]}: expected a number. Received: {written.get(missing[0])}.")
    low, high = written["from"], written["to"]
    if scale not in ("linear", "log"):
        raise DomainError(f"scale: expected one of linear, log. Received: {scale}.{did_you_mean(scale, ('linear', 'log'))}")
    if not low < high:
        raise DomainError(f"to: expected more than from, {low}. Received: {high}.")
    if scale == "log" and low <= 0:
        raise DomainError(f"from: expected more than 0 for scale: log. Received: {low}.")
    least = 1 if scale == "log" else 0
    if step is not None and not (_is_number(step) and step > least):
        raise DomainError(f"step: expected a number above {least} for scale: {scale}. Received: {step}.")
    problems = [problem for value in (low, high) for problem in accepts(value)]
    if problems:
        raise DomainError(*dict.fromkeys(problems))
    between = low + (high - low) * 0.3819660113
    refused = accepts(between)
    whole = all(isinstance(value, int) for value in (low, high, 1 if step is None else step))
    if refused and not whole:
        raise DomainError(*(f"{problem} Give whole numbers for from, to and step." for problem in refused))
    return Dimension(path, path, "int" if refused else "float", low=low, high=high, step=step, scale=scale)


def _per_stage(one: Dimension, stages: Stages, conditions: tuple[Condition, ...], earlier: Sequence[Domain], constant: Any):
    """One dimension per stage of the deepest network; a stage that only some depths have depends on the depth."""
    counts = _counts(stages, earlier, constant)
    found = []
    for stage in range(max(counts.values())):
        deep = tuple(value for value, count in counts.items() if count > stage)
        own = () if len(deep) == len(counts) else (Condition(_at(stages.path, earlier).dimensions[0].name, deep),)  # type: ignore[union-attr]
        found.append(replace(one, name=f"{one.path}_{stage}", stage=stage, conditions=(*conditions, *own)))
    return tuple(found)


def _stages(given: Mapping[str, Any]) -> Stages:
    stages = parse_stages(given.get("stages"))
    if stages is None:
        raise DomainError(f"stages: expected a number of stages, or a path such as model.depth + 1. Received: {given.get('stages')}.")
    return stages


def _counts(stages: Stages, earlier: Sequence[Domain], constant: Any) -> dict[Any, int]:
    """The number of stages by the value of the domain that it depends on; None for one that is the same everywhere."""
    if stages.path is None:
        return {None: stages.count()}
    domain = _at(stages.path, earlier)
    counts: dict[Any, Any] = {}
    if domain is None:
        counts = {None: constant(stages.path)}
    elif domain.form != "single" or domain.dimensions[0].conditions or domain.dimensions[0].values is None:
        raise DomainError(f"stages: expected a domain of integers without conditions at {stages.path}.")
    else:
        counts = {value: domain.dimensions[0].decode(value) for value in domain.dimensions[0].values}
    if not all(isinstance(count, int) and not isinstance(count, bool) and stages.count(count) > 0 for count in counts.values()):
        raise DomainError(f"stages: expected {stages} to be at least 1. Received: {', '.join(map(str, counts.values()))} at {stages.path}.")
    return {value: stages.count(count) for value, count in counts.items()}


def _conditions(when: Any, earlier: Sequence[Domain]) -> tuple[Condition, ...]:
    if when is None:
        return ()
    if not isinstance(when, Mapping) or not when:
        raise DomainError(f"when: expected PATH: VALUE of a domain before this one. Received: {when}.")
    return tuple(_condition(path, wanted, earlier) for path, wanted in when.items())


def _condition(path: str, wanted: Any, earlier: Sequence[Domain]) -> Condition:
    """Values that the parent can take; a list is read as one of its values where it has such a one, else as several values."""
    domain = _at(path, earlier)
    if domain is None:
        known = [other.path for other in earlier]
        raise DomainError(f"when.{path}: expected a domain that stands before this one ({', '.join(known)}).{did_you_mean(path, known)}")
    parent = domain.dimensions[0]
    if domain.form == "per_stage" or parent.values is None:
        raise DomainError(f"when.{path}: expected a domain with values that can be listed, not per stage and not a range without steps.")
    known = [parent.decode(value) for value in parent.values]
    several = isinstance(wanted, list | tuple) and wanted not in known
    values = []
    for value in wanted if several else [wanted]:
        if value not in known:
            hint = did_you_mean(value, [text for text in known if isinstance(text, str)])
            raise DomainError(f"when.{path}: expected one of {', '.join(map(str, known))}. Received: {value}.{hint}")
        values.append(parent.values[known.index(value)])
    if not values:
        raise DomainError(f"when.{path}: expected a value, or a list of values. Received: {wanted}.")
    return Condition(parent.name, tuple(values))


def _at(path: str | None, domains: Sequence[Domain]) -> Domain | None:
    return next((domain for domain in domains if domain.path == path), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def named(domains: Sequence[Domain]) -> tuple[Domain, ...]:
    """The domains with their dimensions named: by the last part of the path, by all of it where two would be equal."""
    short = [name for domain in domains for name in _names(domain, domain.path.rpartition(".")[2])]
    final: dict[str, str] = {}
    found = []
    for domain in domains:
        brief = list(_names(domain, domain.path.rpartition(".")[2]))
        names = _names(domain, domain.path) if any(short.count(name) > 1 for name in brief) else brief
        dimensions = []
        for dimension, name in zip(domain.dimensions, names, strict=True):
            final[dimension.name] = name
            conditions = tuple(replace(condition, parent=final[condition.parent]) for condition in dimension.conditions)
            dimensions.append(replace(dimension, name=name, conditions=conditions))
        found.append(replace(domain, dimensions=tuple(dimensions)))
    return tuple(found)


def _names(domain: Domain, stem: str) -> Iterator[str]:
    for dimension in domain.dimensions:
        yield stem if dimension.stage is None else f"{stem}_{dimension.stage}"
