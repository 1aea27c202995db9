"""A model up to one of its tensors, run without a change to the model or to its layers."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras

from ..errors import ArgumentError, did_you_mean
from ..stack import ops, tree
from .graph import Call, Graph, Shape, trace


@dataclass(frozen=True)
class Part:
    """A model of images up to one tensor, as for inference; nested models are opened.

    Attributes:
        model, graph: the whole.
        tensor: index of the tensor in the graph.
        last: what runs in place of the layer that makes the tensor; that layer itself unless given.
    """

    model: keras.Model
    graph: Graph
    tensor: int
    last: Any = None

    @classmethod
    def of(cls, model: keras.Model, layer: str | None = None) -> "Part":
        """Up to a layer, named as in a profile; without one, up to the first output, or to the last map where that has no positions."""
        graph = trace_images(model)
        if layer is None:
            rank = len(graph.shapes[graph.outputs[0]])
            return cls(model, graph, graph.outputs[0] if rank > 2 else _last_map(graph))
        tensor = _tensor_of(model, graph, layer)
        shape = graph.shapes[tensor]
        if len(shape) <= 2:
            raise ArgumentError("layer", f"expected a layer whose output has positions. Received: {layer}, whose shape is {shape[1:]}.")
        return cls(model, graph, tensor)

    @property
    def name(self) -> str:
        """Of the layer that makes the tensor."""
        return self.graph.producer(self.tensor)

    def output_shape(self, shape: Shape) -> tuple[int, ...]:
        """The shape of the tensor for inputs of a shape, both with the batch axis."""
        sizes = trace(self.model, shape[1:]).shapes[self.tensor][1:]
        return (shape[0], *sizes)  # type: ignore[arg-type]

    def linear(self) -> "Part":
        """The same without the activation that the last layer was given."""
        call = next((call for call in self.graph.calls if self.tensor in call.outputs), None)
        return self if call is None else replace(self, last=_linear_twin(call.layer))

    def __call__(self, inputs: Any, training: bool = False) -> Any:
        known = {self.graph.inputs[0]: ops.convert_to_tensor(inputs, dtype=self.graph.dtypes[0])}
        for call in self._calls():
            layer = self.last if self.tensor in call.outputs and self.last is not None else call.layer
            stand_ins = {id(one): known[index] for one, index in zip(call.arguments.keras_tensors, call.inputs, strict=True)}
            arguments, options = call.arguments.fill_in(stand_ins)
            if "training" in inspect.signature(layer.call).parameters:
                options["training"] = training
            known |= zip(call.outputs, tree.flatten(layer(*arguments, **options)), strict=True)
        return known[self.tensor]

    def _calls(self) -> Iterator[Call]:
        """Those that the tensor depends on."""
        needed = {self.tensor}
        for call in reversed(self.graph.calls):
            if needed & set(call.outputs):
                needed |= set(call.inputs)
        return (call for call in self.graph.calls if needed & set(call.outputs))


def trace_images(model: keras.Model) -> Graph:
    """The graph of a model of one input whose channels are last.

    Raises:
        ArgumentError: it has no graph, several inputs, or its channels first.
    """
    graph = trace(model)
    if len(graph.inputs) != 1:
        raise ArgumentError("model", f"expected one input. Received: {len(graph.inputs)}, {', '.join(graph.input_names)}.")
    if graph.data_format != "channels_last":
        raise ArgumentError("model", f"expected channels_last. Received: {model.name}, which is {graph.data_format}.")
    return graph


def find_call(model: keras.Model, graph: Graph, name: str) -> Call:
    """A call by the name that it has in a profile, or an error that names the nearest."""
    for call in graph.calls:
        if call.name == name:
            return call
    names = [call.name for call in graph.calls]
    raise ArgumentError("layer", f"expected the name of a layer of {model.name}. Received: {name}.{did_you_mean(name, names)}")


def _tensor_of(model: keras.Model, graph: Graph, name: str) -> int:
    """What a layer, an input or a nested model of that name gives."""
    if name in graph.input_names:
        return graph.inputs[graph.input_names.index(name)]
    nested = next((layer for layer in model.layers if layer.name == name and isinstance(layer, keras.Model)), None)
    if nested is not None:
        inner = trace(nested)
        name = f"{name}/{inner.producer(inner.outputs[0])}"
    return find_call(model, graph, name).outputs[0]


def _last_map(graph: Graph) -> int:
    """What the last layer gives whose output has more than one position."""
    for call in reversed(graph.calls):
        if len(call.output_shape) > 2 and any(size != 1 for size in call.output_shape[1:-1]):
            return call.outputs[0]
    raise ArgumentError("model", f"expected a model with maps. Received: {graph.name}, which has none.")


def _linear_twin(layer: Any) -> Any:
    """A layer that shares all with another one but its activation; that layer itself where it has none.

    Neither `copy`, which saves and loads a Keras layer, nor `from_config` can make one of every custom layer.
    """
    if getattr(layer, "activation", None) is None:
        return layer
    twin = object.__new__(type(layer))
    twin.__dict__ |= vars(layer) | {"activation": keras.activations.linear}
    return twin
