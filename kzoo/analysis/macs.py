"""Multiply-accumulate operations (MACs) of a model for one input: multiplications of convolutions and dense layers, nothing else.

Counted from the layers, since TensorFlow's profiler counts grouped convolutions as 0 under Keras 3.
"""

from collections.abc import Iterator
from math import prod

import keras

from ..errors import InputError

_Conv = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_Transposed = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_Depthwise = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_Separable = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)


def count_macs(model: keras.Model) -> int:
    """MACs of a functional model for one input; a layer that is called twice counts twice.

    Args:
        model: a functional `keras.Model` with fixed spatial sizes.

    Returns:
        int. FLOPs are about twice as many.

    Raises:
        InputError: a spatial size is None, or a layer has weights and is of no kind that this function knows.

    >>> from kzoo import build_unet
    >>> count_macs(build_unet(input_shape=(512, 512, 1), num_classes=1)) // 10_000_000
    19236
    """
    return sum(_layer_macs(layer, x, y) for layer, x, y in _calls(model))


def count_parameters(model: keras.Model) -> dict[str, int]:
    """Parameters in both conventions: `trainable` (papers, torchvision) and `total`, with the batch-norm statistics (Keras)."""
    return {
        "trainable": sum(prod(w.shape) for w in model.trainable_weights),
        "total": model.count_params(),
    }


def _calls(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, tuple, tuple]]:
    """Every call of a layer in the graph, nested models opened, with the shapes of its first input and output."""
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            layer = node.operation
            if isinstance(layer, keras.Model):
                yield from _calls(layer)
            elif not node.is_input:
                yield layer, tuple(node.input_tensors[0].shape), tuple(node.outputs[0].shape)


def _layer_macs(layer, x: tuple, y: tuple) -> int:
    if isinstance(layer, _Depthwise):
        return _positions(layer, y) * prod(layer.kernel_size) * x[-1] * layer.depth_multiplier
    if isinstance(layer, _Separable):
        inner = x[-1] * layer.depth_multiplier
        return _positions(layer, y) * inner * (prod(layer.kernel_size) + y[-1])
    if isinstance(layer, _Transposed):
        return _positions(layer, x) * prod(layer.kernel_size) * x[-1] * y[-1]
    if isinstance(layer, _Conv):
        return _positions(layer, y) * prod(layer.kernel_size) * x[-1] // layer.groups * y[-1]
    if isinstance(layer, keras.layers.Dense):
        return _positions(layer, y) * x[-1] * y[-1]
    if any(len(weight.shape) > 1 for weight in getattr(layer, "weights", [])):
        raise InputError(f"layer {layer.name}: MACs of a {type(layer).__name__} are not known.")
    return 0


def _positions(layer, shape: tuple) -> int:
    if None in shape[1:-1]:
        raise InputError(f"layer {layer.name}: MACs depend on the input size, which is not fixed. Build the model with fixed sizes.")
    return prod(shape[1:-1])
