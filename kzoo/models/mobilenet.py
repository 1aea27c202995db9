"""MobileNet (Howard et al. 2017, "MobileNets: efficient convolutional neural networks for mobile vision applications", arXiv:1704.04861).

A convolution, then blocks of a depthwise convolution of size 3 and a pointwise one, each with norm and activation: table 1. The width
multiplier scales all channels (section 3.3); the resolution multiplier (section 3.4) is `input_shape`.

The authors' TensorFlow code has "same" padding, ReLU6 and a keep rate of 0.999 before the classifier, and so has this network. It equals
keras.applications' at even sizes, whose padding by one row at the far end is "same" there; maps of odd size come out one position
smaller in keras.applications, (n - 1) / 2 instead of (n + 1) / 2.
"""

import re
from collections.abc import Sequence

import keras

from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Size, Style, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk


@classifier("mobilenet")
def build_mobilenet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    width: float = 1.0,
    filters: Sequence[int] = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024),
    strides: Size | Sequence[Size] = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1),
    stem_filters: int = 32,
    downsampling: Downsampling | None = None,
    activation: Activation = "relu6",
    normalization: Normalization = "batch",
    pooling: Pooling | None = "avg",
    dropout: float = 0.001,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "mobilenet",
) -> keras.Model:
    """Builds a MobileNet; the default is that of table 1.

    Args:
        width: float, the width multiplier (alpha in the paper): scales all filters.
        filters: of the pointwise convolution of every block; their number is that of the blocks.
        strides: int or one per block, each an int or one per axis: of the depthwise convolution. The stem has 2.
        stem_filters: int, of the first convolution.
        {shared}

    >>> from kzoo import build_mobilenet
    >>> build_mobilenet(input_shape=(224, 224, 3), num_classes=1000, width=0.5).count_params()
    1342536
    """
    rank, depth = stages.rank_of(input_shape), stages.count("filters", filters)
    style = Style(rank, "same", activation, normalization)
    steps = stages.sizes_per_stage("strides", strides, depth, rank, f"filters={list(filters)}")
    stages.check_positive("stem_filters", stem_filters)
    stages.check_width(width)
    stem, *widths = (max(int(count * width), 1) for count in (stem_filters, *filters))
    check_groups("filters", [stem, *widths], style)
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    places = [Place(f"block{number}", 3, step, "same") for number, step in enumerate(steps, start=1) if max(step) > 1]
    net = Trunk(input_shape, style, [Place("stem_conv", 3, 2, "same"), *places], downsampling, small_input, weights)

    x = net.tap(net.conv_at(net.image, stem, "stem_conv"), "stem")
    for number, (filters_, step) in enumerate(zip(widths, steps, strict=True), start=1):
        x = _block(net, x, filters_, f"block{number}", strided=max(step) > 1)
        net.tap(x, f"block{number}")
    return net.model(x, head, features_only=features_only, name=name)


def _block(net: Trunk, x, filters: int, name: str, *, strided: bool):
    """A depthwise separable convolution, figure 3."""
    strides = net.enter(name).strides if strided else 1
    x = net.depthwise_conv(x, 3, f"{name}_depthwise", strides=strides)
    return net.conv(x, filters, 1, f"{name}_pointwise")


def keras_name(name: str) -> str:
    """What keras.applications calls a layer."""
    whole = {"stem_conv": "conv1", "stem_conv_norm": "conv1_bn", "head": "conv_preds"}
    if name in whole:
        return whole[name]
    number, kind, norm = re.fullmatch(r"block(\d+)_(depth|point)wise(_norm)?", name).groups()  # type: ignore[union-attr]
    return f"conv_{'dw' if kind == 'depth' else 'pw'}_{number}{'_bn' if norm else ''}"


_PAPER = "Howard et al.: MobileNets: efficient convolutional neural networks for mobile vision applications. arXiv"


def _preset(name: str, width: float, trainable: int, total: int, macs: int) -> Preset:
    given = {"input_shape": (224, 224, 3), "num_classes": 1000, "width": width}
    application, renamed = ("MobileNet", keras_name) if width == 1 else (None, None)
    twin = "keras.applications"
    return Preset(name, "mobilenet", _PAPER, 2017, f"width {width}", twin, trainable, total, macs, (315, 315), given, application, renamed)


register(
    _preset("mobilenet", 1.0, 4_231_976, 4_253_864, 568_740_352),
    _preset("mobilenet_075", 0.75, 2_585_560, 2_601_976, 325_400_448),
    _preset("mobilenet_050", 0.5, 1_331_592, 1_342_536, 149_497_088),
    _preset("mobilenet_025", 0.25, 470_072, 475_544, 41_030_272),
)
