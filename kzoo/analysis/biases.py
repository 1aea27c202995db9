"""Biases without effect: what they add per channel is taken out again by the next norm, which subtracts the mean of every channel."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from ..layers import ConnectedConv
from ..stack import is_function
from .graph import Call, Graph

CONVOLUTIONS = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D, layers.SeparableConv1D, layers.SeparableConv2D),
    ConnectedConv,
)

_TRANSPARENT = (
    *(layers.Add, layers.Identity, layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
)
"""Layers that pass on a constant that was added to a channel: the maximum of x + c is the maximum of x, plus c."""


def redundant_biases(graph: Graph) -> list[Any]:
    """The biases that change no output of a network in training.

    Such a bias belongs to a convolution or dense layer without an activation, and all that follows it are norms that take the mean of every
    channel by itself: batch norm, group norm with one channel per group (instance norm), layer norm over positions only. A layer norm
    over channels, or a group norm over several, keeps the differences between them. Additions, concatenations of channels, pooling and
    cropping may lie between; zeros that are padded there may not, since the border would show.

    >>> import keras
    >>> from kzoo.analysis.graph import trace
    >>> x = inputs = keras.Input((8, 8, 1))
    >>> x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(x))
    >>> model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(x))
    >>> [tuple(bias.shape) for bias in redundant_biases(trace(model))]
    [(4,)]
    """
    lost = _Lost(graph)
    effect: dict[int, bool] = {}
    biases: dict[int, Any] = {}
    for call in graph.calls:
        bias = _bias(call)
        if bias is not None:
            biases[id(bias)] = bias
            effect[id(bias)] = effect.get(id(bias), False) or not (_is_linear(call.layer) and lost(call.outputs[0], _bias_axis(call)))
    return [bias for key, bias in biases.items() if not effect[key]]


class _Lost:
    """Whether a constant per entry of one axis, added to a tensor, is lost before the outputs."""

    def __init__(self, graph: Graph):
        self.outputs = set(graph.outputs)
        self.consumers: dict[int, list[Call]] = defaultdict(list)
        for call in graph.calls:
            for tensor in dict.fromkeys(call.inputs):
                self.consumers[tensor].append(call)
        self.known: dict[tuple[int, int], bool] = {}

    def __call__(self, tensor: int, axis: int) -> bool:
        key = (tensor, axis)
        if key not in self.known:
            self.known[key] = tensor not in self.outputs and all(self._lost_in(call, axis) for call in self.consumers[tensor])
        return self.known[key]

    def _lost_in(self, call: Call, axis: int) -> bool:
        return _subtracts_means(call, axis) or (_is_transparent(call, axis) and self(call.outputs[0], axis))


def _bias(call: Call) -> Any:
    """The bias of a convolution or dense layer, or None."""
    return getattr(call.layer, "bias", None) if isinstance(call.layer, (*CONVOLUTIONS, layers.Dense)) else None


def _bias_axis(call: Call) -> int:
    """A dense layer works on the last axis whatever the data format."""
    return call.channel_axis if isinstance(call.layer, CONVOLUTIONS) else len(call.output_shape) - 1


def _is_linear(layer) -> bool:
    return layer.activation in (None, keras.activations.linear)


def _subtracts_means(call: Call, axis: int) -> bool:
    """Whether a norm takes its means over everything but that axis, at least."""
    layer, rank = call.layer, len(call.input_shape)
    if isinstance(layer, layers.BatchNormalization):
        return _axes(layer, rank) == [axis]
    if isinstance(layer, layers.GroupNormalization):
        return layer.axis % rank == axis and layer.groups == call.input_shape[axis]
    if isinstance(layer, layers.LayerNormalization):
        return axis not in _axes(layer, rank) and not getattr(layer, "rms_scaling", False)
    return False


def _axes(layer, rank: int) -> list[int]:
    """Those of a norm, which may be one or several."""
    return [axis % rank for axis in (layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis])]


def _is_transparent(call: Call, axis: int) -> bool:
    """Whether the layer passes the constant on, along the same axis."""
    layer, rank = call.layer, len(call.output_shape)
    if any(len(shape) != rank for shape in call.input_shapes):
        return False
    if isinstance(layer, layers.Concatenate):
        return layer.axis % rank == axis
    if isinstance(layer, layers.Activation):
        return _is_linear(layer)
    return isinstance(layer, _TRANSPARENT) or _is_sum(layer)


def _is_sum(layer: Callable) -> bool:
    """`x + y` in a graph, for which there is no public class."""
    return is_function(layer) and type(layer).__name__ == "Add"
