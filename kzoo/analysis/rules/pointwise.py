"""Layers that leave every position where it is: activations, normalization, dropout. None counts MACs."""

from collections.abc import Sequence

from keras import layers

from ...layers import LayerScale, LocalResponseNormalization, ScaledTanh, StochasticDepth
from ..counting import product
from ..facts import Facts, operations, rule
from ..graph import Call
from .activation import activated

POINTWISE = Facts(stops=())


@rule(layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Rescaling, ScaledTanh)
@operations(
    *("Absolute", "Abs", "Negative", "Square", "Sqrt", "Exp", "Expm1", "Log", "Log1p", "Tanh", "Clip", "Cast", "Sign", "Reciprocal"),
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Silu", "Sigmoid", "LogSigmoid", "HardSigmoid", "HardSilu"),
    *("HardTanh", "Softplus", "Softsign", "StopGradient"),
)
def pointwise(call: Call) -> Facts:  # noqa: ARG001
    return POINTWISE


@rule(layers.Activation)
def activation(call: Call) -> Facts | None:
    return activated(call, POINTWISE)


@rule(layers.PReLU)
def prelu(call: Call) -> Facts:
    """Local, with a slope per position along the axes that are not shared."""
    shared = call.layer.shared_axes or ()
    return Facts(stops=(), fixed=tuple(axis for axis in range(1, len(call.input_shape)) if axis not in shared))


@rule(layers.BatchNormalization, layers.Normalization, LayerScale)
@operations("LayerScale")
def scaling(call: Call) -> Facts:
    """At inference, a factor and a summand along some axes."""
    return Facts(stops=(), fixed=_axes(call, getattr(call.layer, "axis", -1)))


@rule(layers.Masking)
def masking(call: Call) -> Facts:
    """It looks whether all channels are equal to the mask."""
    return Facts(mixes=(len(call.input_shape) - 1,))


@rule(
    layers.Dropout,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
    layers.AlphaDropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.RandomFlip,
    layers.RandomRotation,
    layers.RandomZoom,
    layers.RandomTranslation,
    layers.RandomContrast,
    layers.RandomBrightness,
    StochasticDepth,
)
@operations("StochasticDepth")
def identity_at_inference(call: Call) -> Facts:  # noqa: ARG001
    return Facts(stops=(), shares="inference")


@rule(layers.ActivityRegularization, layers.Identity)
def identity(call: Call) -> Facts:  # noqa: ARG001
    return Facts(stops=(), shares="always")


@rule(layers.Softmax, layers.UnitNormalization)
@operations("Softmax", "LogSoftmax")
def over_an_axis(call: Call) -> Facts:
    return Facts(mixes=_axes(call, call.layer.axis), stops=())


# Keras 3.8 has no RMSNormalization yet.
@rule(layers.LayerNormalization, getattr(layers, "RMSNormalization", layers.LayerNormalization))
def layer_normalization(call: Call) -> Facts:
    """Its statistics and its weights run over the same axes."""
    axes = _axes(call, call.layer.axis)
    return Facts(mixes=axes, stops=(), fixed=axes if call.layer.weights else ())


@rule(LocalResponseNormalization)
def local_response_normalization(call: Call) -> Facts:
    """It mixes neighbouring channels, and keeps what it divides by."""
    return Facts(inner=product(*call.output_shape[1:]))


@rule(layers.GroupNormalization)
def group_normalization(call: Call) -> Facts:
    """Its statistics run over all positions; instance normalization is the case of one channel per group."""
    return Facts(reach="global", stops=(), fixed=_axes(call, call.layer.axis))


def _axes(call: Call, axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """Counted from the first; all but the batch where none is given."""
    rank = len(call.input_shape)
    if axis is None:
        return tuple(range(1, rank))
    return tuple(a % rank for a in (axis if isinstance(axis, list | tuple) else (axis,)))
