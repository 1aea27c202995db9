"""Inception v3 (Szegedy et al. 2016, "Rethinking the inception architecture for computer vision", CVPR, arXiv:1512.00567).

A stem, then inception modules at three resolutions (table 1): with a branch of twice size 3 (figure 5), with convolutions factorized
into one per axis (figure 6), and with expanded filter banks (figure 7); between them modules that reduce the resolution by convolutions
and a pooling side by side (figure 10). It is the network of the authors' code and of keras.applications, whose stem has a pooling in place
of table 1's second stride, whose modules of figure 5 keep a branch of size 5, and whose batch norm has no gamma. torchvision's has a
gamma; its poolings inside modules average over the padding too, so that outputs differ at the borders where counts don't.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from numbers import Real
from typing import Any, NamedTuple, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Padding, Size, Style, check_groups, ranked
from . import stages
from .classifier import ClassifierActivation, Head, Pooling, Trunk, classifier
from .places import Place
from .presets import Preset, register

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
    plan = _plan(rank, blocks, width, pool_filters, factor_filters, factor_kernel)
    stem = [_times(filters, width) for filters in STEM]
    check_groups("width", [*stem, *_widths(plan)], style)
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    _check_auxiliary(auxiliary_heads, head, features_only)
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


STEM = (32, 32, 64, 80, 192)
"""Filters of the stem's convolutions."""


class Step(NamedTuple):
    """A convolution of a branch, or several side by side.

    Attributes:
        filters: of each.
        kernels: one per convolution.
        strided: whether it reduces the resolution.
    """

    filters: int
    kernels: tuple[Size, ...]
    strided: bool = False


class Module(NamedTuple):
    """An inception module: its branches, and the filters of its pooled branch; None where that reduces the resolution."""

    name: str
    branches: tuple[tuple[Step, ...], ...]
    pooled: int | None = None


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


def _plan(
    rank: int, blocks: Sequence[int], width: float, pool_filters: int | Sequence[int], factor_filters: int | Sequence[int], kernel: int
) -> dict[str, list[Module]]:
    """The modules of every stage."""
    if stages.count("blocks", blocks) != 3:
        raise ArgumentError("blocks", f"expected three numbers, one per resolution. Received: {list(blocks)}.")
    _check_width(width)
    stages.check_positive("factor_kernel", kernel)
    first, second, third = blocks
    pools = _per_module("pool_filters", pool_filters, first)
    factors = _per_module("factor_filters", factor_filters, second)
    plan = {
        "stage3": [_figure5(f"stage3_block{n}", pooled) for n, pooled in enumerate(pools, start=1)],
        "stage4": [_reduce4("stage4_reduce")]
        + [_figure6(f"stage4_block{n}", filters, _one_per_axis(kernel, rank)) for n, filters in enumerate(factors, start=1)],
        "stage5": [_reduce5("stage5_reduce", _one_per_axis(kernel, rank))]
        + [_figure7(f"stage5_block{n}", _one_per_axis(3, rank)) for n in range(1, third + 1)],
    }
    return {stage: [_scaled(module, width) for module in modules] for stage, modules in plan.items()}


def _figure5(name: str, pooled: int) -> Module:
    return Module(name, (_chain((64, 1)), _chain((48, 1), (64, 5)), _chain((64, 1), (96, 3), (96, 3))), pooled)


def _figure6(name: str, filters: int, lines: Sequence[Size]) -> Module:
    """Lines along each axis once, last axis first, and along each axis twice."""
    once = _chain((filters, 1), *((filters, line) for line in lines[:0:-1]), (192, lines[0]))
    twice = _chain((filters, 1), *((filters, line) for line in [*lines, *lines[:-1]]), (192, lines[-1]))
    return Module(name, (_chain((192, 1)), once, twice), 192)


def _figure7(name: str, lines: Sequence[Size]) -> Module:
    spread = Step(384, tuple(reversed(lines)))
    return Module(name, (_chain((320, 1)), (*_chain((384, 1)), spread), (*_chain((448, 1), (384, 3)), spread)), 192)


def _reduce4(name: str) -> Module:
    return Module(name, ((Step(384, (3,), True),), (*_chain((64, 1), (96, 3)), Step(96, (3,), True))))


def _reduce5(name: str, lines: Sequence[Size]) -> Module:
    factorized = _chain((192, 1), *((192, line) for line in reversed(lines)))
    return Module(name, ((*_chain((192, 1)), Step(320, (3,), True)), (*factorized, Step(192, (3,), True))))


def _chain(*steps: tuple[int, Size]) -> tuple[Step, ...]:
    """Convolutions one after another, each as filters and kernel."""
    return tuple(Step(filters, (kernel,)) for filters, kernel in steps)


def _one_per_axis(length: int, rank: int) -> list[Size]:
    """Kernels that are lines.

    >>> _one_per_axis(7, 2)
    [(7, 1), (1, 7)]
    """
    return [tuple(length if other == axis else 1 for other in range(rank)) for axis in range(rank)]


def _scaled(module: Module, width: float) -> Module:
    branches = tuple(tuple(step._replace(filters=_times(step.filters, width)) for step in branch) for branch in module.branches)
    return Module(module.name, branches, None if module.pooled is None else _times(module.pooled, width))


def _times(filters: int, width: float) -> int:
    return max(round(filters * width), 1)


def _widths(plan: Mapping[str, Sequence[Module]]) -> Iterator[int]:
    for module in chain(*plan.values()):
        yield from (step.filters for branch in module.branches for step in branch)
        yield module.pooled or 0


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
    x = b.conv(x, _times(128, width), 1, style, "auxiliary_conv1")
    windows = tuple(5 if size is None else min(5, size) for size in x.shape[1:-1])
    x = b.conv(x, _times(768, width), windows, style, "auxiliary_conv2", padding="valid")
    x = ranked("GlobalAveragePooling{}D", rank)(name="auxiliary_mean")(x)
    return b.head(x, head.num_classes, head.activation, name="auxiliary_head")


def _per_module(argument: str, filters: int | Sequence[int], modules: int) -> tuple[int, ...]:
    found = stages.per_stage(argument, filters, modules, f"{modules} modules")
    for value in found:
        stages.check_positive(argument, value)
    return found


def _check_width(width: float) -> None:
    if isinstance(width, bool) or not isinstance(width, Real) or not 0 < width < float("inf"):
        raise ArgumentError("width", f"expected a number above 0. Received: {width!r}.")


def _check_scale(scale: bool, normalization: Normalization) -> None:
    if scale and normalization != "batch":
        raise ArgumentError("scale", f'expected false for normalization="{normalization}", which keeps its own. Received: True.')


def _check_auxiliary(auxiliary_heads: bool, head: Head, features_only: bool) -> None:
    if auxiliary_heads and (features_only or head.num_classes == 0):
        received = "features_only=True" if features_only else "num_classes=0"
        raise ArgumentError("auxiliary_heads", f"expected false for {received}, which has no classifier. Received: True.")


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
    names = ["stem_conv1", "stem_conv2", "stem_conv3", "stage2_conv1", "stage2_conv2"]
    for module in chain(*_plan(2, (3, 4, 2), 1.0, (32, 64, 64), (128, 160, 160, 192), 7).values()):
        counts = [sum(len(step.kernels) for step in branch) for branch in module.branches] + [1] * (module.pooled is not None)
        names += [f"{module.name}_branch{b}_conv{n}" for b, count in enumerate(counts, start=1) for n in range(1, count + 1)]
    return names


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
