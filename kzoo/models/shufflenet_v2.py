"""ShuffleNet v2 (Ma et al. 2018, "ShuffleNet V2: practical guidelines for efficient CNN architecture design", ECCV, arXiv:1807.11164).

A unit convolves one half of the channels and leaves the other as it is; shuffling lets the halves meet in the next one (figure 3c). A
unit with a stride convolves all channels twice, and so doubles them (figure 3d). Table 5 is the whole network; stages count from 2.

torchvision has the same network, and its padding, epsilon and momentum are taken here.
"""

from collections.abc import Sequence
from functools import partial

import keras

from ..errors import ArgumentError
from ..layers.channels import ChannelShuffle, ChannelSlice
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Style, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk


@classifier("shufflenet_v2")
def build_shufflenet_v2(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: int | Sequence[int] = (116, 232, 464),
    blocks: Sequence[int] = (4, 8, 4),
    stem_filters: int = 24,
    last_filters: int = 1024,
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "batch",
    pooling: Pooling | None = "avg",
    dropout: float = 0.0,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "shufflenet_v2",
) -> keras.Model:
    """Builds a ShuffleNet v2; the default is 1x of table 5.

    Args:
        filters: int for the first stage of units, doubled from stage to stage, or one per stage; even. 0.5x: 48, 96, 192; 1.5x: 176, 352,
            704; 2x: 244, 488, 976.
        blocks: units per stage; their number is that of the stages.
        stem_filters: int, of the first convolution.
        last_filters: int, of the convolution of size 1 after the last stage; 2048 in 2x.
        {shared}

    >>> from kzoo import build_shufflenet_v2
    >>> build_shufflenet_v2(input_shape=(32, 32, 1), num_classes=10, small_input=True, filters=16, blocks=[2, 2]).output_shape
    (None, 10)
    """
    rank, depth = stages.rank_of(input_shape), stages.count("blocks", blocks)
    style = Style(rank, "same", activation, normalization, epsilon=1e-5, momentum=0.9)
    widths = stages.doubling(filters, depth, f"blocks={list(blocks)}")
    for width in widths:
        if width % 2:
            raise ArgumentError("filters", f"expected even numbers, since units work on halves. Received: {width}.")
    for argument, value in (("stem_filters", stem_filters), ("last_filters", last_filters)):
        stages.check_positive(argument, value)
    check_groups("filters", [width // 2 for width in widths], style)
    check_groups("stem_filters", [stem_filters], style)
    check_groups("last_filters", [last_filters], style)
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    places = [Place("stem_conv", 3, 2), Place("stem_pool", 3, 2), *(Place(f"stage{stage}", 3, 2) for stage in range(2, depth + 2))]
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)

    x = net.tap(net.conv_at(net.image, stem_filters, "stem_conv"), "stem")
    x = net.tap(net.pool_at(x, "stem_pool"), "pooled")
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True), start=2):
        x = _strided_unit(net, x, width, f"stage{stage}")
        for block in range(2, count + 1):
            x = _unit(net, x, width, f"stage{stage}_block{block}")
        net.tap(x, f"stage{stage}")
    x = net.tap(net.conv(x, last_filters, 1, "last_conv"), "last")
    return net.model(x, head, features_only=features_only, name=name)


def _unit(net: Trunk, x, filters: int, name: str):
    """Figure 3c."""
    half = filters // 2
    kept = ChannelSlice(0, half, name=f"{name}_left")(x)
    x = ChannelSlice(half, name=f"{name}_right")(x)
    x = net.conv(x, half, 1, f"{name}_conv1")
    x = net.depthwise_conv(x, 3, f"{name}_depthwise", act=False)
    x = net.conv(x, half, 1, f"{name}_conv2")
    return _shuffled(kept, x, name)


def _strided_unit(net: Trunk, x, filters: int, stage: str):
    """Figure 3d."""
    name, half = f"{stage}_block1", filters // 2
    place = net.enter(stage)
    reduce = partial(net.depthwise_conv, kernel_size=place.kernel_size, strides=place.strides, padding=place.padding, act=False)
    left = reduce(x, name=f"{name}_left_depthwise")
    left = net.conv(left, half, 1, f"{name}_left_conv")
    x = net.conv(x, half, 1, f"{name}_conv1")
    x = reduce(x, name=f"{name}_depthwise")
    x = net.conv(x, half, 1, f"{name}_conv2")
    return _shuffled(left, x, name)


def _shuffled(left, right, name: str):
    x = keras.layers.Concatenate(name=f"{name}_concat")([left, right])
    return ChannelShuffle(2, name=f"{name}_shuffle")(x)


_PAPER = "Ma et al.: ShuffleNet V2: practical guidelines for efficient CNN architecture design. ECCV"


def _preset(name: str, size: str, trainable: int, total: int, macs: int, filters: int, last: int = 1024) -> Preset:
    given = {"input_shape": (224, 224, 3), "num_classes": 1000, "filters": filters, "last_filters": last}
    return Preset(name, "shufflenet_v2", _PAPER, 2018, f"table 5, {size}", "torchvision", trainable, total, macs, (527, 527), given)


register(
    _preset("shufflenet_v2_x0_5", "0.5x", 1_366_792, 1_374_744, 40_476_448, 48),
    _preset("shufflenet_v2_x1_0", "1x", 2_278_604, 2_294_784, 144_907_992, 116),
    _preset("shufflenet_v2_x1_5", "1.5x", 3_503_624, 3_527_064, 295_759_392, 176),
    _preset("shufflenet_v2_x2_0", "2x", 7_393_996, 7_427_712, 583_253_464, 244, 2048),
)
