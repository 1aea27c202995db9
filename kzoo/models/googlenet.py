"""GoogLeNet, or Inception v1 (Szegedy et al. 2015, "Going deeper with convolutions", CVPR, arXiv:1409.4842).

A stem, then inception modules: four branches see the map at different sizes and are joined, convolutions of size 1 keeping them narrow
(figure 2b). Stages are numbered as in the paper's table 1: stage 3 holds the modules (3a) and (3b). The network of 2014 has biases, local
response normalization in its stem, and no batch norm. torchvision's has batch norm instead, and two deviations that its weights preserve:
the branch of size 5 has size 3, and the last max pooling has a window of 2; its receptive field is 379 pixels against 715.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import keras

from ..errors import ArgumentError
from ..layers import LocalResponseNormalization
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Size, Style, activate, check_groups, ranked
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling, check_auxiliary_heads
from .places import Place
from .presets import Preset, register
from .trunk import Trunk

TABLE = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""Table 1, modules (3a) to (5b): #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj."""

AUXILIARY_WEIGHT = 0.3
"""Of an auxiliary classifier's loss (section 5)."""


@classifier("googlenet")
def build_googlenet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    modules: Sequence[Sequence[Sequence[int]]] = TABLE,
    stem_filters: Sequence[int] = (64, 64, 192),
    width: float = 1.0,
    branch_kernel: Size = 5,
    pool_kernel: Size | Sequence[Size] = 3,
    local_response_norm: bool = True,
    auxiliary_heads: bool = False,
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "none",
    pooling: Pooling | None = "avg",
    dropout: float = 0.4,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "googlenet",
) -> keras.Model:
    """Builds a GoogLeNet; the default is the network of 2014, the paper's table 1.

    Args:
        modules: per stage, per inception module, six widths in the order of the paper's table 1: of size 1; of size 3, before and after
            its reduction; of size 5, likewise; of the pooled branch.
        stem_filters: of the stem's three convolutions, sizes 7, 1 and 3.
        width: float, multiplies all filters.
        branch_kernel: int or one per axis, the size of the branch that the paper calls 5 x 5; torchvision's: 3.
        pool_kernel: int or one per pooling between stages, each an int or one per axis; torchvision's: 3-3-3-2.
        local_response_norm: bool, whether the stem normalizes local responses as in AlexNet, which the paper's figure 3 has.
        auxiliary_heads: bool, whether stage 4 has two more classifiers, behind its first module and behind its last but one (section 5).
            The model is then a `DeeplySupervised` with three outputs, the main one first, whose losses weigh 1, 0.3 and 0.3; it is compiled
            with one loss and fitted like any other. `kzoo.models.main_output` drops them.
        {shared}

    >>> from kzoo import build_googlenet
    >>> build_googlenet(input_shape=(224, 224, 3), num_classes=1000).count_params()
    6998552
    """
    rank = stages.rank_of(input_shape)
    style = Style(rank, "same", activation, normalization, epsilon=1e-3, momentum=0.9)
    table, stem = _scaled(modules, stem_filters, width)
    check_groups("modules", [filters for module in chain(*table) for filters in module], style)
    check_groups("stem_filters", stem, style)
    kernel = stages.axes("branch_kernel", branch_kernel, rank)
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    check_auxiliary_heads(auxiliary_heads, head, features_only)
    _check_stage_4(auxiliary_heads, table)
    last = len(table) + 2
    pools = ["stem_pool", *(f"stage{stage}_pool" for stage in range(2, last))]
    windows = stages.sizes_per_stage("pool_kernel", pool_kernel, len(pools), rank, f"{len(table)} stages of modules")
    places = [Place("stem_conv", 7, 2), *(Place(pool, window, 2, "same") for pool, window in zip(pools, windows, strict=True))]
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)

    x = _stem(net, stem, local_response_norm)
    others: list[tuple[Any, float]] = []
    for stage, rows in enumerate(table, start=3):
        x = net.pool_at(x, f"stage{stage - 1}_pool")
        for block, row in enumerate(rows, start=1):
            x = _inception(net, x, row, kernel, f"stage{stage}_block{block}")
            if auxiliary_heads and stage == 4 and block in (1, len(rows) - 1):
                others.append((_auxiliary(x, head, style, width, f"auxiliary{len(others) + 1}"), AUXILIARY_WEIGHT))
        net.tap(x, f"stage{stage}")
    return net.model(x, head, features_only=features_only, name=name, others=others)


def _stem(net: Trunk, filters: Sequence[int], local_response_norm: bool):
    """Stages 1 and 2 of table 1, with the norms of figure 3."""
    one, two, three = filters
    x = net.tap(net.conv_at(net.image, one, "stem_conv"), "stem")
    x = net.pool_at(x, "stem_pool")
    x = LocalResponseNormalization(name="stem_lrn")(x) if local_response_norm else x
    x = net.conv(x, two, 1, "stage2_reduce")
    x = net.conv(x, three, 3, "stage2_conv")
    x = LocalResponseNormalization(name="stage2_lrn")(x) if local_response_norm else x
    return net.tap(x, "stage2")


def _inception(net: Trunk, x, filters: Sequence[int], kernel: Size, name: str):
    """Figure 2b."""
    one, reduce3, three, reduce5, five, projected = filters
    pooled = ranked("MaxPooling{}D", net.style.rank)(3, strides=1, padding="same", name=f"{name}_branch4_pool")(x)
    branches = [
        net.conv(x, one, 1, f"{name}_branch1_conv"),
        net.conv(net.conv(x, reduce3, 1, f"{name}_branch2_reduce"), three, 3, f"{name}_branch2_conv"),
        net.conv(net.conv(x, reduce5, 1, f"{name}_branch3_reduce"), five, kernel, f"{name}_branch3_conv"),
        net.conv(pooled, projected, 1, f"{name}_branch4_conv"),
    ]
    return keras.layers.Concatenate(name=f"{name}_concat")(branches)


def _auxiliary(x, head: Head, style: Style, width: float, name: str):
    """An auxiliary classifier as in section 5: averages over windows of 5, or of all positions where there are fewer."""
    if None in x.shape[1:]:
        raise ArgumentError("input_shape", f"expected fixed sizes for auxiliary_heads=True. Received: None before {name}. Give the sizes.")
    windows = tuple(min(5, size) for size in x.shape[1:-1])
    x = ranked("AveragePooling{}D", style.rank)(windows, strides=3, name=f"{name}_pool")(x)
    x = keras.layers.Flatten(name=f"{name}_flatten")(b.conv(x, stages.times(128, width), 1, style, f"{name}_conv"))
    x = keras.layers.Dense(stages.times(1024, width), kernel_initializer=style.initializer, name=f"{name}_dense")(x)
    x = b.dropout(activate(x, style.activation, f"{name}_dense_act"), 0.7, f"{name}_dense")
    return b.head(x, head.num_classes, head.activation, name=f"{name}_head")


def _scaled(modules: Sequence[Sequence[Sequence[int]]], stem: Sequence[int], width: float):
    """The widths of all modules and of the stem, after checking them."""
    stages.check_width(width)
    if isinstance(stem, str) or not isinstance(stem, Sequence) or len(stem) != 3:
        raise ArgumentError("stem_filters", f"expected three widths, such as [64, 64, 192]. Received: {stem!r}.")
    for filters in stem:
        stages.check_positive("stem_filters", filters)
    return _checked_modules(modules, width), [stages.times(filters, width) for filters in stem]


def _checked_modules(modules: Sequence[Sequence[Sequence[int]]], width: float) -> list[list[list[int]]]:
    for row in _rows(modules):
        if not isinstance(row, Sequence) or len(row) != 6:
            raise ArgumentError(
                "modules", f"expected six widths per module, such as [64, 96, 128, 16, 32, 32], in a list per stage. Received: {row!r}."
            )
        for filters in row:
            stages.check_positive("modules", filters)
    return [[[stages.times(filters, width) for filters in row] for row in rows] for rows in modules]


def _rows(modules: Sequence[Sequence[Sequence[int]]]) -> list[Sequence[int]]:
    """The modules of all stages."""
    if not isinstance(modules, Sequence) or not modules or not all(isinstance(rows, Sequence) and rows for rows in modules):
        raise ArgumentError("modules", f"expected a list of modules per stage. Received: {modules!r}.")
    return list(chain(*modules))


def _check_stage_4(auxiliary_heads: bool, table: Sequence[Sequence]) -> None:
    """Raises `ArgumentError` unless stage 4 has room for two auxiliary heads."""
    if auxiliary_heads and (len(table) < 2 or len(table[1]) < 3):
        raise ArgumentError(
            "auxiliary_heads",
            "expected false unless the second stage of modules has at least 3, behind two of which they stand. Received: True.",
        )


_PAPER = "Szegedy et al.: Going deeper with convolutions. CVPR"
_TORCH: dict[str, Any] = {
    "normalization": "batch",
    "local_response_norm": False,
    "branch_kernel": 3,
    "pool_kernel": (3, 3, 3, 2),
    "dropout": 0.2,
}


def _preset(name: str, variant: str, twin: str, trainable: int, total: int, macs: int, field: int, **arguments) -> Preset:
    given = {"input_shape": (224, 224, 3), "num_classes": 1000, **arguments}
    return Preset(name, "googlenet", _PAPER, 2015, variant, twin, trainable, total, macs, (field, field), given)


register(
    _preset("googlenet", "table 1, the network of 2014", "the paper", 6_998_552, 6_998_552, 1_582_671_872, 715),
    _preset(
        "googlenet_auxiliary",
        "the network of 2014 as it is trained, with both auxiliary classifiers",
        "the paper",
        13_378_280,
        13_378_280,
        1_591_044_096,
        715,
        auxiliary_heads=True,
    ),
    _preset(
        "googlenet_torchvision",
        "batch norm, a branch of size 3 in place of 5, a last pooling of 2",
        "torchvision",
        6_624_904,
        6_639_464,
        1_498_376_192,
        379,
        **_TORCH,
    ),
)
