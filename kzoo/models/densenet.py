"""DenseNet (Huang et al. 2017, "Densely connected convolutional networks", CVPR, arXiv:1608.06993).

In a dense block every layer reads the maps of all layers before it and adds `growth` maps of its own; norm and activation come first.
Transitions between the blocks compress the channels and halve the resolution by averaging. With bottlenecks and compression the paper
calls it DenseNet-BC: table 1 for ImageNet, table 2 for CIFAR, where the plain network has neither.

The ImageNet networks equal keras.applications' also in the epsilon of their norms, 1.001e-5 (torchvision: 1e-5), and in momentum.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Style, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk

Stem = Literal["7x7", "3x3"]


@classifier("densenet")
def build_densenet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    growth: int | Sequence[int] = 32,
    blocks: Sequence[int] = (6, 12, 24, 16),
    bottleneck: int = 4,
    compression: float = 0.5,
    stem: Stem = "7x7",
    stem_filters: int | None = None,
    block_dropout: float = 0.0,
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "batch",
    pooling: Pooling | None = "avg",
    dropout: float = 0.0,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "densenet",
) -> keras.Model:
    """Builds a DenseNet; the default is DenseNet-121.

    Args:
        growth: int or one per stage, the maps that every layer adds (k in the paper).
        blocks: layers per dense block; their number is that of the stages. DenseNet-121, 169, 201: 6-12-24-16, 6-12-32-32, 6-12-48-32;
            CIFAR DenseNet-40: 12-12-12; DenseNet-BC-100: 16-16-16.
        bottleneck: int, width of the convolution of size 1 before each of size 3, in multiples of `growth`; 0 for none.
        compression: float above 0 and up to 1, the share of the channels that a transition keeps (theta in the paper).
        stem: `7x7` (stride 2, then max pooling 3 with stride 2) or `3x3` (stride 1, for small images).
        stem_filters: int; twice the growth unless given. The paper's plain CIFAR networks have 16.
        block_dropout: float, rate after every convolution but the stem (0.2 in the paper, on data without augmentation).
        {shared}

    >>> from kzoo import build_densenet
    >>> cifar = {"input_shape": (32, 32, 3), "num_classes": 10, "stem": "3x3", "growth": 12}
    >>> build_densenet(**cifar, blocks=[12, 12, 12], bottleneck=0, compression=1, stem_filters=16).count_params()
    1037818
    """
    rank, depth = stages.rank_of(input_shape), stages.count("blocks", blocks)
    style = Style(rank, "same", activation, normalization, order="norm-act-conv", epsilon=1.001e-5)
    rates = stages.per_stage("growth", growth, depth, f"blocks={list(blocks)}")
    for rate in rates:
        stages.check_positive("growth", rate)
    check_groups("growth", rates, style)
    first = 2 * rates[0] if stem_filters is None else stem_filters
    stages.check_positive("stem_filters", first)
    check_groups("stem_filters", [first], style)
    check_choice("stem", stem, get_args(Stem))
    layer = Layer(bottleneck, block_dropout)
    _check_compression(compression)
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    net = Trunk(input_shape, style, _places(stem, depth), downsampling, small_input, weights)

    x = _stem(net, first, stem)
    for stage, (rate, count) in enumerate(zip(rates, blocks, strict=True), start=1):
        for number in range(1, count + 1):
            x = layer(net, x, rate, f"stage{stage}_block{number}")
        if stage < depth:
            net.tap(x, f"stage{stage}")
            x = _transition(net, x, compression, layer.dropout, f"transition{stage}")
    x = b.normalize_and_activate(x, style, "last")
    net.tap(x, f"stage{depth}")
    return net.model(x, head, features_only=features_only, name=name)


@dataclass(frozen=True)
class Layer:
    """One layer of a dense block; checked when it is made.

    Attributes:
        bottleneck, dropout: arguments of the builder.
    """

    bottleneck: int
    dropout: float

    def __post_init__(self):
        stages.check_positive("bottleneck", self.bottleneck, least=0)
        stages.check_rate("block_dropout", self.dropout)

    def __call__(self, net: Trunk, x, growth: int, name: str):
        """All maps so far, and `growth` new ones."""
        new = x
        if self.bottleneck:
            new = b.dropout(net.conv(new, self.bottleneck * growth, 1, f"{name}_conv1"), self.dropout, f"{name}_conv1")
        new = b.dropout(net.conv(new, growth, 3, f"{name}_conv2"), self.dropout, f"{name}_conv2")
        return keras.layers.Concatenate(name=f"{name}_concat")([x, new])


def _check_compression(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ArgumentError("compression", f"expected a share above 0 and up to 1. Received: {value!r}.")


def _places(stem: Stem, depth: int) -> list[Place]:
    large = [Place("stem_conv", 7, 2), Place("stem_pool", 3, 2)] if stem == "7x7" else []
    return [*large, *(Place(f"transition{stage}_pool", 2, 2, "valid") for stage in range(1, depth))]


def _stem(net: Trunk, filters: int, stem: Stem):
    """The small stem leaves norm and activation to the first layer."""
    if stem == "3x3":
        return net.conv(net.image, filters, 3, "stem_conv", bare=True)
    x = b.normalize_and_activate(net.conv_at(net.image, filters, "stem_conv", bare=True), net.style, "stem_conv")
    net.tap(x, "stem")
    return net.pool_at(x, "stem_pool")


def _transition(net: Trunk, x, compression: float, dropout: float, name: str):
    filters = max(int(x.shape[-1] * compression), 1)
    check_groups("compression", [filters], net.style)
    x = b.dropout(net.conv(x, filters, 1, f"{name}_conv"), dropout, f"{name}_conv")
    return net.pool_at(x, f"{name}_pool", "avg_pool")


def keras_name(name: str) -> str:
    """What keras.applications calls a layer."""
    whole = {"stem_conv": "conv1_conv", "stem_conv_norm": "conv1_bn", "last_norm": "bn", "head": "predictions"}
    if name in whole:
        return whole[name]
    kind = "bn" if name.endswith("_norm") else "conv"
    place, number, conv = re.match(r"(stage|transition)(\d+)(?:_block\d+)?_conv(\d?)", name).groups()  # type: ignore[union-attr]
    if place == "transition":
        return f"pool{int(number) + 1}_{kind}"
    block = name.split("_")[1]
    return f"conv{int(number) + 1}_{block}_{int(conv) - (kind == 'bn')}_{kind}"


_PAPER = "Huang et al.: Densely connected convolutional networks. CVPR"


def _preset(name: str, variant: str, twin: str, trainable: int, total: int, macs: int, field: int, **arguments) -> Preset:
    application = {"densenet121": "DenseNet121", "densenet169": "DenseNet169", "densenet201": "DenseNet201"}.get(name)
    renamed = keras_name if application else None
    return Preset(name, "densenet", _PAPER, 2017, variant, twin, trainable, total, macs, (field, field), arguments, application, renamed)


_IMAGENET: dict[str, Any] = {"input_shape": (224, 224, 3), "num_classes": 1000}
_CIFAR: dict[str, Any] = {"input_shape": (32, 32, 3), "num_classes": 10, "stem": "3x3", "growth": 12}
_PLAIN: dict[str, Any] = {**_CIFAR, "bottleneck": 0, "compression": 1.0, "stem_filters": 16, "blocks": (12, 12, 12)}
_BC: dict[str, Any] = {**_CIFAR, "blocks": (16, 16, 16)}
_161: dict[str, Any] = {**_IMAGENET, "blocks": (6, 12, 36, 24), "growth": 48}
_BOTH = "keras.applications; torchvision"
_ITSELF = "the paper, 1.0 M and 0.8 M"

register(
    _preset("densenet121", "table 1, k = 32", _BOTH, 7_978_856, 8_062_504, 2_834_161_664, 2071, **_IMAGENET, blocks=(6, 12, 24, 16)),
    _preset("densenet161", "table 1, k = 48", "torchvision", 28_681_000, 28_900_936, 7_727_907_072, 2967, **_161),
    _preset("densenet169", "table 1, k = 32", _BOTH, 14_149_480, 14_307_880, 3_359_843_328, 3351, **_IMAGENET, blocks=(6, 12, 32, 32)),
    _preset("densenet201", "table 1, k = 32", _BOTH, 20_013_928, 20_242_984, 4_291_365_888, 3863, **_IMAGENET, blocks=(6, 12, 48, 32)),
    _preset("densenet40_cifar", "table 2, L = 40, k = 12", _ITSELF, 1_019_722, 1_037_818, 264_812_928, 174, **_PLAIN),
    _preset("densenet100_bc_cifar", "table 2, BC, L = 100, k = 12", _ITSELF, 769_162, 793_150, 287_929_692, 230, **_BC),
)
