"""Layers that leave every position where it is: activations, normalization, dropout. None counts MACs."""

from keras import layers

from ..facts import Facts, operations, rule
from ..graph import Call


@rule(
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ELU,
    layers.BatchNormalization,
    layers.Normalization,
    layers.Rescaling,
    layers.Masking,
)
@operations(
    *("Absolute", "Abs", "Negative", "Square", "Sqrt", "Exp", "Expm1", "Log", "Log1p", "Tanh", "Clip", "Cast", "Sign", "Reciprocal"),
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Silu", "Sigmoid", "LogSigmoid", "HardSigmoid", "HardSilu"),
    *("HardTanh", "Softplus", "Softsign", "LayerScale"),
)
def pointwise(call: Call) -> Facts:  # noqa: ARG001
    return Facts()


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
)
@operations("StochasticDepth")
def identity_at_inference(call: Call) -> Facts:  # noqa: ARG001
    return Facts(shares="inference")


@rule(layers.ActivityRegularization, layers.Identity)
def identity(call: Call) -> Facts:  # noqa: ARG001
    return Facts(shares="always")


# Keras 3.8 has no RMSNormalization yet.
@rule(layers.Softmax, layers.LayerNormalization, layers.UnitNormalization, getattr(layers, "RMSNormalization", layers.Softmax))
@operations("Softmax", "LogSoftmax")
def over_an_axis(call: Call) -> Facts:
    """Local where it works on the channels alone."""
    axis = call.layer.axis
    axes = axis if isinstance(axis, list | tuple) else (axis,)
    rank = len(call.input_shape)
    spatial = any(a is None or a % rank in call.spatial_axes for a in axes)
    return Facts(reach="global" if spatial else "local")


@rule(layers.GroupNormalization)
def group_normalization(call: Call) -> Facts:  # noqa: ARG001
    """Its statistics run over all positions; instance normalization is the case of one channel per group."""
    return Facts(reach="global")
