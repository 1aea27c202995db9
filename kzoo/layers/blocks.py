"""The blocks of the builders, for any rank: convolution with norm and activation, dropout, heads.

Every block takes a symbolic tensor `(batch, *spatial, channels)` and returns one; every layer gets a stable name from its block.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import keras

from ..errors import ArgumentError, check_choice
from ..stack import config
from .lenet import ConnectedConv
from .style import (
    INITIALIZER,
    Activation,
    Alignment,
    Padding,
    PoolAlignment,
    Size,
    Style,
    activate,
    depthwise_initializer,
    is_function,
    normalize,
    ranked,
)

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
    groups: int = 1,
    padding: Alignment | None = None,
    act: bool = True,
    bare: bool = False,
    use_bias: bool | None = None,
):
    """Convolution, norm and activation in the order of the style.

    With `act=False` there is no activation, and with `bare` nothing comes before the convolution. Unless `use_bias` says so, the bias is
    left out where a norm makes it redundant. Without a norm, an activation by name is fused into the convolution.
    """
    options = _kernel_options(style, x.shape[-1]) | ({"groups": groups} if groups > 1 else {})
    layer = partial(_convolution(style), filters, kernel_size, dilation_rate=dilation, **options)
    return _normalized(layer, x, kernel_size, style, name, strides, padding, act=act, bare=bare, use_bias=use_bias)


def connected_conv(
    x, connections: Sequence[Sequence[int]], kernel_size: Size, style: Style, name: str, *, padding: Alignment | None = None
):
    """A convolution by a table of connections, see `ConnectedConv`, with norm and activation like `conv`."""
    layer = partial(ConnectedConv, connections, kernel_size, **style.kernel_options)
    return _normalized(layer, x, kernel_size, style, name, 1, padding, act=True, bare=False)


def depthwise_conv(
    x,
    kernel_size: Size,
    style: Style,
    name: str,
    *,
    strides: Size = 1,
    padding: Alignment | None = None,
    act: bool = True,
    bare: bool = False,
):
    """A convolution of every channel by itself, with norm and activation like `conv`.

    For volumes, for which Keras has no layer of that name, it is a convolution with one group per channel.
    """
    if style.rank == 3:
        return conv(x, x.shape[-1], kernel_size, style, name, strides=strides, groups=x.shape[-1], padding=padding, act=act, bare=bare)
    layer = partial(ranked("DepthwiseConv{}D", style.rank), kernel_size, **depthwise_options(style, x.shape[-1]))
    return _normalized(layer, x, kernel_size, style, name, strides, padding, act=act, bare=bare)


def _normalized(
    layer: Callable,
    x,
    kernel_size: Size,
    style: Style,
    name: str,
    strides: Size,
    padding: Alignment | None,
    *,
    act: bool,
    bare: bool,
    use_bias: bool | None = None,
):
    """A convolution with norm and activation around it."""
    first = style.order == "norm-act-conv"
    if first and not bare:
        x = normalize_and_activate(x, style, name, act=act)
    needed = style.bias == "always" or not style.normalized or style.order == "conv-act-norm"
    biased = needed if use_bias is None else use_bias
    fused = act and not first and is_function(style.activation) and (not style.normalized or style.order == "conv-act-norm")
    x, padding = aligned(x, kernel_size, strides, style.padding if padding is None else padding, name)
    x = layer(strides=strides, padding=padding, use_bias=biased, activation=style.activation if fused else None, name=name)(x)
    if first or (fused and not style.normalized):
        return x
    if style.order == "conv-act-norm":
        x = activate(x, style.activation, f"{name}_act") if act and not fused else x
        return normalize(x, style, f"{name}_norm")
    return normalize_and_activate(x, style, name, act=act)


def normalize_and_activate(x, style: Style, name: str, *, act: bool = True):
    """`{name}_norm`, if there is a norm, and `{name}_act`."""
    if style.normalized:
        x = normalize(x, style, f"{name}_norm")
    return activate(x, style.activation, f"{name}_act") if act else x


def aligned(x, kernel_size: Size, strides: Size, padding: PoolAlignment, name: str):
    """Carries out padding by zeros, `{name}_pad`; returns the map and the padding that is left for the layer."""
    if padding in ("same", "valid"):
        return x, padding
    rank = len(x.shape) - 2
    kernels, steps = ((size,) * rank if isinstance(size, int) else tuple(size) for size in (kernel_size, strides))
    if padding == "symmetric" and max(steps) == 1:
        return x, "same"
    margins = [_margins(padding, kernel, step) for kernel, step in zip(kernels, steps, strict=True)]
    if any(map(any, margins)):
        x = ranked("ZeroPadding{}D", rank)(margins[0] if rank == 1 else tuple(margins), name=f"{name}_pad")(x)
    return x, "valid"


def _margins(padding: PoolAlignment, kernel: int, step: int) -> tuple[int, int]:
    """Positions before and after an axis."""
    if isinstance(padding, int):
        return padding, padding
    return ((kernel - 1) // 2, kernel // 2) if padding == "symmetric" else (0, step - 1)


def _convolution(style: Style):
    return ranked("SeparableConv{}D" if style.convolution == "separable" else "Conv{}D", style.rank)


def _kernel_options(style: Style, channels: int) -> dict:
    """The kernel's options, for both kernels where the convolution is separable."""
    if style.convolution == "standard":
        return style.kernel_options
    pointwise = {name.replace("kernel", "pointwise"): value for name, value in style.kernel_options.items()}
    return pointwise | depthwise_options(style, channels, linear=True)


def depthwise_options(style: Style, channels: int, linear: bool = False) -> dict:
    """Initializer and regularizer of the kernels of a depthwise convolution; a `linear` one has no activation behind it."""
    options = {name.replace("kernel", "depthwise"): value for name, value in style.kernel_options.items()}
    return options | {"depthwise_initializer": depthwise_initializer(style.initializer, channels, linear)}


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


def dense(x, units: int, activation: Activation, name: str):
    """A hidden dense layer; an activation that is no function of Keras comes after it."""
    fused = activation if is_function(activation) else None
    x = keras.layers.Dense(units, activation=fused, kernel_initializer=INITIALIZER, name=name)(x)
    return x if fused else activate(x, activation, f"{name}_act")


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
    options = {"activation": activation, "name": name, "dtype": output_type()}
    layer = ranked("Conv{}D", rank)(num_classes, 1, **options) if rank else keras.layers.Dense(num_classes, **options)
    return layer(x)


def output_type() -> str:
    """float32, or float64 where the policy asks for that."""
    return "float64" if config.dtype_policy().compute_dtype == "float64" else "float32"
