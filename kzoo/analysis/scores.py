"""What one score of a network means: a probability or a logit."""

import keras
from keras import layers

from ..errors import ArgumentError
from .graph import Call, trace

SAME_SCORE = (
    layers.Cropping1D,
    layers.Cropping2D,
    layers.Cropping3D,
    layers.Dropout,
    layers.Flatten,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalAveragePooling3D,
    layers.Identity,
    layers.Permute,
    layers.Reshape,
    layers.Resizing,
    layers.UpSampling1D,
    layers.UpSampling2D,
    layers.UpSampling3D,
)
"""Layers that leave the meaning of a score as it is."""

THRESHOLDS = {"sigmoid": 0.5, "hard_sigmoid": 0.5, "linear": 0.0, "tanh": 0.0}


def find_threshold(model: keras.Model) -> float:
    """The value of one score above which the second of two classes is the more likely, from the graph.

    Raises:
        ArgumentError: the graph does not tell.

    >>> from kzoo import build_unet
    >>> find_threshold(build_unet(input_shape=(8, 8, 1), num_classes=1, filters=2, depth=1))
    0.5
    """
    graph = trace(model)
    makers = {tensor: call for call in graph.calls for tensor in call.outputs}
    call = makers.get(graph.outputs[0])
    while call is not None and _keeps_scores(call.layer):
        call = makers.get(call.inputs[0])
    activation = None if call is None else _activation(call)
    if activation not in THRESHOLDS:
        raise ArgumentError("threshold", f"expected a number, since the graph of {model.name} does not end in a sigmoid or in logits.")
    return THRESHOLDS[activation]


def _keeps_scores(layer: object) -> bool:
    """Also for the activation without effect that ends many models of mixed precision."""
    idle = isinstance(layer, layers.Activation) and layer.activation is keras.activations.linear
    return idle or isinstance(layer, SAME_SCORE)


def _activation(call: Call) -> str:
    """The name of what a layer, or a function of `keras.ops`, applies last; `linear` for sums of products alone."""
    own = getattr(call.layer, "activation", None)
    return own.__name__ if own is not None else type(call.layer).__name__.lower()
