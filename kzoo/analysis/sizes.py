"""The input sizes that a network can take: those that every layer leaves something of and that meet again at every skip."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import keras

from .facts import Facts, facts_of
from .graph import Call, Graph, trace
from .moves import Move

_LARGEST = 1 << 20


@dataclass(frozen=True)
class LegalSizes:
    """The legal sizes n along one axis: n >= `smallest`, n <= `largest` if there is one, and n % `period` in `residues`.

    >>> sizes = LegalSizes(smallest=188, period=16, residues=(12,))
    >>> 572 in sizes, 512 in sizes, sizes.nearest(512)
    (True, False, (508, 524))
    >>> print(sizes)
    n >= 188, n % 16 == 12
    """

    smallest: int
    period: int = 1
    residues: tuple[int, ...] = (0,)
    largest: int | None = None

    def __contains__(self, size: int) -> bool:
        fits = size % self.period in self.residues
        return fits and size >= self.smallest and (self.largest is None or size <= self.largest)

    def nearest(self, size: int) -> tuple[int, ...]:
        """The next legal sizes below and above, or `size` itself."""
        if size in self:
            return (size,)
        below = next((n for n in range(size, max(size - self.period, self.smallest - 1), -1) if n in self), None)
        start = max(size, self.smallest)
        above = next((n for n in range(start, start + self.period + 1) if n in self), None)
        if below is None and above is None:
            return (self.largest or self.smallest,)
        return tuple(n for n in (below, above) if n is not None)

    @property
    def typical(self) -> int:
        """A size to compute with where none is given: the smallest, even if possible."""
        return next((n for n in range(self.smallest, self.smallest + 2 * self.period) if n in self and n % 2 == 0), self.smallest)

    def __str__(self) -> str:
        if self.largest is not None:
            return f"n == {self.smallest}" if self.largest == self.smallest else f"{self.smallest} <= n <= {self.largest}"
        if self.period == 1:
            return f"n >= {self.smallest}"
        if len(self.residues) == 1:
            return f"n >= {self.smallest}, n % {self.period} == {self.residues[0]}"
        return f"n >= {self.smallest}, n % {self.period} in {self.residues}"


def legal_sizes(model: keras.Model) -> tuple[LegalSizes, ...]:
    """The input sizes that a network can take, along each spatial axis of the first input that has any.

    A legal size leaves at least one position in every map, gives equal sizes wherever maps are added or concatenated, and gives the
    number of features that a dense layer behind a flatten was built for. Inputs of the same size as the first vary with it, others
    are taken to fit; layers without a rule are not followed. A model that was built for fixed sizes is judged by its layers: build
    it anew for another size.

    Args:
        model: a functional `keras.Model`, with spatial sizes fixed or None.

    Returns:
        A `LegalSizes` per spatial axis.

    >>> from kzoo import build_unet
    >>> print(*legal_sizes(build_unet(input_shape=(None, None, 1), num_classes=2, filters=2, padding="valid")), sep="; ")
    n >= 188, n % 16 == 12; n >= 188, n % 16 == 12
    """
    graph = trace(model)
    return find_legal_sizes(graph, [facts_of(call) for call in graph.calls])


def find_legal_sizes(graph: Graph, facts: Sequence[Facts | None]) -> tuple[LegalSizes, ...]:
    """The same for a graph that has been read; axes that go through the same moves are computed once."""
    found: dict[tuple, LegalSizes] = {}
    result = []
    for axis in graph.spatial_axes(graph.image):
        program = _Program(graph, facts, axis)
        key = (tuple(program.steps), program.built)
        if key not in found:
            found[key] = _solve(program)
        result.append(found[key])
    return tuple(result)


@dataclass(frozen=True)
class _Step:
    """One check along an axis: a move from slot to slot, equality of two slots, or a slot that must have the built size."""

    slot: int
    move: Move | None = None
    equals: int | None = None
    fixed: int | None = None


class _Program:
    """The moves and checks that one axis goes through, pointwise layers left out. Slot 0 is the input's size."""

    def __init__(self, graph: Graph, facts: Sequence[Facts | None], axis: int):
        self.steps: list[_Step] = []
        self.jumps = [Fraction(1)]
        self.built = graph.shapes[graph.image][axis]
        self.places: dict[int, tuple[int, int]] = {
            tensor: (0, axis) for tensor in graph.inputs if axis in graph.spatial_axes(tensor) and graph.shapes[tensor][axis] == self.built
        }
        for call, known in zip(graph.calls, facts, strict=True):
            self.add(call, known)

    def add(self, call: Call, facts: Facts | None) -> None:
        if facts is None:
            return
        tracked = [
            (*self.places[tensor], shape) for tensor, shape in zip(call.inputs, call.input_shapes, strict=True) if tensor in self.places
        ]
        tracked = [t for t in tracked if t[2][t[1]] != 1 or len(tracked) == 1]
        if not tracked:
            return
        slot, axis, shape = tracked[0]
        self.steps += [_Step(slot, equals=other) for other in dict.fromkeys(t[0] for t in tracked) if other != slot]
        if facts.fixed and shape[axis] is not None:
            self.steps.append(_Step(slot, fixed=shape[axis]))
        if facts.positions == "lost":
            return
        moves = dict(zip(call.spatial_axes, facts.moves, strict=False))
        if axis in moves:
            slot = self.move(slot, moves[axis])
        place = axis if facts.order is None else facts.order.index(axis)
        self.places |= dict.fromkeys(call.outputs, (slot, place))

    def move(self, slot: int, move: Move) -> int:
        if move.scale == 1 and move.size(1 << 16) == 1 << 16:
            return slot
        self.steps.append(_Step(slot, move=move))
        self.jumps.append(self.jumps[slot] * move.scale)
        return len(self.jumps) - 1

    @property
    def period(self) -> int:
        return lcm(*(jump.numerator for jump in self.jumps))

    def run(self, size: int) -> tuple[bool, bool]:
        """Whether every map keeps a position, and whether all checks hold as well."""
        sizes, holds = [size], True
        for step in self.steps:
            here = sizes[step.slot]
            if step.move is not None:
                made = step.move.size(here)
                if made < 1:
                    return False, False
                sizes.append(made)
            elif step.fixed is not None:
                holds = holds and here == step.fixed
            elif step.equals is not None:
                holds = holds and here == sizes[step.equals]
        return True, holds


def _solve(program: _Program) -> LegalSizes:
    if program.built is not None and any(step.fixed is not None for step in program.steps):
        return _around(program, program.built)
    least, period = _least_alive(program), program.period
    legal = [n for n in range(least, least + period) if program.run(n)[1]]
    if not legal:
        return LegalSizes(program.built or least, largest=program.built or least)
    return LegalSizes(legal[0], *_reduce(period, {n % period for n in legal}))


def _around(program: _Program, built: int) -> LegalSizes:
    """The legal sizes next to the built one."""
    first = last = built
    while first > 1 and program.run(first - 1)[1]:
        first -= 1
    while last < built + _LARGEST and program.run(last + 1)[1]:
        last += 1
    return LegalSizes(first, largest=last)


def _least_alive(program: _Program) -> int:
    """The smallest size of which every map keeps a position; larger ones do as well."""
    high = 1
    while not program.run(high)[0] and high < _LARGEST:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if program.run(middle)[0] else (middle, high)
    return high


def _reduce(period: int, residues: set[int]) -> tuple[int, tuple[int, ...]]:
    """The shortest period that says the same."""
    for shorter in (p for p in range(1, period + 1) if period % p == 0):
        folded = {residue % shorter for residue in residues}
        if len(folded) * (period // shorter) == len(residues):
            return shorter, tuple(sorted(folded))
    return period, tuple(sorted(residues))
