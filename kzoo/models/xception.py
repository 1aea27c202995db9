"""Xception (Chollet 2017, "Xception: Deep learning with depthwise separable convolutions", CVPR, arXiv:1610.02357).

Figure 5: an entry flow, whose blocks reduce the resolution by max pooling, a middle flow of equal blocks, and an exit flow. Activations
stand before the separable convolutions but for the last two, norms behind them, and every block but the last has a shortcut. Stages are
numbered by resolution: stages 1 to 3 are the entry flow, stage 4 is the middle flow with the exit flow's first block, stage 5 the rest.
The paper compares it with a network without shortcuts (section 4.6) and with an activation between the depthwise and the pointwise half of
its convolutions (section 4.7).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Padding, Size, Style, activate, check_activation, check_groups, ranked
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk


@classifier("xception")
def build_xception(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    stem_filters: Sequence[int] = (32, 64),
    filters: Sequence[int] = (128, 256, 728),
    middle_blocks: int = 8,
    exit_filters: Sequence[int] = (1024, 1536, 2048),
    kernel_size: Size = 3,
    residual: bool = True,
    intermediate_activation: Activation | None = None,
    padding: Padding = "valid",
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "batch",
    pooling: Pooling | None = "avg",
    dropout: float = 0.5,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "xception",
) -> keras.Model:
    """Builds an Xception; the default is the paper's figure 5.

    For volumes, for which Keras has no separable convolution, the depthwise and the pointwise convolutions are layers of their own.

    Args:
        stem_filters: of the two plain convolutions.
        filters: of the entry flow's blocks, one per stage; the last is the middle flow's, too.
        middle_blocks: int, blocks of three separable convolutions.
        exit_filters: of the last convolution of the exit flow's first block, and of the two convolutions behind it.
        kernel_size: int or one per axis, of the separable convolutions.
        residual: bool, whether blocks have shortcuts (section 4.6).
        intermediate_activation: an activation between the depthwise and the pointwise convolutions, which are layers of their own then
            (section 4.7); None for none, as published.
        padding: `valid`, where the two plain convolutions have none, as published; or `same`, for maps of ceil(size / stride) positions.
        {shared}

    >>> from kzoo import build_xception
    >>> build_xception(input_shape=(299, 299, 3), num_classes=1000).count_params()
    22910480
    """
    rank = stages.rank_of(input_shape)
    check_choice("padding", padding, get_args(Padding))
    style = Style(rank, "same", activation, normalization)
    depth = _check_filters(stem_filters, filters, exit_filters, style)
    stages.check_positive("middle_blocks", middle_blocks)
    if intermediate_activation is not None:
        check_activation("intermediate_activation", intermediate_activation)
    plan = Plan(style, stages.axes("kernel_size", kernel_size, rank), residual, intermediate_activation)
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    stem = [Place("stem_conv1", 3, 2, padding), Place("stem_conv2", 3, 1, padding)]
    places = [*stem, *(Place(f"stage{stage}_pool", 3, 2, "same") for stage in range(1, depth + 2))]
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)

    x = net.conv_at(net.image, stem_filters[0], "stem_conv1")
    x = net.conv_at(x, stem_filters[1], "stem_conv2")
    for stage, width in enumerate(filters, start=1):
        x = _reducing_block(net, x, (width, width), stage, 1, plan)
    for number in range(1, middle_blocks + 1):
        x = _middle_block(x, f"stage{depth + 1}_block{number}", plan)
    x = _reducing_block(net, x, (filters[-1], exit_filters[0]), depth + 1, middle_blocks + 1, plan)
    for number, width in enumerate(exit_filters[1:], start=1):
        x = _separable_conv(x, width, f"stage{depth + 2}_conv{number}", plan, act="after")
    net.tap(x, f"stage{depth + 2}")
    return net.model(x, head, features_only=features_only, name=name)


@dataclass(frozen=True)
class Plan:
    """What all blocks share."""

    style: Style
    kernel_size: tuple[int, ...]
    residual: bool
    intermediate: Activation | None


def _reducing_block(net: Trunk, x, widths: Sequence[int], stage: int, number: int, plan: Plan):
    """Two separable convolutions and a pooling, beside a strided projection; the network's first block sees an activated map."""
    name = f"stage{stage}_block{number}"
    y = _separable_conv(x, widths[0], f"{name}_conv1", plan, act="none" if stage == 1 else "before")
    y = net.tap(_separable_conv(y, widths[1], f"{name}_conv2", plan), f"stage{stage}")
    place = net.enter(f"stage{stage}_pool")
    reduced = max(place.strides) > 1  # type: ignore[arg-type]
    if reduced:
        y = net.pool(y, place.kernel_size, place.strides, place.padding, place.name)
    if not plan.residual:
        return y
    if reduced and not net.strided:
        x = net.reduce(x, place.strides, f"{name}_shortcut")
    x = b.conv(x, widths[1], 1, plan.style, f"{name}_shortcut", strides=place.strides if net.strided else 1, act=False)
    return keras.layers.Add(name=f"{name}_out")([y, x])


def _middle_block(x, name: str, plan: Plan):
    y = x
    for number in (1, 2, 3):
        y = _separable_conv(y, x.shape[-1], f"{name}_conv{number}", plan)
    return keras.layers.Add(name=f"{name}_out")([y, x]) if plan.residual else y


def _separable_conv(x, filters: int, name: str, plan: Plan, act: Literal["before", "after", "none"] = "before"):
    """A separable convolution with its norm, and with an activation before or after both."""
    if act == "before":
        x = activate(x, plan.style.activation, f"{name}_act")
    if plan.intermediate is None and plan.style.rank < 3:
        return b.conv(x, filters, plan.kernel_size, replace(plan.style, convolution="separable"), name, act=act == "after")
    x = _depthwise(x, f"{name}_depthwise", plan)
    x = x if plan.intermediate is None else activate(x, plan.intermediate, f"{name}_depthwise_act")
    return b.conv(x, filters, 1, plan.style, name, act=act == "after")


def _depthwise(x, name: str, plan: Plan):
    """The depthwise half, without bias or norm."""
    if plan.style.rank == 3:
        return b.linear_conv(x, x.shape[-1], plan.kernel_size, plan.style, name, use_bias=False, groups=x.shape[-1])
    layer = ranked("DepthwiseConv{}D", plan.style.rank)
    options = b.depthwise_options(plan.style, x.shape[-1])
    return layer(plan.kernel_size, padding="same", use_bias=False, name=name, **options)(x)


def _check_filters(stem: Sequence[int], entry: Sequence[int], exits: Sequence[int], style: Style) -> int:
    """The number of the entry flow's stages."""
    for argument, widths, expected in (("stem_filters", stem, 2), ("filters", entry, None), ("exit_filters", exits, 3)):
        found = stages.count(argument, widths)
        if expected not in (None, found):
            raise ArgumentError(argument, f"expected {expected} widths. Received: {found} values, {list(widths)}.")
        check_groups(argument, widths, style)
    return len(entry)


def keras_name(name: str) -> str:
    """What keras.applications calls a layer; its shortcuts have automatic names, here as in a fresh session (see `weights.named_layers`).

    >>> keras_name("stage4_block9_conv2_norm"), keras_name("stage2_block1_shortcut")
    ('block13_sepconv2_bn', 'conv2d_1')
    """
    layer, norm = name.removesuffix("_norm"), name.endswith("_norm")
    end = "_bn" if norm else ""
    if found := re.fullmatch(r"stage(\d)_block(\d)_shortcut", layer):
        number, kind = int(found[1]) - 1, "batch_normalization" if norm else "conv2d"
        return f"{kind}_{number}" if number else kind
    if found := re.fullmatch(r"stage(\d)_block(\d)_conv(\d)", layer):
        stage, block, conv = map(int, found.groups())
        return f"block{stage + block}_sepconv{conv}{end}"
    known = {"stem_conv1": "block1_conv1", "stem_conv2": "block1_conv2", "head": "predictions"}
    known |= {"stage5_conv1": "block14_sepconv1", "stage5_conv2": "block14_sepconv2"}
    return f"{known.get(layer, layer)}{end}"


register(
    Preset(
        "xception",
        "xception",
        "Chollet: Xception: Deep learning with depthwise separable convolutions. CVPR",
        2017,
        "figure 5",
        "the paper; keras.applications",
        22_855_952,
        22_910_480,
        8_357_403_496,
        (1083, 1083),
        {"input_shape": (299, 299, 3), "num_classes": 1000},
        "Xception",
        keras_name,
    )
)
