"""Where the positions of an input lie in each tensor: on an axis of their own, merged with others by a reshape, or nowhere any more.

A tensor's axis is a `Run` of parts in row-major order. A part holds the positions along one spatial axis of the input, or features:
`(2, 32, 32, 3)` is `[features], [axis 1], [axis 2], [features]`, and a `Flatten` makes one run of three parts of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import prod
from typing import NamedTuple

from ..errors import ArgumentError
from .facts import Facts
from .graph import Call, Graph, Shape
from .moves import Move


class Part(NamedTuple):
    """A stretch of an axis: its size, and the spatial axis of the input whose positions it holds; None for features."""

    size: int | None
    axis: int | None = None


Run = tuple[Part, ...]
Runs = tuple[Run, ...]


@dataclass(frozen=True)
class Layout:
    """The runs of a tensor's axes for each input that it depends on, and the layers on the way behind which nothing is known."""

    runs: Mapping[int, Runs] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def lay_out(graph: Graph, facts: Sequence[Facts | None]) -> tuple[Layout, ...]:
    """The layout of every tensor."""
    layouts = {source: Layout({source: _start(graph.shapes[source], graph.spatial_axes(source))}) for source in graph.inputs}
    for call, known in zip(graph.calls, facts, strict=True):
        made = _behind(call, known, [layouts[tensor] for tensor in call.inputs])
        like_first = (made if shape == call.output_shape else Layout(unknown=made.unknown or (call.name,)) for shape in call.output_shapes)
        layouts |= dict(zip(call.outputs, like_first, strict=True))
    return tuple(layouts[tensor] for tensor in range(len(graph.shapes)))


def place_of(runs: Runs, axis: int) -> int | None:
    """The tensor's axis that holds the positions along a spatial axis of the input."""
    return next((place for place, run in enumerate(runs) if axis in held(run)), None)


def held(run: Run) -> tuple[int, ...]:
    """The spatial axes of the input whose positions a run holds."""
    return tuple(part.axis for part in run if part.axis is not None)


def is_stretched(run: Run, size: int | None) -> bool:
    """Whether the one position of a run meets several, as in the gate of an attention."""
    return all(part.size == 1 for part in run) and size != 1


def aligned(call: Call, runs: Runs) -> Runs:
    """With axes of size 1 behind the batch where a layer joins tensors of several ranks, as Keras's merging layers do."""
    missing = max(map(len, call.input_shapes)) - len(runs)
    return (runs[0], *[(Part(1),)] * missing, *runs[1:])


def mixes(facts: Facts, runs: Runs, axis: int) -> bool:
    """Whether a layer looks at all positions along a spatial axis of the input at once."""
    return facts.reach == "global" or any(axis in held(runs[place]) for place in facts.mixes if place < len(runs))


def regroup(runs: Runs, shape: Shape) -> Runs | None:
    """The same numbers in row-major order on axes of other sizes; None where positions along one axis would be divided.

    >>> image = ((Part(None),), (Part(8, 1),), (Part(8, 2),), (Part(6),))
    >>> regroup(image, (None, 64, 2, 3))
    ((Part(size=None, axis=None),), (Part(size=8, axis=1), Part(size=8, axis=2)), (Part(size=2, axis=None),), (Part(size=3, axis=None),))
    >>> regroup(image, (None, 4, 16, 6)) is None
    True
    """
    parts = list(_joined(part for run in runs[1:] for part in run))
    sizes = shape[1:]
    open_axis = sizes.index(None) if None in sizes else len(sizes)
    first = _deal(parts, sizes[:open_axis])
    parts.reverse()
    last = _deal(parts, sizes[:open_axis:-1])
    if first is None or last is None:
        return None
    parts.reverse()
    rest = tuple(parts)
    if open_axis < len(sizes):
        return (runs[0], *first, rest or (Part(None),), *[run[::-1] for run in reversed(last)])
    if any(part.size != 1 for part in rest):
        return None
    return (runs[0], *first[:-1], first[-1] + rest) if first else None


def _start(shape: Shape, spatial: range) -> Runs:
    return tuple((Part(size, axis if axis in spatial else None),) for axis, size in enumerate(shape))


def _joined(parts: Iterable[Part]) -> Iterator[Part]:
    """Neighbouring features as one part."""
    for axis, group in groupby(parts, key=lambda part: part.axis):
        sizes = [part.size for part in group]
        yield Part(None if None in sizes else prod(size or 0 for size in sizes), axis)


def _deal(parts: list[Part], sizes: Sequence[int | None]) -> list[Run] | None:
    """Takes a run of each size off the parts."""
    runs = [_take(parts, size) for size in sizes]
    return None if None in runs else [run for run in runs if run is not None]


def _take(parts: list[Part], size: int | None) -> Run | None:
    """Takes parts of a size in all off the front; features can be divided."""
    if size is None or (size == 1 and (not parts or parts[0].size != 1)):
        return (Part(1),) if size == 1 else None
    run: list[Part] = []
    while parts and parts[0].size is not None:
        part = parts.pop(0)
        assert part.size is not None
        if size % part.size == 0:
            run.append(part)
            size //= part.size
        elif part.axis is None and part.size % size == 0:
            run.append(Part(size))
            parts.insert(0, Part(part.size // size))
            size = 1
        else:
            return None
        if size == 1:
            return tuple(run)
    return None


def _behind(call: Call, facts: Facts | None, layouts: Sequence[Layout]) -> Layout:
    unknown = tuple(dict.fromkeys(name for layout in layouts for name in layout.unknown))
    if facts is None or unknown:
        return Layout(unknown=unknown or (call.name,))
    layouts = layouts[:1] if facts.reference else layouts
    sources = dict.fromkeys(source for layout in layouts for source in layout.runs)
    made = {}
    for source in sources:
        members = [layout.runs[source] for layout in layouts if source in layout.runs]
        runs = _carry(call, facts, members[0] if len(layouts) == 1 else _join(call, facts, members))
        if runs is None:
            return Layout(unknown=(call.name,))
        made[source] = runs
    return Layout(made)


def _join(call: Call, facts: Facts, members: Sequence[Runs]) -> Runs | None:
    """One layout out of those of several inputs: positions along an axis lie on the same axis in all that have them."""
    if facts.reach == "global":
        alike = (runs for runs in members if len(runs) == len(call.output_shape))
        return next(alike, _features(call.output_shape))
    if max(map(len, call.input_shapes)) != len(call.output_shape):
        return None
    joined = [_join_axis([aligned(call, runs)[place] for runs in members], size) for place, size in enumerate(call.output_shape)]
    found = [run for run in joined if run is not None]
    axes = [axis for run in found for axis in held(run)]
    return tuple(found) if len(found) == len(joined) and len(axes) == len(set(axes)) else None


def _join_axis(runs: Sequence[Run], size: int | None) -> Run | None:
    placed = {run for run in runs if held(run) and not is_stretched(run, size)}
    return None if len(placed) > 1 else next(iter(placed), (Part(size),))


def _carry(call: Call, facts: Facts, runs: Runs | None) -> Runs | None:
    """The layout behind a layer; None where positions are not followed through it."""
    if runs is None or any(held(runs[axis]) for axis in _stops(call, facts) if axis < len(runs)):
        return None
    if facts.positions == "lost":
        return _features(call.output_shape) if facts.reach == "global" or not any(map(held, runs)) else None
    if facts.positions == "regrouped":
        return regroup(runs, call.output_shape)
    moves = moves_by_axis(call, facts)
    order = facts.order or range(len(runs))
    if len(order) != len(call.output_shape):
        return None
    made = [_step(runs[axis], size, moves.get(axis), axis in facts.mixes) for axis, size in zip(order, call.output_shape, strict=True)]
    found = [run for run in made if run is not None]
    return tuple(found) if len(found) == len(made) else None


def _step(run: Run, size: int | None, move: Move | None, mixes: bool) -> Run | None:
    """One axis behind a layer."""
    if not held(run):
        return (Part(size),)
    before = None if any(part.size is None for part in run) else prod(part.size or 0 for part in run)
    same = None in (size, before) or size == before
    if len(run) == 1 and (move is not None or same):
        return (Part(before if size is None and move is None else size, run[0].axis),)
    if same and (move is None or _stays(move)):
        return run
    return (Part(size),) if mixes else None


def _stays(move: Move) -> bool:
    return (move.size(2), list(move.taps(0, 2)), list(move.taps(1, 2))) == (2, [0], [1])


def _stops(call: Call, facts: Facts) -> tuple[int, ...]:
    if facts.stops is not None:
        return facts.stops
    return () if call.channel_axis in facts.mixes else (call.channel_axis,)


def _features(shape: Shape) -> Runs:
    return tuple((Part(size),) for size in shape)


def moves_by_axis(call: Call, facts: Facts) -> dict[int, Move]:
    """The moves by the tensor's axes."""
    axes = call.spatial_axes
    if facts.moves and len(facts.moves) != len(axes):
        raise ArgumentError("rule", f"expected one move per spatial axis ({len(axes)}) of layer {call.name}. Received: {len(facts.moves)}.")
    return dict(zip(axes, facts.moves, strict=False))
