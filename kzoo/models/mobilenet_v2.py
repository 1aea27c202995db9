"""MobileNet v2 (Sandler et al. 2018, "MobileNetV2: inverted residuals and linear bottlenecks", CVPR, arXiv:1801.04381).

Blocks that expand a narrow map, convolve every channel of the wide one, and project it back without an activation; the narrow maps
carry the residuals. Table 2 is the whole network, figure 4 the blocks. Filters are rounded to multiples of 8; those of the blocks are cut
to integers first, as in keras.applications.

Equal to keras.applications' at every size: what it pads before a strided convolution is "same" padding at even and at odd sizes. Its
norms have momentum 0.999. torchvision's has the same parameters and pads both ends.
"""

import re
from collections.abc import Sequence

import keras

from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Size, Style
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk


@classifier("mobilenet_v2")
def build_mobilenet_v2(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    width: float = 1.0,
    filters: Sequence[int] = (16, 24, 32, 64, 96, 160, 320),
    blocks: int | Sequence[int] = (1, 2, 3, 4, 3, 3, 1),
    strides: Size | Sequence[Size] = (1, 2, 2, 2, 1, 2, 1),
    expansion: int | Sequence[int] = (1, 6, 6, 6, 6, 6, 6),
    stem_filters: int = 32,
    last_filters: int = 1280,
    downsampling: Downsampling | None = None,
    activation: Activation = "relu6",
    normalization: Normalization = "batch",
    pooling: Pooling | None = "avg",
    dropout: float = 0.0,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "mobilenet_v2",
) -> keras.Model:
    """Builds a MobileNet v2; the default is that of table 2.

    Args:
        width: float, the width multiplier: scales all filters, but the last convolution's only upwards.
        filters: per stage, the channels of its narrow maps (c in the table); their number is that of the stages.
        blocks: int or one per stage (n in the table).
        strides: int or one per stage, each an int or one per axis: of the stage's first block (s in the table). The stem has 2.
        expansion: int or one per stage, the width inside a block in multiples of its input's (t in the table); 1 for no expansion.
        stem_filters: int, of the first convolution.
        last_filters: int, of the convolution of size 1 after the last stage.
        {shared}

    >>> from kzoo import build_mobilenet_v2
    >>> build_mobilenet_v2(input_shape=(224, 224, 3), num_classes=1000).count_params()
    3538984
    """
    rank, depth = stages.rank_of(input_shape), stages.count("filters", filters)
    of = f"filters={list(filters)}"
    style = Style(rank, "same", activation, normalization, momentum=0.999)
    counts, expansions = (stages.per_stage(n, value, depth, of) for n, value in (("blocks", blocks), ("expansion", expansion)))
    steps = stages.sizes_per_stage("strides", strides, depth, rank, of)
    named = [("blocks", counts), ("expansion", expansions), ("stem_filters", [stem_filters]), ("last_filters", [last_filters])]
    for argument, values in named:
        for value in values:
            stages.check_positive(argument, value)
    stages.check_width(width)
    stem, widths = by_eight(stem_filters * width), [by_eight(int(count * width)) for count in filters]
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    places = [Place(f"stage{stage}", 3, step, "same") for stage, step in enumerate(steps, start=1) if max(step) > 1]
    net = Trunk(input_shape, style, [Place("stem_conv", 3, 2, "same"), *places], downsampling, small_input, weights)

    x = net.tap(net.conv_at(net.image, stem, "stem_conv"), "stem")
    for stage, (filters_, count, step, factor) in enumerate(zip(widths, counts, steps, expansions, strict=True), start=1):
        for block in range(1, count + 1):
            place = f"stage{stage}" if block == 1 and max(step) > 1 else None
            x = _block(net, x, filters_, factor, f"stage{stage}_block{block}", place)
        net.tap(x, f"stage{stage}")
    x = net.tap(net.conv(x, by_eight(last_filters * max(width, 1.0)), 1, "last_conv"), "last")
    return net.model(x, head, features_only=features_only, name=name)


def by_eight(filters: float) -> int:
    """The nearest multiple of 8, but none that is more than a tenth below: the rounding of the authors' code.

    >>> by_eight(24 * 0.35), by_eight(12), by_eight(11)
    (8, 16, 16)
    """
    near = max(8, int(filters + 4) // 8 * 8)
    return near if near >= 0.9 * filters else near + 8


def _block(net: Trunk, x, filters: int, expansion: int, name: str, place: str | None):
    """An inverted residual; the strided one, which is a place, has no shortcut."""
    wide = net.conv(x, expansion * x.shape[-1], 1, f"{name}_expand") if expansion > 1 else x
    strides = net.enter(place).strides if place else 1
    wide = net.depthwise_conv(wide, 3, f"{name}_depthwise", strides=strides)
    narrow = b.conv(wide, filters, 1, net.style, f"{name}_project", act=False)
    if place or x.shape[-1] != filters:
        return narrow
    return keras.layers.Add(name=f"{name}_add")([x, narrow])


_BLOCKS = (1, 2, 3, 4, 3, 3, 1)


def keras_name(name: str) -> str:
    """What keras.applications calls a layer; it counts the blocks of all stages from 0."""
    whole = {
        "stem_conv": "Conv1",
        "stem_conv_norm": "bn_Conv1",
        "last_conv": "Conv_1",
        "last_conv_norm": "Conv_1_bn",
        "head": "predictions",
    }
    if name in whole:
        return whole[name]
    stage, block, layer = re.fullmatch(r"stage(\d+)_block(\d+)_(.+)", name).groups()  # type: ignore[union-attr]
    number = sum(_BLOCKS[: int(stage) - 1]) + int(block) - 1
    return f"{f'block_{number}' if number else 'expanded_conv'}_{layer.replace('norm', 'BN')}"


_PAPER = "Sandler et al.: MobileNetV2: inverted residuals and linear bottlenecks. CVPR"


def _preset(name: str, width: float, twin: str, trainable: int, total: int, macs: int) -> Preset:
    given = {"input_shape": (224, 224, 3), "num_classes": 1000, "width": width}
    application, renamed = ("MobileNetV2", keras_name) if width == 1 else (None, None)
    variant = f"width {width}"
    return Preset(name, "mobilenet_v2", _PAPER, 2018, variant, twin, trainable, total, macs, (491, 491), given, application, renamed)


register(
    _preset("mobilenet_v2", 1.0, "keras.applications; torchvision", 3_504_872, 3_538_984, 300_774_272),
    _preset("mobilenet_v2_140", 1.4, "keras.applications", 6_108_776, 6_156_712, 582_195_824),
    _preset("mobilenet_v2_050", 0.5, "keras.applications", 1_968_680, 1_987_224, 97_131_840),
)
