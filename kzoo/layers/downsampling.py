"""Down-sampling: pooling, strided convolution, blur pooling. All divide each size by its stride, rounding up with `padding="same"`."""

from collections.abc import Sequence
from typing import Literal

from ..errors import ArgumentError
from .blocks import conv
from .resampling import BlurPool
from .style import Padding, Style, ranked

Downsampling = Literal["max_pool", "avg_pool", "strided_conv", "blur_pool"]


def default_kernel(kind: str, strides: Sequence[int]) -> tuple[int, ...]:
    """The window of pooling is the stride; a convolution and a low-pass filter are 3 wide, or as wide as a larger stride.

    Along axes of stride 1 every window is 1 wide.

    >>> default_kernel("max_pool", (1, 2)), default_kernel("strided_conv", (1, 2)), default_kernel("strided_conv", (4, 4))
    ((1, 2), (1, 3), (4, 4))
    """
    if kind in ("max_pool", "avg_pool"):
        return tuple(strides)
    widths = [max(3, *strides)] * len(strides) if kind == "blur_pool" else [max(3, stride) for stride in strides]
    return tuple(width if stride > 1 else 1 for width, stride in zip(widths, strides, strict=True))


def check_window(kind: str, kernel: Sequence[int], strides: Sequence[int]) -> None:
    """Raises `ArgumentError` for a stride larger than its window, which would skip positions."""
    if kind == "blur_pool":
        return
    for size, stride in zip(kernel, strides, strict=True):
        if stride > size:
            raise ArgumentError(
                "downsampling_kernel",
                f"expected at least the stride, {stride}, since a smaller window skips positions. Received: {size}. "
                f"Use {stride} or more, or smaller strides.",
            )


def downsample(
    x,
    kind: Downsampling,
    strides: Sequence[int],
    style: Style,
    name: str,
    kernel: Sequence[int] | None = None,
    padding: Padding = "same",
    filters: int | None = None,
):
    """Divides each size by its stride.

    `max_pool` and `avg_pool` pool over windows; `strided_conv` is a convolution with norm and activation (Springenberg et al. 2015) that
    keeps the channels unless `filters` is given; `blur_pool` takes the dense maximum over windows of the stride's size, then filters
    with a fixed binomial kernel and subsamples (Zhang 2019). No layer where every stride is 1.
    """
    if max(strides) == 1:
        return x
    kernel = tuple(kernel or default_kernel(kind, strides))
    if kind == "strided_conv":
        block = f"{name}_{style.block_name('down')}"
        return conv(x, filters or x.shape[-1], kernel, style, block, strides=tuple(strides), padding=padding)
    name = f"{name}_down"
    if kind == "blur_pool":
        dense = ranked("MaxPooling{}D", style.rank)(tuple(strides), strides=1, padding=padding, name=f"{name}_max")(x)
        return BlurPool(tuple(strides), kernel_size=max(kernel), padding=padding, name=name)(dense)
    pool = ranked("MaxPooling{}D" if kind == "max_pool" else "AveragePooling{}D", style.rank)
    return pool(kernel, strides=tuple(strides), padding=padding, name=name)(x)
