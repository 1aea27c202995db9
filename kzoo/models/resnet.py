"""Residual networks (He et al. 2016, "Deep residual learning for image recognition", CVPR, arXiv:1512.03385) and their descendants.

A stem, then stages of residual blocks, the first block of a stage reducing the resolution and widening the map. What the descendants vary:

- where a bottleneck has its stride: in its first 1 x 1 convolution (the paper; keras.applications) or in its 3 x 3 ("v1.5"; torchvision),
  which costs 6 % more MACs and sees less: fields of 427 against 483 pixels in ResNet-50;
- norm and activation before each convolution: He et al. 2016, "Identity mappings in deep residual networks", ECCV, arXiv:1603.05027.
  keras.applications' v2 also moves each stride to the last block of the stage before;
- the small stem and three stages for CIFAR (section 4.2), with parameter-free shortcuts (A) or projections (B);
- wide networks: Zagoruyko and Komodakis 2016, BMVC, arXiv:1605.07146; ResNeXt: Xie et al. 2017, CVPR, arXiv:1611.05431;
  squeeze and excitation: Hu et al. 2018, CVPR, arXiv:1709.01507; the D variant: He et al. 2019, CVPR, arXiv:1812.01187.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.channels import PadChannels
from ..layers.downsampling import Downsampling
from ..layers.stochastic_depth import decayed_rates
from ..layers.stochastic_depth import stochastic_depth as drop_branch
from ..layers.style import Activation, Normalization, Style, activate, check_groups, ranked
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .trunk import Trunk

Block = Literal["basic", "bottleneck"]
Stem = Literal["7x7", "3x3", "deep"]
Shortcut = Literal["A", "B", "C", "D"]
StridePlacement = Literal["1x1", "3x3", "last_block"]
ResNetOrder = Literal["conv-norm-act", "norm-act-conv"]
ResNetBias = Literal["auto", "residual", "always"]


@classifier("resnet")
def build_resnet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    blocks: Sequence[int] = (3, 4, 6, 3),
    block: Block = "bottleneck",
    filters: int | Sequence[int] = 64,
    expansion: int = 4,
    inner_width: float = 1.0,
    cardinality: int = 1,
    stem: Stem = "7x7",
    stem_filters: int | None = None,
    shortcut: Shortcut = "B",
    stride_placement: StridePlacement = "3x3",
    block_order: ResNetOrder = "conv-norm-act",
    se_reduction: int = 0,
    block_dropout: float = 0.0,
    stochastic_depth: float = 0.0,
    bias: ResNetBias = "auto",
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "batch",
    pooling: Pooling | None = "avg",
    dropout: float = 0.0,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "resnet",
) -> keras.Model:
    """Builds a residual network; the default is ResNet-50 with the stride in the 3 x 3 convolutions ("v1.5").

    Args:
        blocks: residual blocks per stage; their number is that of the stages. ResNet-18, 34: 2-2-2-2, 3-4-6-3 basic; 50, 101, 152: 3-4-6-3,
            3-4-23-3, 3-8-36-3 bottlenecks; CIFAR ResNet-20: 3-3-3 basic.
        block: `basic` (two convolutions of size 3) or `bottleneck` (sizes 1, 3, 1).
        filters: int for the first stage, doubled from stage to stage, or one per stage: of the convolutions of size 3.
        expansion: int, a bottleneck's output in multiples of `filters`; a basic block's is `filters`.
        inner_width: float, multiplies the filters inside bottlenecks: 2 in Wide ResNet-50-2 and in ResNeXt-50 32x4d.
        cardinality: int, groups of a bottleneck's convolution of size 3 (ResNeXt: 32).
        stem: `7x7` (stride 2, then max pooling 3 with stride 2), `3x3` (stride 1, for small images) or `deep` (three of size 3, the first
            with stride 2 and half the filters like the second, then max pooling: the C and D variants).
        stem_filters: int; the first stage's filters unless given.
        shortcut: where the shape changes, `A` subsamples and adds channels of zeros, `B` is a convolution of size 1, `D` averages over the
            stride, then convolves; `C` is a convolution of size 1 in every block. Another `downsampling` reduces the shortcut, too, so that
            `D` is `B` then; only `strided_conv` leaves `A` and `D` as they are.
        stride_placement: `3x3`; `1x1`, the first convolution of a bottleneck; or `last_block`, the convolution of size 3 in the last
            block of the stage before (keras.applications' v2).
        block_order: `conv-norm-act`, or `norm-act-conv` ("v2", pre-activation), which closes with a norm and an activation.
        se_reduction: int, reduction of squeeze and excitation at the end of each block, 16 in the paper; 0 for none.
        block_dropout: float, rate between the last two convolutions of each block (Wide ResNet).
        stochastic_depth: float, rate at which the last block is skipped; rates grow linearly with depth (Huang et al. 2016).
        bias: of convolutions: `auto` leaves out what a norm makes redundant, `residual` keeps those that no norm follows at once (only with
            `norm-act-conv`, as in keras.applications), `always` keeps all.
        {shared}

    >>> from kzoo import build_resnet
    >>> cifar = {"input_shape": (32, 32, 3), "num_classes": 10, "stem": "3x3", "filters": 16}
    >>> build_resnet(**cifar, block="basic", blocks=[3, 3, 3], shortcut="A").count_params()
    271098
    """
    depth = stages.count("blocks", blocks)
    plan = Plan(
        tuple(blocks), block, expansion, inner_width, cardinality, stem, shortcut, stride_placement, se_reduction, block_dropout, bias
    )
    check_plan(plan, block_order)
    stages.check_rate("stochastic_depth", stochastic_depth)
    style = Style(
        stages.rank_of(input_shape),
        activation=activation,
        normalization=normalization,
        order=block_order,
        bias="always" if bias == "always" else "auto",
        epsilon=1e-5,
        momentum=0.9,
    )
    widths = stages.doubling(filters, depth, f"blocks={list(blocks)}")
    check_groups("filters", widths, style)
    first = widths[0] if stem_filters is None else stem_filters
    stages.check_positive("stem_filters", first)
    check_groups("stem_filters", [first, max(first // 2, 1)] if stem == "deep" else [first], style)
    head = Head(num_classes, pooling, classifier_activation, (), dropout)
    net = Trunk(input_shape, style, _places(plan), downsampling, small_input, weights)
    skip_rates = iter(decayed_rates(stochastic_depth, sum(blocks)))

    x = _stem(net, first, plan)
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True), start=1):
        for number in range(1, count + 1):
            strides: tuple[int, ...] = (1,) * style.rank
            if plan.is_strided(stage, number):
                net.tap(x, f"stage{stage - 1}" if number == 1 else f"stage{stage}")
                strides = net.enter(f"stage{stage}").strides  # type: ignore[assignment]
            x = _block(net, x, width, strides, next(skip_rates), f"stage{stage}_block{number}", plan)
    if block_order == "norm-act-conv":
        x = b.normalize_and_activate(x, style, "head")
    net.tap(x, f"stage{depth}")
    return net.model(x, head, features_only=features_only, name=name)


@dataclass(frozen=True)
class Plan:
    """What all blocks of a network share."""

    blocks: tuple[int, ...]
    block: Block
    expansion: int
    inner_width: float
    cardinality: int
    stem: Stem
    shortcut: Shortcut
    stride_placement: StridePlacement
    se_reduction: int
    dropout: float
    bias: ResNetBias

    def is_strided(self, stage: int, number: int) -> bool:
        """Whether a block, counted from 1, reduces the resolution."""
        if self.stride_placement == "last_block":
            return stage < len(self.blocks) and number == self.blocks[stage - 1]
        return stage > 1 and number == 1

    def output(self, filters: int) -> int:
        return filters * (self.expansion if self.block == "bottleneck" else 1)


def check_plan(plan: Plan, order: ResNetOrder) -> None:
    """Raises `ArgumentError` for values that do not exist or have no effect."""
    check_choice("block", plan.block, get_args(Block))
    check_choice("stem", plan.stem, get_args(Stem))
    check_choice("shortcut", plan.shortcut, get_args(Shortcut))
    check_choice("stride_placement", plan.stride_placement, get_args(StridePlacement))
    check_choice("block_order", order, get_args(ResNetOrder))
    check_choice("bias", plan.bias, get_args(ResNetBias))
    stages.check_positive("expansion", plan.expansion)
    stages.check_positive("cardinality", plan.cardinality)
    stages.check_positive("se_reduction", plan.se_reduction, least=0)
    stages.check_rate("block_dropout", plan.dropout)
    stages.check_width(plan.inner_width, "inner_width")
    if plan.block == "basic":
        plain = {"expansion": (plan.expansion, 4), "inner_width": (plan.inner_width, 1), "cardinality": (plan.cardinality, 1)}
        for argument, (given, default) in plain.items():
            if given != default:
                raise ArgumentError(
                    argument, f'expected {default}, since block="basic" has none. Received: {given}. Use block="bottleneck".'
                )
        if plan.stride_placement == "1x1":
            raise ArgumentError(
                "stride_placement", 'expected 3x3 or last_block, since block="basic" has no convolution of size 1. Received: 1x1.'
            )
    if plan.bias == "residual" and order != "norm-act-conv":
        raise ArgumentError("bias", 'expected auto or always for block_order="conv-norm-act". Received: residual.')


def _places(plan: Plan) -> list[Place]:
    kernel, strides = (3, 1) if plan.stem == "3x3" else (3 if plan.stem == "deep" else 7, 2)
    stem = [Place("stem_conv" if plan.stem != "deep" else "stem_conv1", kernel, strides)]
    pool = [] if plan.stem == "3x3" else [Place("stem_pool", 3, 2)]
    numbers = range(1, len(plan.blocks) + 1)
    strided = [stage for stage in numbers if any(plan.is_strided(stage, n) for n in (1, plan.blocks[stage - 1]))]
    return [*stem, *pool, *(Place(f"stage{stage}", 3, 2) for stage in strided)]


def _stem(net: Trunk, filters: int, plan: Plan):
    """Pre-activation networks leave norm and activation to the first block."""
    first = net.style.order == "norm-act-conv"
    biased = True if plan.bias == "residual" else None
    if plan.stem == "deep":
        x = net.conv_at(net.image, max(filters // 2, 1), "stem_conv1", bare=True)
        x = net.conv(x, max(filters // 2, 1), 3, "stem_conv2")
        x = net.conv(x, filters, 3, "stem_conv3", use_bias=biased)
    else:
        x = net.conv_at(net.image, filters, "stem_conv", bare=True, act=not first, use_bias=biased)
    net.tap(x, "stem")
    return x if plan.stem == "3x3" else net.pool_at(x, "stem_pool")


def _block(net: Trunk, x, filters: int, strides: tuple[int, ...], skip_rate: float, name: str, plan: Plan):
    """A residual block: the branch, added to the shortcut."""
    style, first = net.style, net.style.order == "norm-act-conv"
    before = b.normalize_and_activate(x, style, f"{name}_preact") if first else x
    shortcut = _shortcut(net, x, before, plan.output(filters), strides, name, plan)
    branch = (_bottleneck if plan.block == "bottleneck" else _basic)(net, before, filters, strides, name, plan)
    if plan.se_reduction:
        branch = _squeeze_and_excite(branch, plan.se_reduction, style, name)
    branch = drop_branch(branch, skip_rate, name)
    x = keras.layers.Add(name=f"{name}_add")([shortcut, branch])
    return x if first else activate(x, style.activation, f"{name}_out")


def _basic(net: Trunk, x, filters: int, strides: tuple[int, ...], name: str, plan: Plan):
    first, second = (f"{name}_{net.style.block_name(f'conv{number}')}" for number in (1, 2))
    x = net.conv(x, filters, 3, first, strides=strides, padding="symmetric", bare=True)
    x = b.dropout(x, plan.dropout, name)
    return _last(net, x, filters, 3, second, plan)


def _bottleneck(net: Trunk, x, filters: int, strides: tuple[int, ...], name: str, plan: Plan):
    one, two, three = (f"{name}_{net.style.block_name(f'conv{number}')}" for number in (1, 2, 3))
    inner = max(round(filters * plan.inner_width), 1)
    if inner % plan.cardinality:
        raise ArgumentError(
            "cardinality", f"expected a divisor of the bottlenecks' filters, {inner} in {name}. Received: {plan.cardinality}."
        )
    check_groups("inner_width", [inner], net.style)
    dense = (1,) * net.style.rank
    first, second = (strides, dense) if plan.stride_placement == "1x1" else (dense, strides)
    x = net.conv(x, inner, 1, one, strides=first, bare=True)
    x = net.conv(x, inner, 3, two, strides=second, padding="symmetric", groups=plan.cardinality)
    x = b.dropout(x, plan.dropout, name)
    return _last(net, x, plan.output(filters), 1, three, plan)


def _last(net: Trunk, x, filters: int, kernel_size: int, name: str, plan: Plan):
    """The convolution that ends a branch; the activation comes after the addition, or before the convolution."""
    first = net.style.order == "norm-act-conv"
    return b.conv(x, filters, kernel_size, net.style, name, act=first, use_bias=True if plan.bias == "residual" else None)


def _shortcut(net: Trunk, x, before, filters: int, strides: tuple[int, ...], name: str, plan: Plan):
    """From what enters the block to the shape of its output; projections see the pre-activated map."""
    name, widened, reduced = f"{name}_shortcut", x.shape[-1] != filters, max(strides) > 1
    if plan.shortcut == "A" or not (widened or plan.shortcut == "C" or (reduced and plan.stride_placement != "last_block")):
        x = _subsample(net, x, strides, name) if reduced else x
        return _widen(x, filters, name) if widened else x
    averaged = plan.shortcut == "D" and net.strided
    if reduced and averaged:
        before = ranked("AveragePooling{}D", net.style.rank)(strides, strides=strides, padding="same", name=f"{name}_pool")(before)
    elif reduced and not net.strided:
        before = net.reduce(before, strides, name)
    carried = strides if net.strided and not averaged else 1
    first = net.style.order == "norm-act-conv"
    if first:
        return b.linear_conv(before, filters, 1, net.style, name, strides=carried, use_bias=plan.bias != "auto" or not net.style.normalized)
    return b.conv(before, filters, 1, net.style, name, strides=carried, act=False)


def _widen(x, filters: int, name: str):
    """Channels of zeros."""
    if x.shape[-1] > filters:
        raise ArgumentError(
            "shortcut", f"expected B, C or D where maps become narrower, from {x.shape[-1]} to {filters} channels in {name}. Received: A."
        )
    return PadChannels(filters, name=f"{name}_pad")(x)


def _subsample(net: Trunk, x, strides: tuple[int, ...], name: str):
    """Every other position, or what stands for the stride."""
    if not net.strided:
        return net.reduce(x, strides, name)
    return ranked("MaxPooling{}D", net.style.rank)(1, strides=strides, name=f"{name}_subsample")(x)


def _squeeze_and_excite(x, reduction: int, style: Style, name: str):
    """Every channel is scaled by what two dense layers make of all averages."""
    channels = x.shape[-1]
    s = ranked("GlobalAveragePooling{}D", style.rank)(keepdims=True, name=f"{name}_se_pool")(x)
    s = keras.layers.Dense(max(channels // reduction, 1), name=f"{name}_se_reduce")(s)
    s = activate(s, style.activation, f"{name}_se_act")
    s = keras.layers.Dense(channels, activation="sigmoid", name=f"{name}_se_expand")(s)
    return keras.layers.Multiply(name=f"{name}_se")([x, s])
