"""The graph of a functional model as plain data: every call of a layer in order, nested models opened, with its sizes."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from ...errors import ArgumentError, InputError, one_line

Shape = tuple[int, ...]

PROBES = (256, 512, *range(260, 320, 2), *range(1024, 1152, 2), 320, 384, 448, 768, 2048)
"""Sizes to try for an input whose size is not fixed, until one passes all layers."""

PERIOD = 3840
"""2^8 * 3 * 5: what is larger by as much passes every down-sampling with the same remainder."""


@dataclass(frozen=True)
class Node:
    """One call of a layer.

    Attributes:
        layer: the Keras layer or operation; None for the input.
        inputs: positions in the graph of the nodes that it reads.
        sizes: the spatial sizes of its first output, none for a vector; those of a probe where the input's are not fixed.
        larger: the same for a probe that is larger by `PERIOD`.
        channels: of its first output.
    """

    layer: Any
    inputs: tuple[int, ...]
    sizes: Shape
    larger: Shape
    channels: int

    @property
    def area(self) -> int:
        """Positions of a map; 1 for a vector."""
        return prod(self.sizes)


@dataclass(frozen=True)
class Graph:
    """A model's nodes in the order in which they can run, the input first; which of them are outputs; which axes have no fixed size."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    free: tuple[bool, ...]


@dataclass(frozen=True)
class _Tensor:
    """A tensor of a probe: the node that made it, and its shape without the batch."""

    node: int
    shape: Shape
    keras: Any


def read_graph(model: keras.Model) -> Graph:
    """Reads a functional model with one input; no numbers are computed.

    Raises:
        ArgumentError: the model is not functional, or has several inputs.
        InputError: no size that was tried for an input without fixed sizes passes all layers.
    """
    model = _functional(model)
    if len(model.inputs) != 1:
        raise ArgumentError("model", f"expected one input. Received: {len(model.inputs)}, {[x.name for x in model.inputs]}.")
    axis = 0 if _data_format(model) == "channels_first" else -1
    shape = tuple(model.inputs[0].shape[1:])
    free = tuple(size is None for size in _split(shape, axis)[0])
    calls, outputs, size = _first_probe(model, shape, axis)
    larger = _probe(model, _filled(shape, size + PERIOD))[0] if any(free) else calls
    nodes = []
    for (layer, inputs, small), (_, _, large) in zip(calls, larger, strict=True):
        (sizes, channels), (more, _) = _split(small, axis), _split(large, axis)
        nodes.append(Node(layer, inputs, sizes, more, channels))
    return Graph(tuple(nodes), outputs, free)


def _functional(model: Any) -> Any:
    """The functional model behind a `Sequential` one, or the model itself."""
    sequential = isinstance(model, keras.Sequential)
    inner = model._functional if sequential else model
    if hasattr(inner, "_nodes_by_depth"):
        return inner
    remedy = "Call its build(input_shape) first" if sequential else "Build it with keras.Model(inputs, outputs)"
    raise ArgumentError("model", f"expected a functional model, whose graph can be read. Received: {type(model).__name__}. {remedy}.")


def _data_format(model: Any) -> str | None:
    """The image data format of the first layer that has one."""
    for layer in model.layers:
        found = _data_format(layer) if hasattr(layer, "layers") else getattr(layer, "data_format", None)
        if found:
            return found
    return None


def _split(shape: Shape, axis: int) -> tuple[Shape, int]:
    """Spatial sizes and channels."""
    if axis == 0 and len(shape) > 1:
        return shape[1:], shape[0]
    return shape[:-1], shape[-1] if shape else 1


def _filled(shape: Sequence[int | None], size: int) -> Shape:
    return tuple(size if n is None else n for n in shape)


def _first_probe(model: Any, shape: Sequence[int | None], axis: int) -> tuple[list, tuple[int, ...], int]:
    """The calls for the first size that passes all layers, best without a remainder; the outputs; that size."""
    found, failed = None, None
    for size in PROBES if None in shape else (0,):
        try:
            calls, outputs = _probe(model, _filled(shape, size))
        except Exception as error:  # A layer may refuse a size with any exception.
            failed = failed or error
            continue
        found = found or (calls, outputs, size)
        if None not in shape or _exact(calls, axis):
            return calls, outputs, size
    if found:
        return found
    raise InputError(
        f"model {model.name}: no input size was found that passes all layers ({one_line(failed or ValueError())}). "
        "Build it with fixed sizes."
    )


def _exact(calls: Sequence[tuple], axis: int) -> bool:
    """Whether every padded down-sampling divides its sizes without a remainder."""
    for layer, inputs, _ in calls[1:]:
        strides = getattr(layer, "strides", 1)
        if getattr(layer, "padding", "same") == "same" and inputs:
            sizes = _split(calls[inputs[0]][2], axis)[0]
            steps = (strides,) * len(sizes) if isinstance(strides, int) else strides or ()
            if any(size % step for size, step in zip(sizes, steps, strict=False)):
                return False
    return True


def _probe(model: Any, shape: Shape) -> tuple[list, tuple[int, ...]]:
    """Every call as layer, nodes read and shape made, for one shape of the input; and the outputs."""
    calls: list[tuple[Any, tuple[int, ...], Shape]] = [(None, (), shape)]
    image = _Tensor(0, shape, keras.KerasTensor((None, *shape), dtype=model.inputs[0].dtype))
    outputs = _run(model, [image], calls)
    return calls, tuple(tensor.node for tensor in outputs)


def _run(model: Any, inputs: Sequence[_Tensor], calls: list) -> list[_Tensor]:
    """Runs a functional model on shapes alone, appending its calls; nested models are run in the same way."""
    known = {id(x): tensor for x, tensor in zip(model.inputs, inputs, strict=True)}
    for node in _nodes(model):
        reads = [known[id(x)] for x in node.input_tensors]
        inner = _opened(node.operation)
        made = _run(inner, reads, calls) if inner is not None else _call(node, known, reads, calls)
        known.update(zip(map(id, node.outputs), made, strict=True))
    return [known[id(x)] for x in model.outputs]


def _nodes(model: Any) -> Iterator[Any]:
    depths = sorted(model._nodes_by_depth, reverse=True)
    nodes = itertools.chain.from_iterable(model._nodes_by_depth[depth] for depth in depths)
    return (node for node in nodes if not node.is_input)


def _opened(layer: Any) -> Any:
    """The functional model that a layer is, or None."""
    inner = layer._functional if isinstance(layer, keras.Sequential) else layer
    return inner if isinstance(inner, keras.Model) and hasattr(inner, "_nodes_by_depth") else None


def _call(node: Any, known: dict[int, _Tensor], reads: Sequence[_Tensor], calls: list) -> list[_Tensor]:
    arguments, options = node.arguments.fill_in({key: tensor.keras for key, tensor in known.items()})
    made = keras.tree.flatten(node.operation.compute_output_spec(*arguments, **options))
    shapes = [tuple(x.shape[1:]) for x in made]
    calls.append((node.operation, tuple(tensor.node for tensor in reads), shapes[0]))
    return [_Tensor(len(calls) - 1, shape, x) for shape, x in zip(shapes, made, strict=True)]
