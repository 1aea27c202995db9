"""SqueezeNet (Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5MB model size",
arXiv:1602.07360).

Fire modules squeeze the map by convolutions of size 1 and expand it by convolutions of sizes 1 and 3 side by side; no dense layer. Version
1.0 is the paper's table 1; version 1.1 is the authors' later one with a smaller stem and earlier poolings. The paper bypasses modules in
two ways (figure 2). Its poolings are Caffe's, which keep the last, incomplete window: 224 pixels give maps of 109, 54, 27 and 13 in version
1.0, as in torchvision; the paper's own sizes, 111, 55, 27 and 13, are those of 227 pixels.
"""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Literal, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Padding, Size, Style, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk

Bypass = Literal["none", "simple", "complex"]


@classifier("squeezenet")
def build_squeezenet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: int | Sequence[int] = 128,
    blocks: Sequence[int] = (3, 4, 1),
    squeeze_ratio: float = 0.125,
    spatial_ratio: float = 0.5,
    bypass: Bypass = "none",
    stem_filters: int = 96,
    stem_kernel: Size = 7,
    padding: Padding = "valid",
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "none",
    pooling: Pooling | None = "avg",
    dropout: float = 0.5,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "squeezenet",
) -> keras.Model:
    """Builds a SqueezeNet; the default is version 1.0, the paper's table 1.

    Args:
        filters: channels of the fire modules' outputs: int for the first two, growing by itself after every two modules, or one per module.
        blocks: fire modules per stage; between stages there is a pooling. Version 1.1: 2-2-4.
        squeeze_ratio: float up to 1, filters of a module's squeeze layer per channel of its output (section 5.2).
        spatial_ratio: float below 1, share of the expand layer's filters that have size 3 (section 5.3).
        bypass: `none`; `simple`, which adds a module's input to its output where both have the same channels; or `complex`, where the
            other modules' inputs pass a convolution of size 1 (section 6).
        stem_filters: int. Version 1.1: 64.
        stem_kernel: int or one per axis. Version 1.1: 3.
        padding: `valid`, where the stem's convolution has none and poolings keep incomplete last windows, as published; or `same`, for
            maps of ceil(size / stride) positions.
        {shared}

    >>> from kzoo import build_squeezenet
    >>> build_squeezenet(input_shape=(224, 224, 3), num_classes=1000).count_params()
    1248424
    """
    rank = stages.rank_of(input_shape)
    check_choice("bypass", bypass, get_args(Bypass))
    check_choice("padding", padding, get_args(Padding))
    style = Style(rank, "same", activation, normalization, epsilon=1e-5, momentum=0.9)
    depth = stages.count("blocks", blocks)
    fires = _fires(filters, sum(blocks), squeeze_ratio, spatial_ratio)
    stages.check_positive("stem_filters", stem_filters)
    check_groups("stem_filters", [stem_filters], style)
    check_groups("filters", [width for fire in fires for width in fire], style)
    _check_bypass(bypass, [stem_filters, *(one + three for _, one, three in fires)])
    head = Head(num_classes, pooling, classifier_activation, (), dropout, convolutional=True)
    stem = Place("stem_conv", stages.axes("stem_kernel", stem_kernel, rank), 2, padding)
    pools = ["stem_pool", *(f"stage{stage}_pool" for stage in range(1, depth))]
    places = [stem, *(Place(pool, 3, 2, "ceil" if padding == "valid" else "same") for pool in pools)]
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)

    x = net.tap(net.conv_at(net.image, stem_filters, "stem_conv"), "stem")
    x = net.pool_at(x, "stem_pool")
    remaining = iter(fires)
    for stage, count in enumerate(blocks, start=1):
        for block in range(1, count + 1):
            x = _fire(x, next(remaining), bypass, style, f"stage{stage}_block{block}")
        net.tap(x, f"stage{stage}")
        x = net.pool_at(x, f"stage{stage}_pool") if stage < depth else x
    return net.model(x, head, features_only=features_only, name=name)


Fire = tuple[int, int, int]
"""Filters of a module: of its squeeze layer, and of the sizes 1 and 3 of its expand layer."""


def _fires(filters: int | Sequence[int], count: int, squeeze_ratio: float, spatial_ratio: float) -> list[Fire]:
    """The filters of every module.

    >>> _fires(128, 3, 0.125, 0.5)
    [(16, 64, 64), (16, 64, 64), (32, 128, 128)]
    """
    _check_ratio("squeeze_ratio", squeeze_ratio, squeeze_ratio <= 1, "a ratio above 0 of at most 1")
    _check_ratio("spatial_ratio", spatial_ratio, spatial_ratio < 1, "a share above 0 and below 1")
    widths = stages.per_stage("filters", filters, count, f"{count} fire modules")
    for width in widths:
        stages.check_positive("filters", width, least=2)
    if not isinstance(filters, Sequence):
        widths = tuple(filters * (1 + number // 2) for number in range(count))
    threes = [min(max(round(width * spatial_ratio), 1), width - 1) for width in widths]
    return [(max(round(width * squeeze_ratio), 1), width - three, three) for width, three in zip(widths, threes, strict=True)]


def _check_ratio(argument: str, value: float, fits: bool, expected: str) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or value <= 0 or not fits:
        raise ArgumentError(argument, f"expected {expected}. Received: {value!r}.")


def _check_bypass(bypass: Bypass, channels: Sequence[int]) -> None:
    """Some module must keep its channels; `channels` are those of the stem and of every module."""
    kept = any(before == after for before, after in pairwise(channels))
    if bypass == "simple" and not kept:
        raise ArgumentError(
            "bypass", f"expected none or complex, since no fire module keeps its channels ({list(channels)}). Received: simple."
        )


def _fire(x, fire: Fire, bypass: Bypass, style: Style, name: str):
    """Figure 1, with the bypass of figure 2."""
    squeeze, one, three = fire
    squeezed = b.conv(x, squeeze, 1, style, f"{name}_squeeze")
    expanded = [b.conv(squeezed, one, 1, style, f"{name}_expand1"), b.conv(squeezed, three, 3, style, f"{name}_expand3")]
    out = keras.layers.Concatenate(name=f"{name}_concat")(expanded)
    if bypass == "complex" and x.shape[-1] != one + three:
        x = b.conv(x, one + three, 1, style, f"{name}_bypass", act=False)
    if bypass == "none" or x.shape[-1] != one + three:
        return out
    return keras.layers.Add(name=f"{name}_add")([out, x])


_PAPER = "Iandola et al.: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5MB model size. arXiv:1602.07360"
_VERSION_1_1 = {"blocks": (2, 2, 4), "stem_filters": 64, "stem_kernel": 3}


def _preset(name: str, variant: str, twin: str, parameters: int, macs: int, field: int, **arguments) -> Preset:
    given = {"input_shape": (224, 224, 3), "num_classes": 1000, **arguments}
    return Preset(name, "squeezenet", _PAPER, 2016, variant, twin, parameters, parameters, macs, (field, field), given)


register(
    _preset("squeezenet_1_0", "table 1", "the paper; torchvision", 1_248_424, 818_924_576, 155),
    _preset("squeezenet_1_1", "the authors' version 1.1", "torchvision", 1_235_496, 349_151_936, 207, **_VERSION_1_1),
    _preset("squeezenet_1_0_bypass", "figure 2, simple bypass", "the paper's size, 4.8 MB", 1_248_424, 818_924_576, 155, bypass="simple"),
)
