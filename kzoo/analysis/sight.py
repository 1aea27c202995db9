"""What every tensor of a graph sees of the inputs: receptive fields carried forward from layer to layer, once through the graph."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import keras

from ..errors import ArgumentError, InputError
from .facts import Facts, facts_of
from .field import Field, advance, merge
from .graph import Call, Graph, trace
from .layout import Runs, aligned, is_stretched, lay_out, mixes, moves_by_axis, place_of
from .moves import Move
from .sizes import LegalSizes, find_legal_sizes

_ANY = 720720
"""A size that every stride up to 16 divides, for sizes that are not known."""


@dataclass(frozen=True)
class View:
    """What a tensor sees of one input.

    Attributes:
        fields: one per spatial axis of the input; the last local one where the tensor has no positions any more.
        where: the tensor's axis that each belongs to; None where positions are lost. A reshape can put several on one axis.
        whole: whether all positions along each axis are seen at once.
        everywhere: name of the first layer that looks at all positions along an axis at once, or None.
    """

    fields: tuple[Field, ...]
    where: tuple[int | None, ...]
    whole: tuple[bool, ...]
    everywhere: str | None = None


@dataclass(frozen=True)
class Sight:
    """What a tensor sees: a `View` per input, and the layers on the way that are not followed, behind which nothing is known."""

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
    """Carries the fields through a graph. Sizes of None are taken to be a multiple of every stride."""
    surveyor = _Surveyor(graph, facts)
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
        below 0 or beyond its last position, where the field reaches into the padding. Along an axis that a global operation lies
        behind, the whole input.

    Raises:
        ArgumentError: no such layer, a wrong number of indices, or a layer that is not followed lies before.

    >>> from kzoo import build_unet
    >>> model = build_unet(input_shape=(256, 256, 1), num_classes=1)
    >>> input_window(model, (128, 128)), input_window(model, (0, 0), layer="encoder1_conv2")
    (((34, 221), (34, 221)), ((-2, 2), (-2, 2)))
    """
    found = survey_model(model)
    tensor = found.graph.outputs[0] if layer is None else _output_of(found.graph, layer)
    sight = found.sights[tensor]
    if sight.unknown:
        raise ArgumentError(
            "model", f"expected layers that can be followed. Received: {sight.unknown[0]}. Teach a kind of layer by kzoo.analysis.rule."
        )
    view, source = sight.view, sight.source
    assert view is not None
    assert source is not None
    sizes = [found.graph.shapes[source][axis] or 1 for axis in found.graph.spatial_axes(source)]
    if view.everywhere is not None and all(view.whole):
        return tuple((0, size - 1) for size in sizes)
    places = _indexed_axes(found.graph, tensor, view)
    if len(position) != len(places):
        raise ArgumentError("position", f"expected one index per spatial axis ({len(places)}). Received: {tuple(position)}.")
    index = dict(zip(places, position, strict=True))
    return tuple(
        (0, size - 1) if whole else known.window(index[place]) or (0, -1)
        for size, whole, known, place in zip(sizes, view.whole, view.fields, view.where, strict=True)
    )


def _indexed_axes(graph: Graph, tensor: int, view: View) -> list[int | None]:
    """The axes of a tensor that a position has an index for: those that hold the input's, or where some are lost, the spatial ones."""
    local = [place for place, whole in zip(view.where, view.whole, strict=True) if not whole]
    places = sorted(place for place in view.where if place is not None)
    if len(places) < len(view.where):
        places = list(graph.spatial_axes(tensor))
    if len(set(places)) < len(places) or not set(local) <= set(places):
        raise ArgumentError("layer", "expected one whose output has an axis for each spatial axis of the input. Received: a reshaped one.")
    return list(places)


def survey_model(model: keras.Model) -> Survey:
    """The survey of a model, sizes that are None set to legal ones."""
    graph = trace(model)
    facts = [facts_of(call) for call in graph.calls]
    return survey(sized(model, graph, find_legal_sizes(graph, facts)), facts)


def sized(model: keras.Model, graph: Graph, legal: Sequence[LegalSizes | None]) -> Graph:
    """The graph with sizes that are None set to legal ones; as it is where those are not known."""
    if all(None not in graph.shapes[tensor][1:] for tensor in graph.inputs) or None in legal:
        return graph
    typical = [sizes.typical for sizes in legal if sizes is not None]
    shapes = []
    for tensor in graph.inputs:
        shape = list(graph.shapes[tensor])
        for axis, size in zip(graph.spatial_axes(tensor), typical, strict=False):
            shape[axis] = shape[axis] or size
        shapes.append(tuple(size or 1 for size in shape[1:]))
    try:
        return trace(model, shapes)
    except InputError:
        return graph


def _output_of(graph: Graph, name: str) -> int:
    for call in graph.calls:
        if call.name == name:
            return call.outputs[0]
    raise ArgumentError("layer", f"expected the name of a layer of {graph.name}. Received: {name}.")


class _Surveyor:
    """Holds the sights while walking; fields of equal history are computed once."""

    def __init__(self, graph: Graph, facts: Sequence[Facts | None]):
        self.misaligned: list[Misalignment] = []
        self.graph = graph
        self.layouts = lay_out(graph, facts)
        self.sights: dict[int, Sight] = {}
        self.computed: dict[tuple, tuple] = {}
        start = Field()
        for source in graph.inputs:
            axes = tuple(graph.spatial_axes(source))
            self.sights[source] = Sight({source: View((start,) * len(axes), axes, (False,) * len(axes))})

    def visit(self, call: Call, facts: Facts | None) -> None:
        unknown = tuple(dict.fromkeys(name for tensor in call.inputs for name in self.sights[tensor].unknown))
        sight = Sight(unknown=unknown) if unknown or facts is None else self.look(call, facts)
        for tensor in call.outputs:
            stopped = self.layouts[tensor].unknown
            self.sights[tensor] = Sight(unknown=unknown or stopped) if stopped else sight

    def look(self, call: Call, facts: Facts) -> Sight:
        views = {}
        for source, runs in self.layouts[call.outputs[0]].runs.items():
            view = self.pass_through(call, facts, source, runs)
            if view is None:
                return Sight(unknown=(call.name,))
            views[source] = view
        return Sight(views)

    def pass_through(self, call: Call, facts: Facts, source: int, runs: Runs) -> View | None:
        """What the output sees of one input; None where branches meet of which no common field can be told."""
        read = call.inputs[:1] if facts.reference else dict.fromkeys(call.inputs)
        seeing = [tensor for tensor in read if source in self.sights[tensor].views]
        axes = tuple(self.graph.spatial_axes(source))
        branches = [[self.branch(call, facts, tensor, source, number) for tensor in seeing] for number in range(len(axes))]
        fields = [self.behind(call, facts, along, number) for number, along in enumerate(branches)]
        stretched = [(branch.field, axis) for along, axis in zip(branches, axes, strict=True) for branch in along if branch.stretched]
        if None in fields or not all(_covers(known, self.graph.shapes[source][axis]) for known, axis in stretched):
            return None
        before = [self.sights[tensor].views[source] for tensor in seeing]
        at_once = [self.sees_all(call, facts, along, source, axis) for along, axis in zip(branches, axes, strict=True)]
        whole = tuple(here or any(view.whole[number] for view in before) for number, here in enumerate(at_once))
        own = call.name if any(at_once) or facts.reach == "global" else None
        everywhere = next(filter(None, (view.everywhere for view in before)), own)
        return View(tuple(filter(None, fields)), tuple(place_of(runs, axis) for axis in axes), whole, everywhere)

    def sees_all(self, call: Call, facts: Facts, branches: Sequence["_Branch"], source: int, axis: int) -> bool:
        """Whether a call looks at all positions along an axis of the input at once."""
        return any(branch.stretched or mixes(facts, aligned(call, self.layouts[branch.tensor].runs[source]), axis) for branch in branches)

    def branch(self, call: Call, facts: Facts, tensor: int, source: int, number: int) -> "_Branch":
        runs = aligned(call, self.layouts[tensor].runs[source])
        place = place_of(runs, self.graph.spatial_axes(source)[number])
        known = self.sights[tensor].views[source].fields[number]
        joins = place is not None and len(call.inputs) > 1 and facts.reach == "local" and facts.reference is None
        return _Branch(tensor, known, place, joins and is_stretched(runs[place or 0], call.output_shape[place or 0]))

    def behind(self, call: Call, facts: Facts, branches: Sequence["_Branch"], number: int) -> Field | None:
        """The field along one axis of the input behind a call; the largest where positions are lost."""
        steady = [branch for branch in branches if branch.place is not None and not branch.stretched]
        fields = [branch.field for branch in steady]
        if not fields:
            return _largest(branch.field for branch in branches)
        joined = self.merge(fields)
        if facts.reach == "global":
            joined = joined or fields[0]
        else:
            self.compare(call, number, fields, [branch.tensor for branch in steady])
        place = steady[0].place
        move = moves_by_axis(call, facts).get(place) if place is not None else None
        return joined if joined is None or move is None else self.advance(joined, move, call.input_shape[place or 0])

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
            self.computed[key] = (advance(known, move, size or _ANY), known)
        return self.computed[key][0]

    def merge(self, fields: Sequence[Field]) -> Field | None:
        different = list({id(known): known for known in fields}.values())
        if len(different) == 1:
            return different[0]
        key = tuple(map(id, different))
        if key not in self.computed:
            self.computed[key] = (merge(different), different)
        return self.computed[key][0]


class _Branch(NamedTuple):
    """An input of a call along one axis of the model's input: its field, the axis that it lies on, and whether it is one for all."""

    tensor: int
    field: Field
    place: int | None
    stretched: bool


def _covers(known: Field, size: int | None) -> bool:
    """Whether position 0 sees an axis of the input from end to end."""
    window = known.window(0)
    return window is not None and size is not None and window[0] <= 0 and window[1] >= size - 1


def _largest(fields: Iterable[Field]) -> Field:
    return max(fields, key=lambda known: max(known.sizes))
