"""AlexNet (Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks", NIPS).

Five convolutions, overlapping pooling after the first, second and fifth, three dense layers. Three networks bear the name: that of the
paper, whose convolutions 2, 4 and 5 each see the half of the maps that was on their GPU (two groups); the same in a single tower without
groups; and the narrower single tower of "One weird trick for parallelizing convolutional neural networks" (Krizhevsky 2014,
arXiv:1404.5997), torchvision's, without local response normalization. The paper says 224 pixels where its sizes need 227.
"""

from collections.abc import Sequence

import keras

from ..errors import ArgumentError
from ..layers import LocalResponseNormalization
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Alignment, Normalization, Size, Style, check_alignment, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk

STAGES = "the first convolution, the second, all others"


@classifier("alexnet")
def build_alexnet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: Sequence[int] = (96, 256, 384, 384, 256),
    groups: int | Sequence[int] = (1, 2, 1, 2, 2),
    kernel_size: Size | Sequence[Size] = (11, 5, 3),
    strides: Size | Sequence[Size] = (4, 1, 1),
    stem_padding: Alignment = "valid",
    pool_size: Size = 3,
    local_response_norm: bool = True,
    dense: Sequence[int] = (4096, 4096),
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "none",
    pooling: Pooling | None = "flatten",
    dropout: float = 0.5,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "alexnet",
) -> keras.Model:
    """Builds an AlexNet; the default is that of 2012.

    Args:
        filters: one per convolution, at least three; all from the third on make the third stage.
        groups: int or one per convolution: into how many parts its input and output channels are divided, each seeing only its own.
        kernel_size: int or one for each of the three stages, each an int or one per axis.
        strides: likewise, of the first convolution of each stage.
        stem_padding: of the first convolution: `valid`, `same`, `symmetric`, or positions added at both ends.
        pool_size: int or one per axis, the window of the poolings, whose stride is 2; the paper compares 3 and 2.
        local_response_norm: bool, whether the activations of the first two stages pass a `LocalResponseNormalization`.
        dense: widths of the hidden dense layers; empty for none.
        {shared}

    >>> from kzoo import build_alexnet
    >>> build_alexnet(input_shape=(227, 227, 3), num_classes=1000, dense=[]).output_shape
    (None, 1000)
    """
    rank = stages.rank_of(input_shape)
    style = Style(rank, "same", activation, normalization, epsilon=1e-5, momentum=0.9)
    parts = check_filters(filters, groups, input_shape, style)
    kernels = stages.sizes_per_stage("kernel_size", kernel_size, 3, rank, STAGES)
    steps = stages.sizes_per_stage("strides", strides, 3, rank, STAGES)
    window = stages.axes("pool_size", pool_size, rank)
    check_alignment("stem_padding", stem_padding)
    head = Head(num_classes, pooling, classifier_activation, dense, dropout)
    places = []
    for stage, (kernel, step) in enumerate(zip(kernels, steps, strict=True), start=1):
        places.append(Place(f"stage{stage}_conv1", kernel, step, stem_padding if stage == 1 else "symmetric"))
        places.append(Place(f"stage{stage}_pool", window, 2, "valid", least=2 if stage < 3 else 1))
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)

    x = net.image
    for stage, first, last in ((1, 0, 1), (2, 1, 2), (3, 2, len(filters))):
        x = net.conv_at(x, filters[first], f"stage{stage}_conv1", groups=parts[first])
        for number, (width, part) in enumerate(zip(filters[first + 1 : last], parts[first + 1 : last], strict=True), start=2):
            x = net.conv(x, width, kernels[2], f"stage{stage}_conv{number}", groups=part)
        if local_response_norm and stage < 3:
            x = LocalResponseNormalization(name=f"stage{stage}_lrn")(x)
        net.tap(x, f"stage{stage}")
        x = net.tap(net.pool_at(x, f"stage{stage}_pool"), f"stage{stage}_pooled")
    net.tap(x, "pooled")
    return net.model(x, head, features_only=features_only, name=name)


def check_filters(filters: Sequence[int], groups: int | Sequence[int], input_shape: Sequence[int | None], style: Style) -> tuple[int, ...]:
    """The groups of every convolution."""
    depth = stages.count("filters", filters)
    if depth < 3:
        raise ArgumentError("filters", f"expected at least three, since there are three stages. Received: {list(filters)}.")
    check_groups("filters", filters, style)
    parts = stages.per_stage("groups", groups, depth, f"filters={list(filters)}")
    for number, (given, made, part) in enumerate(zip((input_shape[-1], *filters[:-1]), filters, parts, strict=True), start=1):
        stages.check_positive("groups", part)
        if (given or 0) % part or made % part:
            raise ArgumentError(
                "groups", f"expected a divisor of the channels of convolution {number}, {given} in and {made} out. Received: {part}."
            )
    return parts


_PAPER = "Krizhevsky, Sutskever and Hinton: ImageNet classification with deep convolutional neural networks. NIPS"
_TRICK = "Krizhevsky: One weird trick for parallelizing convolutional neural networks. arXiv:1404.5997"


def _preset(name: str, paper: str, year: int, variant: str, twin: str, parameters: int, macs: int, size: int, **arguments) -> Preset:
    given = {"input_shape": (size, size, 3), "num_classes": 1000, **arguments}
    return Preset(name, "alexnet", paper, year, variant, twin, parameters, parameters, macs, (195, 195), given)


_OWT = {"filters": (64, 192, 384, 256, 256), "groups": 1, "stem_padding": 2, "local_response_norm": False}

register(
    _preset(
        "alexnet",
        _PAPER,
        2012,
        "the network of figure 2: two groups in convolutions 2, 4 and 5, local response normalization",
        "the paper: 60 million parameters",
        60_965_224,
        724_406_816,
        227,
    ),
    _preset(
        "alexnet_single",
        _PAPER,
        2012,
        "a single tower of the same widths, without groups",
        "imgclsmob's alexnet, in its parameters",
        62_378_344,
        1_135_256_096,
        227,
        groups=1,
    ),
    _preset(
        "alexnet_owt",
        _TRICK,
        2014,
        "the single tower 64-192-384-256-256 without local response normalization, at 224 pixels padded by 2",
        "torchvision",
        61_100_840,
        714_188_480,
        224,
        **_OWT,
    ),
)
