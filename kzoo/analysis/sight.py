"""What every tensor of a graph sees of the inputs: receptive fields carried forward from layer to layer, once through the graph."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import keras

from ..errors import ArgumentError
from .facts import Facts, facts_of
from .field import Field, advance, merge
from .graph import Call, Graph, trace
from .moves import Move
from .sizes import LegalSizes, find_legal_sizes


@dataclass(frozen=True)
class View:
    """What a tensor sees of one input.

    Attributes:
        fields: one per spatial axis of the input; the last local one where the tensor has no positions any more.
        where: the tensor's axis that each belongs to; None where positions are lost.
        everywhere: name of the first layer behind which every position sees the whole input, or None.
    """

    fields: tuple[Field, ...]
    where: tuple[int | None, ...]
    everywhere: str | None = None


@dataclass(frozen=True)
class Sight:
    """What a tensor sees: a `View` per input, and the layers without a rule on the way, behind which nothing is known."""

    views: dict[int, View] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def source(self) -> int | None:
        """The first input with spatial axes that is seen, or else the first that is seen."""
        return next((source for source in sorted(self.views) if self.views[source].fields), min(self.views, default=None))

    @property
    def view(self) -> View | None:
        """What is seen of that input."""
        return None if self.source is None else self.views[self.source]


class Misalignment(NamedTuple):
    """A layer that joins branches whose fields are not centred on the same pixels.

    Attributes:
        layer: name of the joining layer.
        branches: the layers that its inputs come from.
        axis: spatial axis, from 0.
        offset: input pixels between the centres; None where the branches' strides differ.
    """

    layer: str
    branches: tuple[str, ...]
    axis: int
    offset: float | None


@dataclass(frozen=True)
class Survey:
    """The sight of every tensor of a graph, with what was noticed on the way."""

    graph: Graph
    sights: tuple[Sight, ...]
    misaligned: tuple[Misalignment, ...]


def survey(graph: Graph, facts: Sequence[Facts | None]) -> Survey:
    """Carries the fields through a graph whose sizes are all known."""
    surveyor = _Surveyor(graph)
    for call, known in zip(graph.calls, facts, strict=True):
        surveyor.visit(call, known)
    return Survey(graph, tuple(surveyor.sights[index] for index in range(len(graph.shapes))), tuple(surveyor.misaligned))


def input_window(model: keras.Model, position: Sequence[int], layer: str | None = None) -> tuple[tuple[int, int], ...]:
    """The input positions that influence one position of a layer's output.

    Args:
        model: a functional `keras.Model`. Where its spatial sizes are None, the smallest legal ones are taken, which matters only
            for the asymmetry of `same` padding.
        position: one index per spatial axis of the layer's output, from 0.
        layer: name of a layer, as in `profile(model).layers`; the model's first output unless given.

    Returns:
        (first, last) input position per spatial axis of the first input that has any, both included. They may lie outside the input,
        below 0 or beyond its last position, where the field reaches into the padding. Behind a global operation, the whole input.

    Raises:
        ArgumentError: no such layer, a wrong number of indices, or a layer without a rule lies before.

    >>> from kzoo import build_unet
    >>> model = build_unet(input_shape=(256, 256, 1), num_classes=1)
    >>> input_window(model, (128, 128)), input_window(model, (0, 0), layer="encoder1_conv2")
    (((34, 221), (34, 221)), ((-2, 2), (-2, 2)))
    """
    found = survey_model(model)
    tensor = found.graph.outputs[0] if layer is None else _output_of(found.graph, layer)
    sight = found.sights[tensor]
    if sight.unknown:
        raise ArgumentError("model", f"expected known layers. Received: {sight.unknown[0]}. Teach it by kzoo.analysis.rule.")
    view, source = sight.view, sight.source
    assert view is not None
    assert source is not None
    axes = found.graph.spatial_axes(source)
    if view.everywhere is not None:
        return tuple((0, (found.graph.shapes[source][axis] or 1) - 1) for axis in axes)
    if len(position) != len(axes):
        raise ArgumentError("position", f"expected one index per spatial axis ({len(axes)}). Received: {tuple(position)}.")
    windows = [field.window(index) for field, index in zip(view.fields, position, strict=True)]
    return tuple(window or (0, -1) for window in windows)


def survey_model(model: keras.Model) -> Survey:
    """The survey of a model, sizes that are None set to legal ones."""
    graph = trace(model)
    facts = [facts_of(call) for call in graph.calls]
    return survey(sized(model, graph, find_legal_sizes(graph, facts)), facts)


def sized(model: keras.Model, graph: Graph, legal: Sequence[LegalSizes]) -> Graph:
    """The graph with sizes that are None set to legal ones."""
    if all(None not in graph.shapes[tensor][1:] for tensor in graph.inputs):
        return graph
    shapes = []
    for tensor in graph.inputs:
        shape = list(graph.shapes[tensor])
        for number, axis in enumerate(graph.spatial_axes(tensor)):
            shape[axis] = shape[axis] or legal[number].typical
        shapes.append(tuple(size or 1 for size in shape[1:]))
    return trace(model, shapes)


def _output_of(graph: Graph, name: str) -> int:
    for call in graph.calls:
        if call.name == name:
            return call.outputs[0]
    raise ArgumentError("layer", f"expected the name of a layer of {graph.name}. Received: {name}.")


class _Surveyor:
    """Holds the sights while walking; fields of equal history are computed once."""

    def __init__(self, graph: Graph):
        self.misaligned: list[Misalignment] = []
        self.graph = graph
        self.sights: dict[int, Sight] = {}
        self.computed: dict[tuple, tuple] = {}
        start = Field()
        for source in graph.inputs:
            axes = tuple(graph.spatial_axes(source))
            self.sights[source] = Sight({source: View((start,) * len(axes), axes)})

    def visit(self, call: Call, facts: Facts | None) -> None:
        sights = [self.sights[tensor] for tensor in call.inputs]
        unknown = tuple(dict.fromkeys(name for sight in sights for name in sight.unknown))
        if facts is None or unknown:
            sight = Sight(unknown=unknown or (call.name,))
        else:
            sources = dict.fromkeys(source for sight in sights for source in sight.views)
            sight = Sight({source: self.pass_through(call, facts, source) for source in sources})
        self.sights |= dict.fromkeys(call.outputs, sight)

    def pass_through(self, call: Call, facts: Facts, source: int) -> View:
        view = self.join(call, source)
        everywhere = view.everywhere or (call.name if facts.reach == "global" else None)
        if facts.positions == "lost":
            return View(view.fields, (None,) * len(view.where), everywhere)
        where = view.where
        if facts.order is not None:
            where = tuple(None if axis is None else facts.order.index(axis) for axis in where)
        moves = _moves_by_axis(call, facts)
        moved = tuple(
            self.advance(known, moves[axis], call.input_shape[axis]) if axis in moves else known
            for known, axis in zip(view.fields, view.where, strict=True)
        )
        return View(moved, where, everywhere)

    def join(self, call: Call, source: int) -> View:
        """One view out of those of all inputs of a call."""
        members = [(view, tensor) for tensor in dict.fromkeys(call.inputs) if (view := self.sights[tensor].views.get(source)) is not None]
        first = members[0][0]
        if len(members) == 1:
            return first
        joined = View((), (), next((view.everywhere for view, _ in members if view.everywhere), None))
        for axis in range(len(first.fields)):
            joined = self.join_axis(call, axis, members, joined)
        return joined

    def join_axis(self, call: Call, axis: int, members: Sequence[tuple[View, int]], joined: View) -> View:
        placed = [(view, tensor) for view, tensor in members if _has_positions(view, axis, self.graph.shapes[tensor], call)]
        stretched = any(view.where[axis] is not None for view, tensor in members if (view, tensor) not in placed)
        everywhere = joined.everywhere or (call.name if stretched else None)
        fields = [view.fields[axis] for view, _ in placed]
        places = {view.where[axis] for view, _ in placed}
        merged = self.merge(fields) if fields and len(places) == 1 else None
        if len(fields) > 1:
            self.compare(call, axis, fields, [tensor for _, tensor in placed])
        if merged is None:
            largest = max((view.fields[axis] for view, _ in members), key=lambda known: max(known.sizes))
            everywhere = everywhere or (call.name if placed else None)
            return View((*joined.fields, largest), (*joined.where, None), everywhere)
        return View((*joined.fields, merged), (*joined.where, places.pop()), everywhere)

    def compare(self, call: Call, axis: int, fields: Sequence[Field], tensors: Sequence[int]) -> None:
        """Notes branches that are not aligned."""
        same_jump = len({known.jump for known in fields}) == 1
        centres = [known.centre for known in fields]
        if not same_jump or max(centres) != min(centres):
            offset = float(max(centres) - min(centres)) if same_jump else None
            names = tuple(self.graph.producer(tensor) for tensor in tensors)
            self.misaligned.append(Misalignment(call.name, names, axis, offset))

    def advance(self, known: Field, move: Move, size: int | None) -> Field:
        key = (id(known), move, size)
        if key not in self.computed:
            self.computed[key] = (advance(known, move, size or 1), known)
        return self.computed[key][0]

    def merge(self, fields: Sequence[Field]) -> Field | None:
        different = list({id(known): known for known in fields}.values())
        if len(different) == 1:
            return different[0]
        key = tuple(map(id, different))
        if key not in self.computed:
            self.computed[key] = (merge(different), different)
        return self.computed[key][0]


def _has_positions(view: View, axis: int, shape: tuple, call: Call) -> bool:
    """Whether a view is followed along an axis: positions are lost behind a global operation, and a map of size 1 is stretched."""
    place = view.where[axis]
    return place is not None and (shape[place] != 1 or call.output_shape[place] == 1)


def _moves_by_axis(call: Call, facts: Facts) -> dict[int, Move]:
    axes = call.spatial_axes
    if facts.moves and len(facts.moves) != len(axes):
        raise ArgumentError("rule", f"expected one move per spatial axis ({len(axes)}) of layer {call.name}. Received: {len(facts.moves)}.")
    return dict(zip(axes, facts.moves, strict=False))
