"""Matched comparisons: one network as wide as it must be to cost what another costs."""

import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, get_args

from ..errors import ArgumentError, check_choice
from ..models import BUILDERS, Description, configuration
from .profile import profile

Cost = Literal["parameters", "macs"]
WIDTHS = (("width",), ("filters", "decoder_filters"), ("growth",))
"""The arguments that say how wide a network is: those of the first group that a builder takes are scaled."""

STEPS = (1, 2, 4, 8, 16, 32, 64)
"""By how much filters may have to change at once: by 8 under a group norm, by the cardinality of grouped convolutions."""

FINE = 0.001
"""The step of a factor, such as the `width` of a MobileNet."""


@dataclass(frozen=True)
class Match:
    """What `match` returns.

    Attributes:
        config: the second network with its new widths, for `kzoo.build`.
        factor: by what its widths were multiplied, before rounding.
        cost: what it costs now.
        target: what the first network costs.
    """

    config: Mapping[str, Any]
    factor: float
    cost: int
    target: int

    @property
    def deviation(self) -> float:
        """(cost - target) / target."""
        return self.cost / self.target - 1


def match(
    a: str | Description | Mapping[str, Any],
    b: str | Description | Mapping[str, Any],
    *,
    by: Cost = "parameters",
    tolerance: float = 0.02,
) -> Match:
    """Scales the width of one network until it costs what another costs, so that a comparison of designs is not one of sizes.

    Args:
        a: what sets the cost: the name of a preset, a description, or a mapping with `builder` and its arguments.
        b: what is scaled, likewise: its `width` where the builder has one that multiplies all filters; else its `filters`, and its
            `decoder_filters` if given, all stages by one factor, then rounded; else its `growth`.
        by: `parameters` (total), or `macs` of one sample.
        tolerance: float, the largest relative deviation that is accepted.

    Returns:
        A `Match` with the new configuration of b.

    Raises:
        ArgumentError: a configuration that cannot be built, sizes of None with `by="macs"`, a builder without widths that can be
            changed, or no width within the tolerance.

    >>> import kzoo
    >>> plain = {"builder": "unet", "input_shape": (64, 64, 1), "num_classes": 2, "filters": 8}
    >>> found = kzoo.match(plain, {**plain, "upsampling": "nearest"}, by="macs")
    >>> found.config["filters"], abs(found.deviation) < 0.02
    ([7, 14, 27, 54, 108], True)
    >>> model = kzoo.build(found.config)
    """
    check_choice("by", by, get_args(Cost))
    if not isinstance(tolerance, int | float) or not 0 < tolerance < 1:
        raise ArgumentError("tolerance", f"expected a share between 0 and 1. Received: {tolerance!r}.")
    target = _cost(*configuration(a), by)
    search = _Search(*configuration(b), by, target)
    factor = search.scale()
    if abs(search.deviation) > tolerance / 4:
        search.adjust(tolerance / 4)
    if abs(search.deviation) > tolerance:
        found = ", ".join(f"{name}={value}" for name, value in search.found.items())
        raise ArgumentError(
            "b",
            f"expected widths that cost within {tolerance:.1%} of {target:,} {by}. The nearest is {search.cost:,} "
            f"({search.deviation:+.1%}) with {found}. Allow a larger tolerance, or start from wider stages.",
        )
    return Match({"builder": search.builder, **search.arguments, **search.found}, factor, search.cost, target)


class _Search:
    """The best widths found so far."""

    def __init__(self, builder: str, arguments: Mapping[str, Any], by: Cost, target: int):
        if arguments.get("weights") is not None:
            raise ArgumentError("b", f"expected weights=None, since other widths need other weights. Received: {arguments['weights']}.")
        self.builder, self.arguments, self.by, self.target = builder, arguments, by, target
        self.cost = _cost(builder, arguments, by)
        self.parts: dict[str, list[int]] = {}  # widths per stage, of lists of lists; empty for a single number
        self.steps: dict[str, float] = {}
        self.widths = self.start = self._scalable()

    @property
    def deviation(self) -> float:
        return self.cost / self.target - 1

    @property
    def found(self) -> dict[str, Any]:
        """The best widths as arguments of the builder."""
        return self._given(self.widths)

    def scale(self, rounds: int = 12) -> float:
        """One factor for all widths, by the rule that costs grow with the square of the width; returns it."""
        factor = best = 1.0
        tried = {str(self.start)}
        cost: int | None = self.cost
        for _ in range(rounds):
            if cost is None:
                break
            factor *= (self.target / cost) ** 0.5
            widths = {name: [self._rounded(name, width * factor) for width in stages] for name, stages in self.start.items()}
            if str(widths) in tried:
                break
            tried.add(str(widths))
            cost = self._cost_of(widths)
            if self._keep(widths, cost):
                best = factor
        return best

    def adjust(self, enough: float) -> None:
        """One stage by one step, or two stages in opposite directions, as long as that brings the cost nearer."""
        improved = True
        while improved and abs(self.deviation) > enough:
            improved = False
            for candidate in self._neighbours():
                improved |= self._keep(candidate, self._cost_of(candidate))
                if abs(self.deviation) <= enough:
                    return

    def _scalable(self) -> dict[str, list]:
        """The widths of the first group of arguments that the builder lets one change."""
        for group in WIDTHS:
            given = {name: self._stages(name) for name in group if self.arguments.get(name) is not None}
            steps = {name: self._step(name, stages) for name, stages in given.items()}
            self.steps = {name: step for name, step in steps.items() if step is not None}
            if self.steps:
                return {name: given[name] for name in self.steps}
        names = ", ".join(name for group in WIDTHS for name in group)
        raise ArgumentError(
            "b", f"expected a network with a width that can be changed ({names}). Received: {self.builder}, which has none as it is given."
        )

    def _stages(self, name: str) -> list:
        """One width per stage; a number is written out where that gives the same network, doubled from stage to stage or not."""
        value = self.arguments[name]
        if isinstance(value, Sequence):
            return self._flat(name, value)
        for stages in self._counts() if any(map(get_args, _members(self.builder, name))) else ():
            for growth in (2, 1):
                widths = [value * growth**stage for stage in range(stages)]
                if self._cost_of({name: widths}) == self.cost:
                    return widths
        self.parts[name] = []
        return [value]

    def _flat(self, name: str, value: Sequence) -> list:
        """The widths one after the other, where there are several per stage."""
        if not isinstance(value[0], Sequence):
            return list(value)
        self.parts[name] = [len(inner) for inner in value]
        return [width for inner in value for width in inner]

    def _counts(self) -> tuple[int, ...]:
        """How many stages there may be, likely numbers first: one per entry of `blocks`, or `depth`, perhaps and a bottleneck."""
        blocks, depth = (self.arguments.get(name) for name in ("blocks", "depth"))
        likely = (len(blocks),) if isinstance(blocks, Sequence) else (depth, depth + 1) if depth else ()
        return tuple(dict.fromkeys([*likely, *range(2, 7)]))

    def _step(self, name: str, stages: Sequence) -> float | None:
        """The smallest step by which all of these widths can be changed at once; None for none."""
        for step in (FINE,) if float in _members(self.builder, name) else STEPS:
            if self._cost_of({name: [width + step for width in stages]}) is not None:
                return step
        return None

    def _cost_of(self, widths: Mapping[str, list]) -> int | None:
        """None for widths that the builder refuses."""
        try:
            return _cost(self.builder, {**self.arguments, **self._given(widths)}, self.by)
        except ArgumentError:
            return None

    def _keep(self, widths: dict[str, list], cost: int | None) -> bool:
        """Whether these are the best widths so far."""
        better = cost is not None and abs(cost - self.target) < abs(self.cost - self.target)
        if better:
            self.widths, self.cost = widths, cost  # type: ignore[assignment]
        return better

    def _neighbours(self) -> Iterator[dict[str, list]]:
        """The best widths with one stage changed by a step, then with one wider and another narrower, wide stages first."""
        places = [(name, stage) for name in self.widths for stage in reversed(range(len(self.widths[name])))]
        yield from (self._changed({place: sign}) for place in places for sign in (1, -1))
        yield from (self._changed({wider: 1, narrower: -1}) for wider in places for narrower in places if wider != narrower)

    def _changed(self, steps: Mapping[tuple[str, int], int]) -> dict[str, list]:
        widths = {name: list(stages) for name, stages in self.widths.items()}
        for (name, stage), sign in steps.items():
            widths[name][stage] = self._rounded(name, widths[name][stage] + sign * self.steps[name])
        return widths

    def _rounded(self, name: str, width: float) -> float:
        """The nearest width in whole steps, at least one."""
        step = self.steps[name]
        return round(max(round(width / step), 1) * step, 3)

    def _given(self, widths: Mapping[str, list]) -> dict[str, Any]:
        """The widths as they were given: one number, a list, or a list of lists."""
        found: dict[str, Any] = {}
        for name, stages in widths.items():
            rest, parts = iter(stages), self.parts.get(name)
            found[name] = list(stages) if parts is None else [list(islice(rest, part)) for part in parts] or stages[0]
        return found


def _members(builder: str, name: str) -> tuple:
    """The types that an argument of a builder takes; those of lists have arguments of their own."""
    hint = typing.get_type_hints(BUILDERS[builder])[name]
    return get_args(hint) or (hint,)


def _cost(builder: str, arguments: Mapping[str, Any], by: Cost) -> int:
    model = BUILDERS[builder](**{**arguments, "weights": None} if "weights" in arguments else arguments)
    if by == "parameters":
        return model.count_params()
    macs = profile(model).macs
    if macs is None:
        raise ArgumentError("input_shape", f'expected fixed sizes for by="macs". Received: {tuple(arguments["input_shape"])}.')
    return macs
