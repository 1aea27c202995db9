"""Matched comparisons: one network as wide as it must be to cost what another costs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..errors import ArgumentError, check_choice
from ..layers.style import GROUPS
from ..models import BUILDERS, Description, configuration
from .profile import profile

Cost = Literal["parameters", "macs"]
WIDTHS = ("filters", "decoder_filters")
"""The arguments of builders that are widths, one per stage."""

BOTTLENECKS = {("unet", "filters"): 1}
"""Widths that a builder takes beyond `depth` of them."""


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
        b: what is scaled, likewise: its `filters`, and its `decoder_filters` if given, all stages by one factor, then rounded.
        by: `parameters` (total), or `macs` of one sample.
        tolerance: float, the largest relative deviation that is accepted.

    Returns:
        A `Match` with the new configuration of b.

    Raises:
        ArgumentError: a configuration that cannot be built, sizes of None with `by="macs"`, or no width within the tolerance.

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
    builder, arguments = configuration(b)
    _cost(builder, arguments, by)
    search = _Search(builder, arguments, by, target)
    factor = search.scale()
    if abs(search.deviation) > tolerance / 4:
        search.adjust(tolerance / 4)
    if abs(search.deviation) > tolerance:
        raise ArgumentError(
            "b",
            f"expected widths that cost within {tolerance:.1%} of {target:,} {by}. The nearest is {search.cost:,} "
            f"({search.deviation:+.1%}) with filters={search.widths['filters']}. Allow a larger tolerance, or start from wider stages.",
        )
    return Match({"builder": search.builder, **search.arguments, **search.widths}, factor, search.cost, target)


class _Search:
    """The best widths found so far."""

    def __init__(self, builder: str, arguments: Mapping[str, Any], by: Cost, target: int):
        self.builder, self.arguments, self.by, self.target = builder, arguments, by, target
        self.step = GROUPS if arguments.get("normalization") == "group" else 1
        extra = {name: BOTTLENECKS.get((builder, name), 0) for name in WIDTHS}
        given = [name for name in WIDTHS if arguments.get(name) is not None]
        self.start = {name: _stages(arguments[name], arguments["depth"] + extra[name]) for name in given}
        self.widths: dict[str, list[int]] = {}
        self.cost = 0

    @property
    def deviation(self) -> float:
        return self.cost / self.target - 1

    def scale(self, rounds: int = 12) -> float:
        """One factor for all stages, by the rule that costs grow with the square of the width; returns it."""
        factor = best = 1.0
        tried: set[str] = set()
        for _ in range(rounds):
            widths = {name: [self.rounded(width * factor) for width in stages] for name, stages in self.start.items()}
            if str(widths) in tried:
                break
            tried.add(str(widths))
            cost = _cost(self.builder, {**self.arguments, **widths}, self.by)
            if not self.widths or abs(cost - self.target) < abs(self.cost - self.target):
                self.widths, self.cost, best = widths, cost, factor
            factor *= (self.target / cost) ** 0.5
        return best

    def adjust(self, enough: float) -> None:
        """One stage by one step, or two stages in opposite directions, as long as that brings the cost nearer."""
        improved = True
        while improved and abs(self.deviation) > enough:
            improved = False
            for candidate in self.neighbours():
                cost = _cost(self.builder, {**self.arguments, **candidate}, self.by)
                if abs(cost - self.target) < abs(self.cost - self.target):
                    self.widths, self.cost, improved = candidate, cost, True
                if abs(self.deviation) <= enough:
                    return

    def neighbours(self) -> Iterator[dict[str, list[int]]]:
        """The best widths with one stage changed by a step, then with one wider and another narrower, wide stages first."""
        places = [(name, stage) for name in self.widths for stage in reversed(range(len(self.widths[name])))]
        yield from (self.changed({place: sign}) for place in places for sign in (1, -1))
        yield from (self.changed({wider: 1, narrower: -1}) for wider in places for narrower in places if wider != narrower)

    def changed(self, steps: Mapping[tuple[str, int], int]) -> dict[str, list[int]]:
        widths = {name: list(stages) for name, stages in self.widths.items()}
        for (name, stage), sign in steps.items():
            widths[name][stage] = max(widths[name][stage] + sign * self.step, self.step)
        return widths

    def rounded(self, width: float) -> int:
        return max(round(width / self.step), 1) * self.step


def _stages(widths: int | Sequence[int], count: int) -> list[int]:
    """Widths per stage; an int doubles from stage to stage."""
    return list(widths) if isinstance(widths, Sequence) else [widths * 2**stage for stage in range(count)]


def _cost(builder: str, arguments: Mapping[str, Any], by: Cost) -> int:
    model = BUILDERS[builder](**arguments)
    if by == "parameters":
        return model.count_params()
    macs = profile(model).macs
    if macs is None:
        raise ArgumentError("input_shape", f'expected fixed sizes for by="macs". Received: {tuple(arguments["input_shape"])}.')
    return macs
