"""Inception v3 (Szegedy et al. 2016, "Rethinking the inception architecture for computer vision", CVPR, arXiv:1512.00567).

A stem, then inception modules at three resolutions (table 1): with a branch of twice size 3 (figure 5), with convolutions factorized
into one per axis (figure 6), and with expanded filter banks (figure 7); between them modules that reduce the resolution by convolutions
and a pooling side by side (figure 10). It is the network of the authors' code and of keras.applications, whose stem ends with a pooling
where table 1 has a stride, whose modules of figure 5 keep a branch of size 5, and whose batch norm has no gamma. torchvision's has gammas;
its poolings inside modules average over the padding too, so that outputs differ at the borders where counts don't.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Padding, Style, check_groups, ranked
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling, check_auxiliary_heads
from .inception_v3_plan import STEM, Module, Step, make_plan, names, widths
from .places import Place
from .presets import Preset, register
from .trunk import Trunk

AUXILIARY_WEIGHT = 0.4
"""Of the auxiliary classifier's loss: the authors' code; the paper does not say."""


@classifier("inception_v3")
def build_inception_v3(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    blocks: Sequence[int] = (3, 4, 2),
    width: float = 1.0,
    pool_filters: int | Sequence[int] = (32, 64, 64),
    factor_filters: int | Sequence[int] = (128, 160, 160, 192),
    factor_kernel: int = 7,
    scale: bool = False,
    auxiliary_heads: bool = False,
    padding: Padding = "valid",
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "batch",
    pooling: Pooling | None = "avg",
    dropout: float = 0.0,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "inception_v3",
) -> keras.Model:
    """Builds an Inception v3; the default is that of keras.applications.

    Args:
        blocks: inception modules at the three resolutions, besides those that reduce it.
        width: float, multiplies all filters.
        pool_filters: int or one per module of the first resolution: of its pooled branch.
        factor_filters: int or one per module of the second resolution: of its factorized convolutions but the last.
        factor_kernel: int, the length of the factorized convolutions, n in the paper's figure 6.
        scale: bool, whether batch norm has a gamma, as in torchvision; only with `normalization="batch"`.
        auxiliary_heads: bool, whether there is one more classifier, behind the second resolution (section 4, figure 8). The model is then
            a `DeeplySupervised` with two outputs, the main one first, whose losses weigh 1 and 0.4; it is compiled with one loss and fitted
            like any other. `kzoo.models.main_output` drops it.
        padding: `valid`, where the stem's first two convolutions, its fifth and all strides have none, as published; or `same`, for maps of
            ceil(size / stride) positions.
        {shared}

    >>> from kzoo import build_inception_v3
    >>> small = {"blocks": [1, 1, 1], "pool_filters": 32, "factor_filters": 128, "width": 0.25}
    >>> build_inception_v3(input_shape=(128, 128, 3), num_classes=0, pooling=None, **small).output_shape
    (None, 2, 2, 512)
    """
    rank = stages.rank_of(input_shape)
    check_choice("padding", padding, get_args(Padding))
    _check_scale(scale, normalization)
    style = Style(rank, "same", activation, normalization, scale=scale)
    plan = make_plan(rank, blocks, width, pool_filters, factor_filters, factor_kernel)
    stem = [stages.times(filters, width) for filters in STEM]
    check_groups("width", [*stem, *widths(plan)], style)
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    check_auxiliary_heads(auxiliary_heads, head, features_only)
    net = Trunk(input_shape, style, _places(padding), downsampling, small_input, weights)

    x = _stem(net, stem)
    others: list[tuple[Any, float]] = []
    for stage, modules in plan.items():
        for module in modules:
            x = _module(net, x, module)
        net.tap(x, stage)
        if auxiliary_heads and stage == "stage4":
            others.append((_auxiliary(x, head, style, width), AUXILIARY_WEIGHT))
    return net.model(x, head, features_only=features_only, name=name, others=others)


def _places(padding: Padding) -> list[Place]:
    strides = {
        "stem_conv1": 2,
        "stem_conv2": 1,
        "stem_pool": 2,
        "stage2_conv2": 1,
        "stage2_pool": 2,
        "stage4_reduce": 2,
        "stage5_reduce": 2,
    }
    return [Place(name, 3, stride, padding) for name, stride in strides.items()]


def _stem(net: Trunk, filters: Sequence[int]):
    one, two, three, four, five = filters
    x = net.conv_at(net.image, one, "stem_conv1")
    x = net.conv_at(x, two, "stem_conv2")
    x = net.tap(net.conv(x, three, 3, "stem_conv3"), "stem")
    x = net.pool_at(x, "stem_pool")
    x = net.conv(x, four, 1, "stage2_conv1")
    x = net.tap(net.conv_at(x, five, "stage2_conv2"), "stage2")
    return net.pool_at(x, "stage2_pool")


def _module(net: Trunk, x, module: Module):
    """All branches, joined."""
    place = net.enter(module.name) if module.pooled is None else None
    maps = [_branch(net, x, steps, f"{module.name}_branch{number}", place) for number, steps in enumerate(module.branches, start=1)]
    maps.append(_pooled(net, x, module, f"{module.name}_branch{len(maps) + 1}", place))
    return keras.layers.Concatenate(name=f"{module.name}_concat")(maps)


def _branch(net: Trunk, x, steps: Sequence[Step], name: str, place: Place | None):
    number = 0
    for step in steps:
        maps = []
        for kernel in step.kernels:
            number += 1
            size: dict[str, Any] = {"kernel_size": kernel}
            if step.strided and place:
                size = {"kernel_size": place.kernel_size, "strides": place.strides, "padding": place.padding}
            maps.append(net.conv(x, step.filters, name=f"{name}_conv{number}", **size))
        x = maps[0] if len(maps) == 1 else keras.layers.Concatenate(name=f"{name}_concat")(maps)
    return x


def _pooled(net: Trunk, x, module: Module, name: str, place: Place | None):
    """Averages that are projected, or the maxima of a reduction."""
    if place is None:
        x = ranked("AveragePooling{}D", net.style.rank)(3, strides=1, padding="same", name=f"{name}_pool")(x)
        return net.conv(x, module.pooled or 0, 1, f"{name}_conv1")
    reduced = max(place.strides) > 1  # type: ignore[arg-type]
    return net.pool(x, place.kernel_size, place.strides, place.padding, f"{name}_pool") if reduced else x


def _auxiliary(x, head: Head, style: Style, width: float):
    """The authors' code: averages over windows of 5, then a convolution of size 5, both no larger than the map."""
    rank = style.rank
    windows = tuple(5 if size is None else min(5, size) for size in x.shape[1:-1])
    x = ranked("AveragePooling{}D", rank)(windows, strides=3, name="auxiliary_pool")(x)
    x = b.conv(x, stages.times(128, width), 1, style, "auxiliary_conv1")
    windows = tuple(5 if size is None else min(5, size) for size in x.shape[1:-1])
    x = b.conv(x, stages.times(768, width), windows, style, "auxiliary_conv2", padding="valid")
    x = ranked("GlobalAveragePooling{}D", rank)(name="auxiliary_mean")(x)
    return b.head(x, head.num_classes, head.activation, name="auxiliary_head")


def _check_scale(scale: bool, normalization: Normalization) -> None:
    if scale and normalization != "batch":
        raise ArgumentError("scale", f'expected false for normalization="{normalization}", which keeps its own. Received: True.')


def keras_name(name: str) -> str:
    """What keras.applications calls a layer in a fresh session, where automatic names count from the first: `conv2d`, `conv2d_1`, ...

    Its layers have no names of their own, but are made in our order; `kzoo.models.weights.named_layers` renumbers those of any session.

    >>> keras_name("stage3_block1_branch2_conv2"), keras_name("stem_conv1_norm")
    ('conv2d_7', 'batch_normalization')
    """
    convolution = name.removesuffix("_norm")
    if convolution not in _convolutions():
        return {"head": "predictions"}.get(name, name)
    number = _convolutions().index(convolution)
    kind = "conv2d" if name == convolution else "batch_normalization"
    return f"{kind}_{number}" if number else kind


@cache
def _convolutions() -> list[str]:
    """The names of the published network's convolutions, in the order in which they are made."""
    published = make_plan(2, (3, 4, 2), 1.0, (32, 64, 64), (128, 160, 160, 192), 7)
    return ["stem_conv1", "stem_conv2", "stem_conv3", "stage2_conv1", "stage2_conv2", *names(published)]


_PAPER = "Szegedy et al.: Rethinking the inception architecture for computer vision. CVPR"


def _preset(
    name: str, variant: str, twin: str, trainable: int, total: int, macs: int, application: str | None = None, **arguments
) -> Preset:
    given = {"input_shape": (299, 299, 3), "num_classes": 1000, **arguments}
    renamed = keras_name if application else None
    return Preset(name, "inception_v3", _PAPER, 2016, variant, twin, trainable, total, macs, (1311, 1311), given, application, renamed)


_TORCH: dict[str, Any] = {"scale": True, "dropout": 0.5}

register(
    _preset("inception_v3", "the authors' code, no gammas", "keras.applications", 23_817_352, 23_851_784, 5_713_216_096, "InceptionV3"),
    _preset(
        "inception_v3_torchvision",
        "with gammas, without its auxiliary classifier",
        "torchvision",
        23_834_568,
        23_869_000,
        5_713_216_096,
        **_TORCH,
    ),
    _preset(
        "inception_v3_auxiliary",
        "with gammas and the auxiliary classifier",
        "torchvision",
        27_161_264,
        27_197_488,
        5_718_899_296,
        auxiliary_heads=True,
        **_TORCH,
    ),
)
