"""Up-sampling: transposed convolution; interpolation, pixel shuffle and max-unpooling, each with a convolution."""

from collections.abc import Sequence
from math import prod
from typing import Literal

import keras

from ..errors import ArgumentError
from .blocks import linear_conv
from .borders import crop
from .icnr import ICNR
from .resampling import LinearUpsampling, PixelShuffle
from .style import Style, ranked
from .unpooling import MaxUnpooling

Upsampling = Literal["transposed_conv", "nearest", "bilinear", "pixel_shuffle", "max_unpool"]


def default_kernel(kind: str, strides: Sequence[int]) -> tuple[int, ...]:
    """A transposed convolution is as wide as its stride, the convolution of the other kinds 3 wide; 1 along axes of stride 1.

    >>> default_kernel("transposed_conv", (1, 2)), default_kernel("nearest", (1, 2))
    ((1, 2), (1, 3))
    """
    if kind == "transposed_conv":
        return tuple(strides)
    return tuple(3 if stride > 1 else 1 for stride in strides)


def check_window(kind: str, kernel: Sequence[int], strides: Sequence[int]) -> None:
    """Raises `ArgumentError` for a transposed convolution whose stride is larger than its kernel, which would leave gaps."""
    for size, stride in zip(kernel, strides, strict=True):
        if kind == "transposed_conv" and stride > size:
            raise ArgumentError(
                "upsampling_kernel",
                f"expected at least the stride, {stride}, since a smaller transposed kernel leaves gaps. Received: {size}. "
                f"Use {stride} or a multiple of it.",
            )


def borders(kind: str, kernel: int, stride: int) -> tuple[int, int]:
    """Rows that an up-sampling without padding loses along an axis, (before, after) it multiplies the size by the stride.

    What it gives is free of border effects: n positions become (n - before) * stride - after.

    >>> borders("transposed_conv", 3, 2), borders("bilinear", 3, 2), borders("pixel_shuffle", 3, 2)
    ((0, 1), (0, 4), (2, 0))
    """
    if kind == "transposed_conv":
        return 0, kernel - stride
    if kind in ("pixel_shuffle", "max_unpool"):
        return kernel - 1, 0
    return 0, kernel - 1 + (2 * (stride // 2) if kind == "bilinear" else 0)


def upsample(x, kind: Upsampling, filters: int, strides: Sequence[int], style: Style, name: str, *, kernel=None, pooled=None):
    """Multiplies each size by its stride and maps to `filters` channels, without an activation (U-Net paper, section 2).

    `nearest` and `bilinear` interpolate, then convolve; `pixel_shuffle` convolves to `filters * product(strides)` channels and moves
    them into space; `max_unpool` convolves, then puts every value where `pooled`, the encoder's map, has the maximum of its window.
    With `style.padding="valid"` the border that padding would have reached is cut off.
    """
    name, strides = f"{name}_up", tuple(strides)
    kernel = tuple(kernel or default_kernel(kind, strides))
    if kind == "transposed_conv":
        return _transposed_conv(x, filters, kernel, strides, style, name)
    if kind == "pixel_shuffle":
        options = {"kernel_initializer": ICNR(strides, style.initializer)}
        x = linear_conv(x, filters * prod(strides), kernel, style, f"{name}_conv", padding=style.padding, **options)
        return PixelShuffle(strides, name=name)(x)
    if kind == "max_unpool":
        x = linear_conv(x, filters, kernel, style, f"{name}_conv", padding=style.padding)
        return MaxUnpooling(strides, name=name)([x, pooled])
    x = _interpolate(x, kind, strides, style, name)
    return linear_conv(x, filters, kernel, style, f"{name}_conv", padding=style.padding)


def _transposed_conv(x, filters: int, kernel: tuple[int, ...], strides: tuple[int, ...], style: Style, name: str):
    """Without padding, positions that fewer windows reach than the others of their phase are cut off."""
    excess = [size - stride for size, stride in zip(kernel, strides, strict=True)]
    padding = "valid" if style.padding == "valid" and any(excess) else "same"
    layer = ranked("Conv{}DTranspose", style.rank)
    x = layer(filters, kernel, strides, padding=padding, name=name, **style.kernel_options)(x)
    return crop(x, [(n, n) for n in excess], name) if padding == "valid" else x


def _interpolate(x, kind: str, strides: tuple[int, ...], style: Style, name: str):
    """Nearest or linear interpolation, by Keras's own layer where it has one."""
    if kind == "nearest":
        return ranked("UpSampling{}D", style.rank)(strides[0] if style.rank == 1 else strides, name=name)(x)
    if style.rank == 2:
        x = keras.layers.UpSampling2D(strides, interpolation="bilinear", name=name)(x)
    else:
        x = LinearUpsampling(strides, name=name)(x)
    return crop(x, [(stride // 2, stride // 2) for stride in strides], name) if style.padding == "valid" else x
