"""What a layer does, in the words of a figure: its kind, which chooses the colour, and its text in the legend."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import keras

from ...layers import (
    BlurPool,
    ConnectedConv,
    CropTo,
    LayerScale,
    LinearUpsampling,
    LocalResponseNormalization,
    MaxUnpooling,
    PadToMultiple,
    PixelShuffle,
    RadialBasis,
    ScaledTanh,
    StochasticDepth,
    TrainableSubsampling,
)
from .nodes import Node

KINDS = (
    "conv",
    "pointwise",
    "strided_conv",
    "pool",
    "up_conv",
    "up",
    "dense",
    "flatten",
    "global_pool",
    "other",
)
"""What makes a new box. `pointwise` is a convolution of size 1 and stride 1; `up` interpolates or rearranges, without weights."""


@dataclass(frozen=True)
class Operation:
    """What a layer does.

    Attributes:
        kind: one of `KINDS`; or, for what belongs to the box that is there, `norm`, `activation`, `named` (a layer of no kind that is
            listed), `silent`, `crop`, `pad` or `merge`.
        text: in the legend.
        scale: the factor on the number of positions; None where only the sizes tell.
    """

    kind: str
    text: str = ""
    scale: Fraction | None = None


def describe(node: Node, before: Node) -> Operation:
    """What the layer of a node does to the node that it reads.

    >>> import keras
    >>> image, half = Node(None, (), (32, 32), (32, 32), 3), (16, 16)
    >>> describe(Node(keras.layers.Conv2D(8, 3, strides=2, activation="relu"), (0,), half, half, 8), image)
    Operation(kind='strided_conv', text='conv 3×3, stride 2, ReLU', scale=Fraction(1, 4))
    """
    if len(node.inputs) > 1:
        return Operation("merge", type(node.layer).__name__.lower(), Fraction(1))
    for kind, how in _RULES:
        if isinstance(node.layer, kind):
            return how(node)
    return _unknown(node, before)


def activation_text(activation: Any) -> str:
    """An activation in print: `ReLU`; nothing for the identity."""
    name = getattr(activation, "__name__", None) or getattr(activation, "name", None) or str(activation)
    return _ACTIVATIONS.get(name.lower(), name.lower().replace("_", " "))


def gates(layer: Any) -> bool:
    """Whether a layer's output is a weight between 0 and 1, as that of an attention gate."""
    name = getattr(getattr(layer, "activation", None), "__name__", type(layer).__name__).lower()
    return name in ("sigmoid", "hard_sigmoid", "softmax")


_ACTIVATIONS = {
    "linear": "",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "leaky ReLU",
    "leakyrelu": "leaky ReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "hard_silu": "hard SiLU",
    "scaledtanh": "scaled tanh",
    "silu": "SiLU",
    "swish": "SiLU",
}


_FUNCTIONS = ("relu", "relu6", "elu", "selu", "gelu", "silu", "sigmoid", "softmax", "tanh")
"""Activations that stand in a graph as operations of `keras.ops`."""


def _size(values: int | Sequence[int], rank: int) -> str:
    """A kernel or window in print: `3×3`."""
    values = (values,) * rank if isinstance(values, int) else tuple(values)
    return "×".join(map(str, values))


def _step(values: Sequence[int]) -> str:
    """Strides or dilations in print: one number where all are equal."""
    return str(values[0]) if len(set(values)) == 1 else _size(values, len(values))


def _factor(strides: int | Sequence[int], rank: int) -> int:
    return strides**rank if isinstance(strides, int) else prod(strides)


def _words(*words: str) -> str:
    return ", ".join(word for word in words if word)


def _conv(node: Node) -> Operation:
    layer, rank = node.layer, node.layer.rank
    strides, dilation = tuple(layer.strides), tuple(layer.dilation_rate)
    prefix = ""
    if isinstance(layer, _DEPTHWISE):
        prefix = "depthwise "
    elif isinstance(layer, _SEPARABLE):
        prefix = "separable "
    elif layer.groups > 1:
        prefix = "grouped "
    text = _words(
        f"{prefix}conv {_size(layer.kernel_size, rank)}",
        f"dilation {_step(dilation)}" if max(dilation) > 1 else "",
        f"stride {_step(strides)}" if max(strides) > 1 else "",
        activation_text(layer.activation),
    )
    plain = "pointwise" if max(layer.kernel_size) == 1 else "conv"
    return Operation("strided_conv" if max(strides) > 1 else plain, text, Fraction(1, prod(strides)))


def _connected(node: Node) -> Operation:
    layer, rank = node.layer, len(node.sizes)
    strides = tuple(layer.strides)
    differs = f"stride {_step(strides)}" if max(strides) > 1 else ""
    text = _words(f"conv {_size(layer.kernel_size, rank)} by a table", differs, activation_text(layer.activation))
    return Operation("strided_conv" if differs else "conv", text, Fraction(1, prod(strides)))


def _transposed(node: Node) -> Operation:
    layer = node.layer
    kernel, strides = tuple(layer.kernel_size), tuple(layer.strides)
    differs = f"stride {_step(strides)}" if kernel != strides else ""
    text = _words(f"up-conv {_size(kernel, layer.rank)}", differs, activation_text(layer.activation))
    return Operation("up_conv", text, Fraction(prod(strides)))


def _pool(node: Node) -> Operation:
    layer = node.layer
    name = "trainable" if isinstance(layer, TrainableSubsampling) else "max" if "Max" in type(layer).__name__ else "average"
    window, strides = tuple(layer.pool_size), tuple(layer.strides)
    differs = f"stride {_step(strides)}" if window != strides else ""
    text = _words(f"{name} pool {_size(window, len(window))}", differs)
    return Operation("pool", text, Fraction(1, prod(strides)))


def _blur_pool(node: Node) -> Operation:
    rank = len(node.sizes)
    strides = node.layer.strides
    text = f"blur pool {_size(node.layer.kernel_size, rank)}, stride {strides if isinstance(strides, int) else _step(strides)}"
    return Operation("pool", text, Fraction(1, _factor(node.layer.strides, rank)))


def _global_pool(node: Node) -> Operation:
    name = "max" if "Max" in type(node.layer).__name__ else "average"
    return Operation("global_pool", f"global {name} pool")


def _upsampling(node: Node) -> Operation:
    layer, rank = node.layer, len(node.sizes)
    name = getattr(layer, "interpolation", "nearest")
    return Operation("up", f"{name} {_size(layer.size, rank)}", Fraction(_factor(layer.size, rank)))


def _resampling(name: str) -> Callable[[Node], Operation]:
    """An up-sampling of kzoo's own, by its strides."""

    def how(node: Node) -> Operation:
        rank = len(node.sizes)
        return Operation("up", f"{name} {_size(node.layer.strides, rank)}", Fraction(_factor(node.layer.strides, rank)))

    return how


def _dense(node: Node) -> Operation:
    kind = "radial basis" if isinstance(node.layer, RadialBasis) else "dense"
    return Operation("dense", _words(kind, activation_text(node.layer.activation)), Fraction(1))


def _norm(node: Node) -> Operation:
    instance = getattr(node.layer, "groups", None) in (-1, node.channels)
    names = {
        "BatchNormalization": "batch norm",
        "LayerNormalization": "layer norm",
        "GroupNormalization": "group norm",
        "LocalResponseNormalization": "local response norm",
    }
    name = type(node.layer).__name__
    return Operation("norm", "instance norm" if instance else names.get(name, name), Fraction(1))


def _activation(node: Node) -> Operation:
    return Operation("activation", activation_text(getattr(node.layer, "activation", type(node.layer))), Fraction(1))


def _same(kind: str, text: str = "") -> Callable[[Node], Operation]:
    return lambda _: Operation(kind, text, Fraction(1))


def _unknown(node: Node, before: Node) -> Operation:
    """A layer of no kind that is listed: told by its name, and by what it does to the shape."""
    name = type(node.layer).__name__
    if name.lower() in _FUNCTIONS:
        return Operation("activation", activation_text(name.lower()), Fraction(1))
    if name == "GetItem":
        return Operation("crop", "crop", Fraction(1))
    if any(len(weight.shape) > 1 for weight in getattr(node.layer, "weights", [])):
        return Operation("other", name)
    if (node.sizes, node.channels) == (before.sizes, before.channels):
        return Operation("named", name.lower(), Fraction(1))
    return Operation("up" if before.sizes and node.area > before.area else "other", name.lower())


def _layers(*names: str) -> tuple[type, ...]:
    """The Keras layers of these names; `{}` stands for the ranks 1 to 3, and those that a version of Keras lacks are left out."""
    found = (getattr(keras.layers, name.format(rank), None) for name in names for rank in (1, 2, 3))
    return tuple(dict.fromkeys(layer for layer in found if layer))


_DEPTHWISE, _SEPARABLE = _layers("DepthwiseConv{}D"), _layers("SeparableConv{}D")

_SILENT = (
    *_layers("Dropout", "SpatialDropout{}D", "AlphaDropout", "GaussianNoise", "GaussianDropout"),
    *_layers("Rescaling", "Normalization", "Identity", "ActivityRegularization"),
    StochasticDepth,
)

_RULES: tuple[tuple[type | tuple[type, ...], Callable[[Node], Operation]], ...] = (
    (_layers("Conv{}DTranspose"), _transposed),
    ((*_DEPTHWISE, *_SEPARABLE, *_layers("Conv{}D")), _conv),
    (_layers("GlobalMaxPooling{}D", "GlobalAveragePooling{}D"), _global_pool),
    (ConnectedConv, _connected),
    ((TrainableSubsampling, *_layers("MaxPooling{}D", "AveragePooling{}D")), _pool),
    (BlurPool, _blur_pool),
    (_layers("UpSampling{}D"), _upsampling),
    (LinearUpsampling, _resampling("linear")),
    (PixelShuffle, _resampling("pixel shuffle")),
    (MaxUnpooling, _resampling("max unpool")),
    ((keras.layers.Dense, RadialBasis), _dense),
    (keras.layers.Flatten, lambda _: Operation("flatten", "flatten")),
    (
        (
            LocalResponseNormalization,
            *_layers("BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization"),
        ),
        _norm,
    ),
    ((ScaledTanh, *_layers("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax")), _activation),
    ((CropTo, *_layers("Cropping{}D", "CenterCrop")), _same("crop", "crop")),
    ((PadToMultiple, *_layers("ZeroPadding{}D")), _same("pad", "pad")),
    (LayerScale, _same("named", "layer scale")),
    (_SILENT, _same("silent")),
)
