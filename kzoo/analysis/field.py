"""The receptive field along one axis: which input positions a position of a map depends on, for all positions at once.

Up-sampling makes the field depend on the position's phase, so a `Field` holds the first and last input position for each position of
one period; beyond the period, both move on by `shift`. Positions outside the input are the padding's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple, Optional

from .moves import Move


class Path(NamedTuple):
    """A chain of moves from the input to a map, and the size of its field as a mean over all phases."""

    mean: Fraction
    before: Optional["Path"] = None
    move: Move | None = None
    size: int = 0


START = Path(Fraction(1))


@dataclass(frozen=True, eq=False)
class Field:
    """First and last input position for every position of one period; None where a position depends on nothing.

    Attributes:
        first, last: per position of the period.
        shift: input positions from one period to the next.
        centre: input position of the middle of position 0's field, as a mean over all phases and without the padding's asymmetry
            being hidden: branches of equal jump and centre are aligned.
        shortest, longest: the paths with the smallest and the largest field.
    """

    first: tuple[int | None, ...] = (0,)
    last: tuple[int | None, ...] = (0,)
    shift: int = 1
    centre: Fraction = Fraction(0)
    shortest: Path = START
    longest: Path = START

    @property
    def jump(self) -> Fraction:
        """Input positions per position: the stride."""
        return Fraction(self.shift, len(self.first))

    def window(self, position: int) -> tuple[int, int] | None:
        """First and last input position, or None."""
        turns, phase = divmod(position, len(self.first))
        first, last = self.first[phase], self.last[phase]
        return None if first is None or last is None else (first + turns * self.shift, last + turns * self.shift)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Input positions in the field, per phase."""
        pairs = zip(self.first, self.last, strict=True)
        return tuple(0 if a is None or b is None else b - a + 1 for a, b in pairs)


def advance(field: Field, move: Move, n: int) -> Field:
    """The field behind a move, on a map of n positions."""
    scale, period = move.scale, len(field.first)
    stretched = period * scale.denominator
    count = stretched // gcd(stretched, scale.numerator)
    hulls = [_hull(field.window(tap) for tap in move.taps(position, n)) for position in range(count)]
    return Field(
        tuple(hull and hull[0] for hull in hulls),
        tuple(hull and hull[1] for hull in hulls),
        int(field.jump * scale * count),
        field.centre + field.jump * move.centre(n),
        _extend(field.shortest, move, n, field.jump),
        _extend(field.longest, move, n, field.jump),
    )


def merge(fields: Sequence[Field]) -> Field | None:
    """What a position depends on through any of several branches; None where their strides differ."""
    if len({field.jump for field in fields}) > 1:
        return None
    count = lcm(*(len(field.first) for field in fields))
    hulls = [_hull(field.window(position) for field in fields) for position in range(count)]
    return Field(
        tuple(hull and hull[0] for hull in hulls),
        tuple(hull and hull[1] for hull in hulls),
        int(fields[0].jump * count),
        sum((field.centre for field in fields), Fraction(0)) / len(fields),
        min((field.shortest for field in fields), key=lambda path: path.mean),
        max((field.longest for field in fields), key=lambda path: path.mean),
    )


def follow(path: Path) -> Field:
    """The field along one path alone."""
    steps = []
    while path.before is not None:
        steps.append(path)
        path = path.before
    field = Field()
    for step in reversed(steps):
        assert step.move is not None
        field = advance(field, step.move, step.size)
    return field


def _extend(path: Path, move: Move, n: int, jump: Fraction) -> Path:
    return Path(path.mean + (move.width - 1) * jump, path, move, n)


def _hull(windows) -> tuple[int, int] | None:
    found = [window for window in windows if window is not None]
    return (min(first for first, _ in found), max(last for _, last in found)) if found else None
