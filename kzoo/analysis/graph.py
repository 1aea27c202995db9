"""A functional model as a flat list of calls, in the order in which Keras runs them; nested models are opened.

`kzoo.stack` reads Keras's nodes, for which there is no public interface.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import keras
import numpy as np

from ..errors import ArgumentError, InputError, one_line
from ..stack import KerasTensor, config, is_function, nodes, output_specs, spec, standardize_dtype

Shape = tuple[int | None, ...]


def spatial_axes(rank: int, data_format: str) -> range:
    """The axes that are neither batch nor channels."""
    return range(1, rank - 1) if data_format == "channels_last" else range(2, rank)


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer or of a `keras.ops` function.

    Attributes:
        name: the layer's name; nested ones by path (`encoder/conv1`), later calls of a shared layer numbered (`conv1:2`).
        layer: the `keras.Operation`; a `keras.layers.Layer`, or what a function of `keras.ops` leaves in a graph.
        inputs, outputs: indices of the tensors in the graph.
        input_shapes, output_shapes: with the batch axis.
        first: False for later calls of a shared layer.
        data_format: `channels_last` or `channels_first`.
        arguments: of the call, as Keras keeps them.
    """

    name: str
    layer: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    first: bool
    data_format: str
    arguments: Any = None

    @property
    def shapes_by_argument(self) -> dict[str, Shape]:
        """The shapes of the inputs by the name of the argument that each was given as."""
        names = list(inspect.signature(self.layer.call).parameters)
        given = [*zip(names, self.arguments.args, strict=False), *sorted(self.arguments.kwargs.items())]
        roles = [name for name, value in given if isinstance(value, KerasTensor)]
        return dict(zip(roles, self.input_shapes, strict=True))

    @property
    def input_shape(self) -> Shape:
        """Shape of the first input."""
        return self.input_shapes[0]

    @property
    def output_shape(self) -> Shape:
        """Shape of the first output."""
        return self.output_shapes[0]

    @property
    def spatial_axes(self) -> range:
        """Those of the first input."""
        return spatial_axes(len(self.input_shape), self.data_format)

    @property
    def channel_axis(self) -> int:
        return len(self.input_shape) - 1 if self.data_format == "channels_last" else 1


@dataclass(frozen=True, eq=False)
class Graph:
    """The calls of a model and the tensors between them: `shapes` and `dtypes` by index, inputs first."""

    name: str
    calls: tuple[Call, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    dtypes: tuple[str, ...]
    data_format: str

    def spatial_axes(self, tensor: int) -> range:
        """Those of an input, or of a tensor laid out alike."""
        return spatial_axes(len(self.shapes[tensor]), self.data_format)

    @property
    def image(self) -> int:
        """The first input that has spatial axes, or else the first."""
        return next((tensor for tensor in self.inputs if self.spatial_axes(tensor)), self.inputs[0])

    def producer(self, tensor: int) -> str:
        """Name of the call, or of the input, that a tensor comes from."""
        if tensor < len(self.inputs):
            return self.input_names[tensor]
        return next(call.name for call in self.calls if tensor in call.outputs)


def trace(model: keras.Model, input_shape: Sequence | Mapping | None = None) -> Graph:
    """Reads the graph of a functional or sequential model.

    Args:
        model: a `keras.Model` with a graph.
        input_shape: shape of the input without the batch axis, or one per input (a list, or a mapping by input name), in place of
            those the model was built with.

    Raises:
        ArgumentError: the model has no graph, does not compute by it alone, or cannot take the shape.
    """
    function = _function(model)
    if function is None:
        received = f"{type(model).__name__}{', which has a call of its own' if _inner(model) is not None else ''}"
        raise ArgumentError("model", f"expected a built functional or sequential keras.Model. Received: {received}.")
    names = tuple(_input_name(tensor) for tensor in function.inputs)
    tracer = _Tracer()
    shapes = _input_shapes(function.inputs, names, input_shape)
    inputs = [tracer.add(shape, tensor.dtype) for shape, tensor in zip(shapes, function.inputs, strict=True)]
    outputs = tracer.walk(function, inputs)
    data_format = _input_format(tracer.calls)
    return Graph(
        str(model.name),
        tuple(_with_formats(tracer.calls, inputs, data_format)),
        tuple(inputs),
        tuple(outputs),
        names,
        tuple(tracer.shapes),
        tuple(tracer.dtypes),
        data_format,
    )


class _Tracer:
    """Collects calls and tensors while it walks through a model and the models inside it."""

    def __init__(self):
        self.calls: list[Call] = []
        self.shapes: list[Shape] = []
        self.dtypes: list[str] = []
        self.called: dict[int, int] = {}

    def add(self, shape: Shape, dtype: str) -> int:
        self.shapes.append(tuple(shape))
        self.dtypes.append(standardize_dtype(dtype))
        return len(self.shapes) - 1

    def walk(self, function, inputs: Sequence[int], path: str = "") -> list[int]:
        """Walks one model; returns the indices of its outputs."""
        known = {id(tensor): index for tensor, index in zip(function.inputs, inputs, strict=True)}
        for node in nodes(function):
            given = [known[id(tensor)] for tensor in node.input_tensors]
            inner = _function(node.operation)
            made = self.walk(inner, given, f"{path}{node.operation.name}/") if inner is not None else self.call(node, given, path)
            known |= {id(tensor): index for tensor, index in zip(node.outputs, made, strict=True)}
        return [known[id(tensor)] for tensor in function.outputs]

    def call(self, node, inputs: Sequence[int], path: str) -> list[int]:
        layer = node.operation
        input_shapes = tuple(self.shapes[index] for index in inputs)
        output_shapes = tuple(_output_shapes(node, input_shapes))
        outputs = [self.add(shape, tensor.dtype) for shape, tensor in zip(output_shapes, node.outputs, strict=True)]
        count = self.called[id(layer)] = self.called.get(id(layer), 0) + 1
        name = f"{path}{layer.name}" if count == 1 else f"{path}{layer.name}:{count}"
        own = getattr(layer, "data_format", None) or ""
        self.calls.append(Call(name, layer, tuple(inputs), tuple(outputs), input_shapes, output_shapes, count == 1, own, node.arguments))
        return outputs


def axis_order(call: Call) -> tuple[int, ...] | None:
    """The input axis behind each output axis, batch included; None for a layer that does not reorder axes."""
    layer = call.layer
    if isinstance(layer, keras.layers.Permute):
        return (0, *layer.dims)
    sizes = np.empty(tuple(range(len(call.input_shape))))  # the size of each axis is its number
    match type(layer).__name__ if is_function(layer) else "":
        case "Transpose":
            return np.transpose(sizes, layer.axes).shape
        case "Swapaxes":
            return np.swapaxes(sizes, layer.axis1, layer.axis2).shape
        case "Moveaxis":
            return np.moveaxis(sizes, layer.source, layer.destination).shape
    return None


def _input_format(calls: Sequence[Call]) -> str:
    """The data format of the inputs: that of the first layer that has one, traced back through axes that were reordered before it."""
    behind: dict[int, Sequence[int]] = {}
    for call in calls:
        axes = behind.get(call.inputs[0], range(len(call.input_shape)))
        if call.data_format:
            return _format_with(axes[call.channel_axis], len(axes)) or call.data_format
        order = axis_order(call)
        if order is not None or len(call.output_shape) == len(axes):
            behind[call.outputs[0]] = [axes[axis] for axis in order or range(len(axes))]
    return config.image_data_format()


def _with_formats(calls: Sequence[Call], inputs: Sequence[int], data_format: str) -> Iterator[Call]:
    """The calls with a data format each: their own, or that of their first input."""
    formats = dict.fromkeys(inputs, data_format)
    for call in calls:
        found = replace(call, data_format=call.data_format or formats[call.inputs[0]])
        order = axis_order(call)
        moved = order and _format_with(order.index(found.channel_axis), len(order))
        formats |= dict.fromkeys(call.outputs, moved or found.data_format)
        yield found


def _format_with(channel_axis: int, rank: int) -> str | None:
    """The data format with the channels on that axis; None in the middle of an image."""
    return {1: "channels_first", rank - 1: "channels_last"}.get(channel_axis)


def _function(operation):
    """The graph inside a functional or sequential model; None where there is none, or where a `call` of its own may do otherwise."""
    inner = _inner(operation)
    return inner if inner is not None and type(operation).call.__module__.startswith("keras.src.") else None


def _inner(operation):
    """The graph that a model was made from, or None."""
    inner = getattr(operation, "_functional", None) or operation
    return inner if isinstance(inner, keras.Model) and hasattr(inner, "_nodes_by_depth") else None


def _input_name(tensor) -> str:
    return str(tensor._keras_history[0].name)


def _output_shapes(node, input_shapes: Sequence[Shape]) -> list[Shape]:
    """The recorded shapes where the inputs are as recorded, or else what the layer says of the new ones."""
    if all(tuple(t.shape) == s for t, s in zip(node.input_tensors, input_shapes, strict=True)):
        return [tuple(tensor.shape) for tensor in node.outputs]
    _check_fixed_axes(node.operation, input_shapes)
    if isinstance(node.operation, keras.layers.Concatenate):
        _check_joined(node.operation, input_shapes)
    stand_ins = {id(tensor): spec(shape, tensor.dtype) for tensor, shape in zip(node.input_tensors, input_shapes, strict=True)}
    arguments, options = node.arguments.fill_in(stand_ins)
    try:
        made = output_specs(node.operation, arguments, options)
    except Exception as error:
        raise _refused(node.operation, input_shapes, one_line(error)) from error
    shapes = [tuple(tensor.shape) for tensor in made]
    if any(size is not None and size < 1 for shape in shapes for size in shape):
        raise _refused(node.operation, input_shapes, "nothing would be left")
    return shapes


def _check_joined(layer: keras.layers.Concatenate, input_shapes: Sequence[Shape]) -> None:
    """Maps that are joined agree along all other axes; Keras itself looks at that only when it runs."""
    joined = layer.axis % len(input_shapes[0])
    for axis, sizes in enumerate(zip(*input_shapes, strict=True)):
        known = {size for size in sizes if size is not None}
        if axis != joined and len(known) > 1:
            raise _refused(layer, input_shapes, "the maps differ in size. kzoo.analysis.legal_sizes(model) names sizes that fit")


def _check_fixed_axes(layer, input_shapes: Sequence[Shape]) -> None:
    """A layer with weights takes a fixed number of channels, or of features after a flatten."""
    axes = getattr(getattr(layer, "input_spec", None), "axes", None) or {}
    for axis, size in axes.items():
        received = input_shapes[0][axis]
        if None not in (size, received) and size != received:
            raise _refused(layer, input_shapes, f"its weights are for {size} features")


def _refused(layer, input_shapes: Sequence[Shape], reason: str) -> InputError:
    received = ", ".join(str(shape) for shape in input_shapes)
    return ArgumentError("input_shape", f"layer {layer.name} cannot take {received}: {reason}. Build the model for that size.")


def _input_shapes(tensors, names: Sequence[str], given: Sequence | Mapping | None) -> list[Shape]:
    """One shape per input with the batch axis, after checking those that were given."""
    recorded = [tuple(tensor.shape) for tensor in tensors]
    if given is None:
        return recorded
    if not isinstance(given, Sequence | Mapping):
        raise ArgumentError("input_shape", f"expected sizes without the batch axis, as in {recorded[0][1:]}. Received: {given!r}.")
    shapes = _per_input(given, names)
    if len(shapes) != len(recorded):
        raise ArgumentError("input_shape", f"expected one shape per input ({len(recorded)}). Received: {given}.")
    for shape, built in zip(shapes, recorded, strict=True):
        if len(shape) != len(built) - 1 or not all(n is None or (isinstance(n, Integral) and int(n) > 0) for n in shape):
            raise ArgumentError(
                "input_shape", f"expected {len(built) - 1} sizes without the batch axis, as in {built[1:]}. Received: {given}."
            )
    return [(None, *(n if n is None else int(n) for n in shape)) for shape in shapes]


def _per_input(given: Sequence | Mapping, names: Sequence[str]) -> list[tuple]:
    if isinstance(given, Mapping):
        if set(given) != set(names):
            raise ArgumentError("input_shape", f"expected a shape for each of {', '.join(names)}. Received: {', '.join(given)}.")
        return [tuple(given[name]) for name in names]
    nested = len(given) > 0 and all(isinstance(shape, Sequence) for shape in given)
    return [tuple(shape) for shape in given] if nested else [tuple(given)]
