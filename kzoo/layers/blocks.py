"""The blocks of the builders, for any rank: convolution with norm and activation, dropout, heads.

Every block takes a symbolic tensor `(batch, *spatial, channels)` and returns one; every layer gets a stable name from its block.
"""

from typing import Literal

import keras

from ..errors import ArgumentError, check_choice
from .style import INITIALIZER, Padding, Size, Style, activate, normalize, ranked

DropoutKind = Literal["element", "spatial"]


def conv(
    x,
    filters: int,
    kernel_size: Size,
    style: Style,
    name: str,
    *,
    strides: Size = 1,
    dilation: Size = 1,
    padding: Padding | None = None,
    bare: bool = False,
):
    """Convolution, norm and activation in the order of the style; with `bare`, nothing comes before the convolution.

    The bias is left out where a norm makes it redundant. Without a norm, an activation by name is fused into the convolution.
    """
    first = style.order == "norm-act-conv"
    if first and not bare:
        x = normalize_and_activate(x, style, name)
    biased = style.bias == "always" or not style.normalized or style.order == "conv-act-norm"
    fused = not first and isinstance(style.activation, str) and (not style.normalized or style.order == "conv-act-norm")
    x = _convolution(style)(
        filters,
        kernel_size,
        strides=strides,
        dilation_rate=dilation,
        padding=padding or style.padding,
        use_bias=biased,
        activation=style.activation if fused else None,
        name=name,
        **_kernel_options(style),
    )(x)
    if first or (fused and not style.normalized):
        return x
    if style.order == "conv-act-norm":
        x = x if fused else activate(x, style.activation, f"{name}_act")
        return normalize(x, style.normalization, f"{name}_norm")
    return normalize_and_activate(x, style, name)


def normalize_and_activate(x, style: Style, name: str):
    """`{name}_norm`, if there is a norm, and `{name}_act`."""
    if style.normalized:
        x = normalize(x, style.normalization, f"{name}_norm")
    return activate(x, style.activation, f"{name}_act")


def _convolution(style: Style):
    return ranked("SeparableConv{}D" if style.convolution == "separable" else "Conv{}D", style.rank)


def _kernel_options(style: Style) -> dict:
    """The kernel's options, for both kernels where the convolution is separable."""
    options = style.kernel_options
    if style.convolution == "standard":
        return options
    return {name.replace("kernel", part): value for name, value in options.items() for part in ("depthwise", "pointwise")}


def linear_conv(
    x, filters: int, kernel_size: Size, style: Style, name: str, *, padding: Padding = "same", use_bias: bool = True, **options
):
    """A plain convolution with neither norm nor activation."""
    layer = ranked("Conv{}D", style.rank)
    return layer(filters, kernel_size, padding=padding, use_bias=use_bias, name=name, **{**style.kernel_options, **options})(x)


def dropout(x, rate: float, name: str, kind: DropoutKind = "element", rank: int = 0):
    """Dropout of elements, or of whole maps (`spatial`, Tompson et al. 2015); no layer where the rate is 0."""
    if not rate:
        return x
    layer = ranked("SpatialDropout{}D", rank) if kind == "spatial" else keras.layers.Dropout
    return layer(rate, name=f"{name}_dropout")(x)


def dense(x, units: int, activation: str, name: str):
    """A hidden dense layer."""
    return keras.layers.Dense(units, activation=activation, kernel_initializer=INITIALIZER, name=name)(x)


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


def head(x, num_classes: int, activation: str | None, rank: int | None = None, name: str = "head"):
    """The classifier: a convolution of size 1 over maps of the given rank, a dense layer over vectors.

    It computes in float32 at least, so that probabilities and losses keep their precision under a mixed policy.
    """
    wide = keras.config.dtype_policy().compute_dtype == "float64"
    options = {"activation": activation, "name": name, "dtype": "float64" if wide else "float32"}
    layer = ranked("Conv{}D", rank)(num_classes, 1, **options) if rank else keras.layers.Dense(num_classes, **options)
    return layer(x)
