"""The input sizes that a network can take: those that every layer leaves something of and that meet again at every skip."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import keras

from .facts import Facts, Reference, facts_of
from .graph import Call, Graph, trace
from .layout import Layout, Run, aligned, held, is_stretched, lay_out, moves_by_axis, place_of
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
        if self.largest == self.smallest:
            return f"n == {self.smallest}"
        limits = f"n >= {self.smallest}" if self.largest is None else f"{self.smallest} <= n <= {self.largest}"
        if self.period == 1:
            return limits
        if len(self.residues) == 1:
            return f"{limits}, n % {self.period} == {self.residues[0]}"
        return f"{limits}, n % {self.period} in {self.residues}"


def legal_sizes(model: keras.Model) -> tuple[LegalSizes | None, ...]:
    """The input sizes that a network can take, along each spatial axis of the first input that has any.

    A legal size leaves at least one position in every map, gives equal sizes wherever maps are added or concatenated, and gives what
    layers with weights along that axis were built for, such as a dense layer behind a flatten. Inputs of the same size as the first
    vary with it. A model that was built for fixed sizes is judged by its layers: build it anew for another size.

    Args:
        model: a functional `keras.Model`, with spatial sizes fixed or None.

    Returns:
        A `LegalSizes` per spatial axis; None where they are not known: behind a layer that is not followed, or where the sizes of
        several inputs depend on each other.

    >>> from kzoo import build_unet
    >>> print(*legal_sizes(build_unet(input_shape=(None, None, 1), num_classes=2, filters=2, padding="valid")), sep="; ")
    n >= 188, n % 16 == 12; n >= 188, n % 16 == 12
    """
    graph = trace(model)
    return find_legal_sizes(graph, [facts_of(call) for call in graph.calls])


def find_legal_sizes(graph: Graph, facts: Sequence[Facts | None]) -> tuple[LegalSizes | None, ...]:
    """The same for a graph that has been read; axes that go through the same moves are computed once."""
    layouts = lay_out(graph, facts)
    found: dict[tuple, LegalSizes | None] = {}
    result = []
    for axis in graph.spatial_axes(graph.image):
        program = _Program(graph, facts, layouts, axis)
        key = (tuple(program.steps), program.built, program.known)
        if key not in found:
            found[key] = _solve(program) if program.known else None
        result.append(found[key])
    return tuple(result)


@dataclass(frozen=True)
class _Step:
    """One check along an axis: a move from slot to slot, equality of two slots, or a slot that must have one size."""

    slot: int
    move: Move | None = None
    equals: int | None = None
    fixed: int | None = None


class _Branch(NamedTuple):
    """An input of a call that varies with the size: which tensor, with which input of the model, its slot, and the axis it lies on."""

    tensor: int
    source: int
    slot: int
    place: int
    run: Run


class _Program:
    """The moves and checks that one axis goes through, pointwise layers left out. Slot 0 is the input's size.

    Attributes:
        period: all sizes of maps move on evenly with so many positions of the input.
        known: False where a layer is not followed or inputs of several sizes meet.
    """

    def __init__(self, graph: Graph, facts: Sequence[Facts | None], layouts: Sequence[Layout], axis: int):
        self.steps: list[_Step] = []
        self.jumps = [Fraction(1)]
        self.period = 1
        self.known = True
        self.graph, self.layouts, self.axis = graph, layouts, axis
        self.built = graph.shapes[graph.image][axis]
        alike = [source for source in graph.inputs if axis in graph.spatial_axes(source) and graph.shapes[source][axis] == self.built]
        self.slots = {(source, source): 0 for source in alike}
        for call, known in zip(graph.calls, facts, strict=True):
            self.add(call, known)

    def add(self, call: Call, facts: Facts | None) -> None:
        branches = [branch for tensor in dict.fromkeys(call.inputs) for branch in self.branches(call, tensor)]
        if not branches:
            return
        if facts is None or any(self.layouts[tensor].unknown for tensor in call.outputs):
            self.known = False
            return
        if facts.reference is not None:
            self.carry_by_reference(call, facts, facts.reference, branches)
            return
        if len(call.inputs) > 1 and facts.reach == "local":
            branches = self.meet(call, branches)
        for branch in branches:
            if branch.place in facts.fixed:
                self.fix(branch.slot, self.own_size(branch))
        self.carry(call, facts, branches)

    def branches(self, call: Call, tensor: int) -> list[_Branch]:
        """One per input of the model whose size a tensor varies with."""
        found = []
        for source, runs in self.layouts[tensor].runs.items():
            place = place_of(aligned(call, runs), self.axis)
            if (tensor, source) in self.slots and place is not None:
                found.append(_Branch(tensor, source, self.slots[tensor, source], place, aligned(call, runs)[place]))
        return found

    def own_size(self, branch: _Branch) -> int | None:
        """The size that the model was built for along this axis."""
        return next(part.size for part in branch.run if part.axis == self.axis)

    def meet(self, call: Call, branches: Sequence[_Branch]) -> list[_Branch]:
        """Maps that are joined are equal; a map of one position that meets larger ones has to remain one."""
        stretched = [branch for branch in branches if is_stretched(branch.run, call.output_shape[branch.place])]
        steady = [branch for branch in branches if branch not in stretched]
        for branch in stretched:
            self.fix(branch.slot, 1)
        for branch in steady[:1]:
            for other in steady[1:]:
                self.equate(branch, other)
            for tensor in set(call.inputs) - {other.tensor for other in branches}:
                self.meet_constant(call, branch, tensor)
        return steady

    def equate(self, branch: _Branch, other: _Branch) -> None:
        if branch.place != other.place or self.jumps[branch.slot] != self.jumps[other.slot]:
            self.known = False
        elif branch.slot != other.slot:
            self.steps.append(_Step(branch.slot, equals=other.slot))

    def meet_constant(self, call: Call, branch: _Branch, tensor: int) -> None:
        """A map meets one that does not vary with it: of one position, of another input, or of a constant size."""
        missing = max(map(len, call.input_shapes)) - len(self.graph.shapes[tensor])
        size = self.graph.shapes[tensor][branch.place - missing] if branch.place > missing else 1
        if size == 1 and type(call.layer).__name__ != "Concatenate":
            return
        if any(held(aligned(call, runs)[branch.place]) for runs in self.layouts[tensor].runs.values()):
            self.known = False
        else:
            self.fix(branch.slot, self.own_size(branch) if len(branch.run) > 1 else size)

    def fix(self, slot: int, size: int | None) -> None:
        if size is None:
            self.known = False
        else:
            self.steps.append(_Step(slot, fixed=size))

    def carry(self, call: Call, facts: Facts, branches: Sequence[_Branch]) -> None:
        """The slots of the outputs, behind the layer's move."""
        moves = moves_by_axis(call, facts)
        for branch in reversed(branches):
            slot = self.move(branch.slot, moves[branch.place]) if branch.place in moves else branch.slot
            for tensor in call.outputs:
                if place_of(self.layouts[tensor].runs[branch.source], self.axis) is not None:
                    self.slots[tensor, branch.source] = slot

    def carry_by_reference(self, call: Call, facts: Facts, reference: Reference, branches: Sequence[_Branch]) -> None:
        """The slots of an output whose sizes a second input sets."""
        moves, setting = (dict(zip(call.spatial_axes, found, strict=False)) for found in (facts.moves, reference.moves))
        others = {(other.source, other.place): other.slot for other in branches if other.tensor == call.inputs[1]}
        for branch in (branch for branch in branches if branch.tensor == call.inputs[0]):
            if (branch.source, branch.place) not in others:
                self.known = False
                return
            slot = self.move(others[branch.source, branch.place], setting[branch.place])
            own = self.move(branch.slot, moves[branch.place])
            if reference.exact and own != slot:
                self.steps.append(_Step(own, equals=slot))
            self.slots[call.outputs[0], branch.source] = slot

    def move(self, slot: int, move: Move) -> int:
        if move.scale == 1 and all(move.size(size) == size for size in (1 << 16, (1 << 16) + 1)):
            return slot
        self.steps.append(_Step(slot, move=move))
        self.period = lcm(self.period, (self.jumps[slot] * move.period).numerator)
        self.jumps.append(self.jumps[slot] * move.scale)
        return len(self.jumps) - 1

    def sizes(self, size: int) -> list[int] | None:
        """The size in every slot; None where a map keeps no position."""
        sizes = [size]
        for step in self.steps:
            if step.move is not None:
                sizes.append(step.move.size(sizes[step.slot]))
                if sizes[-1] < 1:
                    return None
        return sizes

    def admits(self, size: int) -> bool:
        """Whether every map keeps a position and all checks hold."""
        sizes = self.sizes(size)
        return sizes is not None and all(
            sizes[step.slot] == (step.fixed if step.equals is None else sizes[step.equals]) for step in self.steps if step.move is None
        )

    def reaches(self, size: int, beyond: int = 0) -> bool:
        """Whether every map keeps a position and those of a fixed size are no smaller than that, plus `beyond`."""
        sizes = self.sizes(size)
        return sizes is not None and all(step.fixed is None or sizes[step.slot] >= step.fixed + beyond for step in self.steps)


def _solve(program: _Program) -> LegalSizes | None:
    least, period = _least(program.reaches), program.period
    fixed = any(step.fixed is not None for step in program.steps)
    end = _least(lambda size: program.reaches(size, 1)) if fixed else least + period
    legal = [n for n in range(least, end) if program.admits(n)]
    if not legal:
        return None
    if fixed and len(legal) == legal[-1] - legal[0] + 1:
        return LegalSizes(legal[0], largest=legal[-1])
    return LegalSizes(legal[0], *_reduce(period, {n % period for n in legal}), largest=legal[-1] if fixed else None)


def _least(condition: Callable[[int], bool]) -> int:
    """The smallest size for which a condition holds that holds for all larger ones as well."""
    return bisect_left(range(_LARGEST), True, lo=1, key=condition)


def _reduce(period: int, residues: set[int]) -> tuple[int, tuple[int, ...]]:
    """The shortest period that says the same."""
    for shorter in (p for p in range(1, period + 1) if period % p == 0):
        folded = {residue % shorter for residue in residues}
        if len(folded) * (period // shorter) == len(residues):
            return shorter, tuple(sorted(folded))
    return period, tuple(sorted(residues))
