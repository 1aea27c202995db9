"""The blocks of the builders, for any rank: convolution + normalization + activation, down-sampling, up-sampling, joining of skips.

Every block takes a symbolic tensor `(batch, *spatial, channels)` and returns one; every layer gets a stable name from its block.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

import keras

from ..errors import ArgumentError, check_choice, did_you_mean
from .resampling import BlurPool, LinearUpsampling, PixelShuffle

Padding = Literal["same", "valid"]
Downsampling = Literal["max_pool", "avg_pool", "strided_conv", "blur_pool"]
Upsampling = Literal["transposed_conv", "nearest", "bilinear", "pixel_shuffle"]
Normalization = Literal["none", "batch", "instance", "group", "layer"]
Skip = Literal["concat", "add", "attention", "none"]
Size = int | Sequence[int]
"""A size along every axis, or one per spatial axis: 3 or (1, 3, 3)."""

GROUPS = 8
"""Groups of `normalization="group"`: nnU-Net's and MONAI's number, which also fits narrow stages (Wu and He 2018 use 32)."""

INITIALIZER = "he_normal"
"""Standard deviation sqrt(2 / N), as in the U-Net paper (section 3, after He et al. 2015)."""


@dataclass(frozen=True)
class Style:
    """What all convolutions of a network share."""

    rank: int
    padding: Padding = "same"
    activation: str = "relu"
    normalization: Normalization = "none"


def ranked(name: str, rank: int):
    """The Keras layer class of that name for 1-D, 2-D or 3-D maps: `ranked("Conv{}D", 2)` is `keras.layers.Conv2D`."""
    return getattr(keras.layers, name.format(rank))


NO_ACTIVATIONS = ("get", "serialize", "deserialize", "glu", "threshold")
"""Names in `keras.activations` that are no function from a map to one of the same shape, or need arguments of their own."""


def check_activation(argument: str, activation: str) -> None:
    """Raises `ArgumentError` unless Keras knows an activation function of that name."""
    known = [n for n in dir(keras.activations) if n not in NO_ACTIVATIONS and n[0] != "_"]
    if activation not in known:
        hint = did_you_mean(activation, known)
        raise ArgumentError(argument, f"expected the name of a function in keras.activations. Received: {activation}.{hint}")


def check_style(style: Style, filters: Sequence[int]) -> None:
    """Raises `ArgumentError` for a choice that does not exist, or filter counts that a group norm cannot divide."""
    check_choice("padding", style.padding, get_args(Padding))
    check_choice("normalization", style.normalization, get_args(Normalization))
    check_activation("activation", style.activation)
    odd = [f for f in filters if f % GROUPS] if style.normalization == "group" else []
    if odd:
        raise ArgumentError(
            "filters",
            f'expected multiples of {GROUPS}, the groups of normalization="group". Received: {odd[0]}. '
            f"Use {-(-odd[0] // GROUPS) * GROUPS}, or another normalization.",
        )


def normalize(x, kind: Normalization, name: str):
    """Batch, instance (group norm with one group per channel), group or layer norm (over the channels of each position)."""
    layers = {
        "batch": lambda: keras.layers.BatchNormalization(name=name),
        "instance": lambda: keras.layers.GroupNormalization(groups=-1, epsilon=1e-5, name=name),
        "group": lambda: keras.layers.GroupNormalization(groups=GROUPS, epsilon=1e-5, name=name),
        "layer": lambda: keras.layers.LayerNormalization(epsilon=1e-6, name=name),
    }
    return layers[kind]()(x)


def conv(
    x,
    filters: int,
    kernel_size: Size,
    style: Style,
    name: str,
    strides: Size = 1,
    padding: Padding | None = None,
):
    """Convolution, normalization, activation. The bias is left out where a norm follows; without one, the activation is fused."""
    normalized = style.normalization != "none"
    x = ranked("Conv{}D", style.rank)(
        filters,
        kernel_size,
        strides=strides,
        padding=padding or style.padding,
        use_bias=not normalized,
        activation=None if normalized else style.activation,
        kernel_initializer=INITIALIZER,
        name=name,
    )(x)
    if normalized:
        x = normalize(x, style.normalization, f"{name}_norm")
        x = keras.layers.Activation(style.activation, name=f"{name}_act")(x)
    return x


def linear_conv(x, filters: int, kernel_size: Size, rank: int, name: str, use_bias: bool = True):
    """A convolution with neither norm nor activation, keeping the size."""
    layer = ranked("Conv{}D", rank)
    return layer(filters, kernel_size, padding="same", use_bias=use_bias, kernel_initializer=INITIALIZER, name=name)(x)


def conv_stage(x, filters: int, blocks: int, kernel_size: Size, style: Style, name: str):
    """All convolutions of one stage, `{name}_conv1` onwards."""
    for block in range(1, blocks + 1):
        x = conv(x, filters, kernel_size, style, f"{name}_conv{block}")
    return x


def dropout(x, rate: float, name: str):
    """Dropout; no layer where the rate is 0."""
    return keras.layers.Dropout(rate, name=f"{name}_dropout")(x) if rate else x


def downsample(x, kind: Downsampling, strides: Sequence[int], style: Style, name: str):
    """Divides each size by its stride: rounding up with `padding="same"`, dropping what does not fill a window with `valid`.

    `max_pool` and `avg_pool` pool over windows of the stride's size; `strided_conv` is a convolution, 3 wide or as wide as a larger
    stride, + norm + activation that keeps the channels (Springenberg et al. 2015); `blur_pool` takes the dense maximum, then filters
    and subsamples (Zhang 2019). All give the same sizes.
    """
    name = f"{name}_down"
    if style.padding == "valid":
        x = trim(x, strides, name)
    if kind == "strided_conv":
        kernel = [max(3, stride) if stride > 1 else 1 for stride in strides]
        return conv(x, x.shape[-1], kernel, style, name, strides=strides, padding="same")
    if kind == "blur_pool":
        dense = ranked("MaxPooling{}D", style.rank)(strides, strides=1, padding="same", name=f"{name}_max")(x)
        return BlurPool(strides, name=name)(dense)
    pool = ranked("MaxPooling{}D" if kind == "max_pool" else "AveragePooling{}D", style.rank)
    return pool(strides, strides=strides, padding="same", name=name)(x)


def upsample(x, kind: Upsampling, filters: int, strides: Sequence[int], style: Style, name: str):
    """Multiplies each size by its stride and maps to `filters` channels, without an activation (U-Net paper, section 2).

    `transposed_conv` has a kernel of the stride's size; `nearest` and `bilinear` interpolate, then convolve, 3 wide;
    `pixel_shuffle` convolves, 3 wide, to `filters * product(strides)` channels and moves them into space.
    """
    name = f"{name}_up"
    if kind == "transposed_conv":
        layer = ranked("Conv{}DTranspose", style.rank)
        return layer(filters, strides, strides, padding="same", kernel_initializer=INITIALIZER, name=name)(x)
    if kind == "pixel_shuffle":
        x = linear_conv(x, filters * prod(strides), 3, style.rank, f"{name}_conv")
        return PixelShuffle(strides, name=name)(x)
    x = _interpolate(x, kind, strides, style.rank, name)
    return linear_conv(x, filters, 3, style.rank, f"{name}_conv")


def _interpolate(x, kind: str, strides: Sequence[int], rank: int, name: str):
    """Nearest or linear interpolation, by Keras's own layer where it has one."""
    if kind == "nearest":
        return ranked("UpSampling{}D", rank)(strides[0] if rank == 1 else strides, name=name)(x)
    if rank == 2:
        return keras.layers.UpSampling2D(strides, interpolation="bilinear", name=name)(x)
    return LinearUpsampling(strides, name=name)(x)


def join(skip, x, kind: Skip, style: Style, name: str):
    """Joins an encoder map with the decoder map of the same size: concatenated, added, gated then concatenated, or left out."""
    if kind == "none":
        return x
    if kind == "add":
        return keras.layers.Add(name=f"{name}_add")([skip, x])
    if kind == "attention":
        skip = _attention_gate(skip, x, style.rank, f"{name}_gate")
    return keras.layers.Concatenate(name=f"{name}_concat")([skip, x])


def _attention_gate(skip, gate, rank: int, name: str):
    """Additive attention (Oktay et al. 2018, figure 2): skip * sigmoid(psi(relu(W_x skip + W_g gate))), one weight per position.

    The gate is the up-sampled decoder map, at the skip's own size, so nothing is resampled inside the gate.
    """
    inner = max(skip.shape[-1] // 2, 1)
    query = linear_conv(gate, inner, 1, rank, f"{name}_g")
    key = linear_conv(skip, inner, 1, rank, f"{name}_x", use_bias=False)
    both = keras.layers.Activation("relu", name=f"{name}_relu")(keras.layers.Add(name=f"{name}_sum")([key, query]))
    logits = linear_conv(both, 1, 1, rank, f"{name}_psi")
    weights = keras.layers.Activation("sigmoid", name=f"{name}_weights")(logits)
    return keras.layers.Multiply(name=name)([skip, weights])


def crop(x, margins: Sequence[tuple[int, int]], name: str):
    """Cuts rows off both ends of every axis; no layer where nothing is cut."""
    if not any(map(any, margins)):
        return x
    rank = len(margins)
    return ranked("Cropping{}D", rank)(margins[0] if rank == 1 else margins, name=f"{name}_crop")(x)


def crop_centre(x, margins: Sequence[int], name: str):
    """Cuts a total margin per axis off a map, half on each side, an odd row at the end."""
    return crop(x, [(m // 2, m - m // 2) for m in margins], name)


def trim(x, strides: Sequence[int], name: str):
    """Drops the last rows of each axis that do not fill a stride; sizes that are not known are taken to fit."""
    sizes = x.shape[1:-1]
    return crop(x, [(0, (n or 0) % s) for n, s in zip(sizes, strides, strict=True)], name)


def head_activation(classifier_activation: str | None, num_classes: int) -> str | None:
    """Resolves `auto` (sigmoid for one map, softmax for more) and checks the choice against the number of classes."""
    if classifier_activation == "auto":
        return "sigmoid" if num_classes == 1 else "softmax"
    if classifier_activation is not None:
        check_choice("classifier_activation", classifier_activation, ("auto", "sigmoid", "softmax"))
    if classifier_activation == "softmax" and num_classes == 1:
        raise ArgumentError(
            "classifier_activation",
            "expected sigmoid, auto or None for num_classes=1, since softmax over one map is 1 everywhere. Received: softmax.",
        )
    return classifier_activation


def dense(x, units: int, activation: str, name: str):
    """A hidden dense layer."""
    return keras.layers.Dense(units, activation=activation, kernel_initializer=INITIALIZER, name=name)(x)


def head(x, num_classes: int, activation: str | None, rank: int | None = None):
    """The classifier: a convolution of size 1 over maps of the given rank, a dense layer over vectors.

    It computes in float32 under a mixed policy, so that probabilities and losses keep their precision.
    """
    low = keras.config.dtype_policy().compute_dtype in ("float16", "bfloat16")
    options = {"activation": activation, "name": "head", "dtype": "float32" if low else None}
    layer = ranked("Conv{}D", rank)(num_classes, 1, **options) if rank else keras.layers.Dense(num_classes, **options)
    return layer(x)
