"""What a figure needs to know of a graph: every call of a layer with its sizes, also where the input's are not fixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from ...errors import ArgumentError, InputError
from ...models import DeeplySupervised
from ..facts import facts_of
from ..graph import Call, Graph, trace
from ..sizes import legal_sizes

PROBE = 256
"""The size to try first for an input whose size is not fixed."""

PERIOD = 3840
"""2^8 * 3 * 5: what is larger by as much passes every down-sampling with the same remainder."""


@dataclass(frozen=True)
class Node:
    """One call of a layer.

    Attributes:
        layer: the Keras layer or operation; None for the input.
        inputs: positions of the nodes that it reads; without one that only sets the sizes.
        sizes: the spatial sizes of its first output, none for a vector; those of a probe where the input's are not fixed.
        larger: the same for a probe that is larger by `PERIOD`.
        channels: of its first output.
    """

    layer: Any
    inputs: tuple[int, ...]
    sizes: tuple[int, ...]
    larger: tuple[int, ...]
    channels: int

    @property
    def area(self) -> int:
        """Positions of a map; 1 for a vector."""
        return prod(self.sizes)


@dataclass(frozen=True)
class Nodes:
    """The nodes of a model in the order in which they run, the input first; and which of them are outputs.

    Attributes:
        nodes: all of them.
        outputs: positions of the outputs.
        drawn: positions of those among which the figure may choose: the main one of a `DeeplySupervised`, or all.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    drawn: tuple[int, ...]


def read_nodes(model: keras.Model) -> Nodes:
    """Reads a functional model with one input; no numbers are computed.

    Raises:
        ArgumentError: the model is not functional, or has several inputs.
        InputError: no size that was tried for an input without fixed sizes passes all layers.
    """
    graph = trace(model)
    if len(graph.inputs) != 1:
        raise ArgumentError("model", f"expected one input. Received: {len(graph.inputs)}, {', '.join(graph.input_names)}.")
    larger = graph
    shape = graph.shapes[graph.inputs[0]][1:]
    if None in shape:
        graph, larger = _probe(model, shape)
    maker = {tensor: number for number, call in enumerate(graph.calls, start=1) for tensor in call.outputs}
    first = _split(graph.shapes[graph.inputs[0]], graph.data_format)
    nodes = [Node(None, (), first[0], _split(larger.shapes[larger.inputs[0]], graph.data_format)[0], first[1])]
    for call, large in zip(graph.calls, larger.calls, strict=True):
        sizes, channels = _split(call.output_shape, call.data_format)
        known = facts_of(call)
        numbers = call.inputs[:1] if known is not None and known.reference else call.inputs
        reads = tuple(maker.get(tensor, 0) for tensor in numbers)
        nodes.append(Node(call.layer, reads, sizes, _split(large.output_shape, call.data_format)[0], channels))
    outputs = tuple(maker.get(tensor, 0) for tensor in graph.outputs)
    return Nodes(tuple(nodes), outputs, outputs[:1] if isinstance(model, DeeplySupervised) else outputs)


def _split(shape: Sequence[int | None], data_format: str) -> tuple[tuple[int, ...], int]:
    """Spatial sizes and channels of a shape with the batch axis."""
    known = tuple(size or 1 for size in shape[1:]) or (1,)
    if data_format == "channels_first" and len(known) > 1:
        return known[1:], known[0]
    return known[:-1], known[-1]


def _probe(model: keras.Model, shape: Sequence[int | None]) -> tuple[Graph, Graph]:
    """The graph for a size that passes all layers, best without a remainder, and for one that is larger by `PERIOD`."""
    passing, failed = None, None
    for size in _probes(model):
        try:
            graph = trace(model, _filled(shape, size))
        except InputError as error:
            failed = failed or error
            continue
        passing = passing or size
        if all(map(_exact, graph.calls)):
            passing = size
            break
    if passing is None:
        raise InputError(f"model {model.name}: no input size was found that passes all layers. Build it with fixed sizes. {failed}")
    return trace(model, _filled(shape, passing)), trace(model, _filled(shape, passing + PERIOD))


def _probes(model: keras.Model) -> list[int]:
    """Sizes that are legal along every axis that is not fixed: about 256, or the smallest."""
    legal = [sizes for sizes in legal_sizes(model) if sizes is not None and sizes.largest is None]
    smallest = max((sizes.smallest for sizes in legal), default=1)
    tried = dict.fromkeys((PROBE, *range(PROBE, PROBE + 64), *range(smallest, smallest + 256)))
    return [n for n in tried if all(n in sizes for sizes in legal)]


def _filled(shape: Sequence[int | None], size: int) -> tuple[int, ...]:
    return tuple(n or size for n in shape)


def _exact(call: Call) -> bool:
    """Whether a padded down-sampling divides its sizes without a remainder."""
    strides = getattr(call.layer, "strides", None) or 1
    if getattr(call.layer, "padding", "same") != "same" or not call.inputs or "Transpose" in type(call.layer).__name__:
        return True
    sizes = [call.input_shape[axis] or 1 for axis in call.spatial_axes]
    steps = [strides] * len(sizes) if isinstance(strides, int) else strides
    return not any(size % step for size, step in zip(sizes, steps, strict=False))
