"""U-Net (Ronneberger, Fischer and Brox 2015, "U-Net: convolutional networks for biomedical image segmentation", arXiv:1505.04597).

A contracting path of stages, each followed by a down-sampling; a bottleneck; an expanding path that mirrors it, each stage joined with
the encoder's map of the same size. `padding="valid"` is the network of the paper's figure 1; `same` keeps the size. Dropout is off by
default: the authors' own network drops half of the activations in the two deepest stages, `dropout=[0, 0, 0, 0.5, 0.5]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.blocks import Downsampling, Normalization, Padding, Size, Skip, Style, Upsampling
from . import stages
from .registry import BUILDERS


@dataclass(frozen=True)
class Plan:
    """A U-Net after checking: every hyperparameter as one value per stage, shallowest first."""

    style: Style
    filters: tuple[int, ...]
    blocks: tuple[int, ...]
    kernel_sizes: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]
    dropout: tuple[float, ...]
    downsampling: Downsampling
    upsampling: Upsampling
    skip: Skip

    @property
    def depth(self) -> int:
        return len(self.strides)


@BUILDERS.register("unet")
def build_unet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: int | Sequence[int] = 64,
    depth: int = 4,
    blocks: int | Sequence[int] = 2,
    kernel_size: Size | Sequence[Size] = 3,
    strides: Size | Sequence[Size] = 2,
    downsampling: Downsampling = "max_pool",
    upsampling: Upsampling = "transposed_conv",
    padding: Padding = "same",
    activation: str = "relu",
    normalization: Normalization = "none",
    dropout: float | Sequence[float] = 0.0,
    skip: Skip = "concat",
    classifier_activation: Literal["auto", "sigmoid", "softmax"] | None = "auto",
    name: str = "unet",
) -> keras.Model:
    """Builds a U-Net; the default is the network of the 2015 paper in `same` form.

    Args:
        input_shape: `(*spatial, channels)` with one to three spatial axes; a spatial size may be None.
        num_classes: int, maps in the output. 1 means one probability per pixel, 2 or more a distribution over classes.
        filters: int for the first stage, doubled from stage to stage, or one per stage (`depth` + 1 values, bottleneck last).
        depth: int, how often the resolution is reduced. The bottleneck is stage `depth` + 1.
        blocks: int or one per stage, convolutions per stage; the decoder mirrors the encoder.
        kernel_size: int or one per stage, each an int or one per axis.
        strides: int or one per down-sampling (`depth` values), each an int or one per axis: how much it divides the size.
        downsampling: `max_pool`, `avg_pool`, `strided_conv` (an extra 3-wide convolution that keeps the channels) or `blur_pool`.
        upsampling: `transposed_conv` (kernel = stride), or `nearest`, `bilinear` or `pixel_shuffle` with a 3-wide convolution.
        padding: `same`, or `valid` as in the paper: the stages' convolutions use no padding, the output is smaller than the input, and
            skips are cropped. Strided convolutions, blur pooling and the convolutions after `nearest`, `bilinear` and `pixel_shuffle`
            still pad their own borders: free of border effects is pooling with `transposed_conv`, the paper's choice.
        activation: str, a function of `keras.activations`.
        normalization: `none`, `batch`, `instance`, `group` (8 groups) or `layer`, after each convolution, whose bias is then left out.
        dropout: float or one per stage (`depth` + 1 values), rates at the end of each encoder stage and of the bottleneck.
        skip: `concat`, `add`, `attention` (additive gate, Oktay et al. 2018) or `none`.
        classifier_activation: `auto` (sigmoid for one map, softmax for more), `sigmoid`, `softmax`, or None for logits.
        name: str, the name of the model.

    Returns:
        An uncompiled functional `keras.Model` from `(batch, *spatial, channels)` to `(batch, *spatial, num_classes)`, float32
        output also under mixed precision. Layers are named by stage: `encoder1_conv1`, `bottleneck_conv2`, `decoder1_up`, `head`.

    Raises:
        ArgumentError: a `ValueError` that names the argument, what was expected and what was received.

    >>> from kzoo import build_unet
    >>> model = build_unet(input_shape=(572, 572, 1), num_classes=2, padding="valid")
    >>> model.count_params(), model.output_shape
    (31030658, (None, 388, 388, 2))
    """
    rank = stages.rank_of(input_shape)
    stages.check_name(name)
    stages.check_positive("num_classes", num_classes)
    stages.check_positive("depth", depth)
    of = f"depth={depth}"
    plan = Plan(
        style=Style(rank, padding, activation, normalization),
        filters=stages.doubling(filters, depth + 1, of),
        blocks=stages.per_stage("blocks", blocks, depth + 1, of),
        kernel_sizes=stages.sizes_per_stage("kernel_size", kernel_size, depth + 1, rank, of),
        strides=stages.sizes_per_stage("strides", strides, depth, rank, of),
        dropout=stages.per_stage("dropout", dropout, depth + 1, of),
        downsampling=downsampling,
        upsampling=upsampling,
        skip=skip,
    )
    _check(plan)
    margins = _margins(plan, input_shape)
    head = b.head_activation(classifier_activation, num_classes)

    inputs = keras.Input(input_shape, name="image")
    x, skips = _encoder(inputs, plan)
    x = _decoder(x, skips, margins, plan)
    return keras.Model(inputs, b.head(x, num_classes, head, rank), name=name)


def _check(plan: Plan) -> None:
    check_choice("downsampling", plan.downsampling, get_args(Downsampling))
    check_choice("upsampling", plan.upsampling, get_args(Upsampling))
    check_choice("skip", plan.skip, get_args(Skip))
    b.check_style(plan.style, plan.filters)
    for value in plan.blocks:
        stages.check_positive("blocks", value)
    for rate in plan.dropout:
        stages.check_rate("dropout", rate)


def _encoder(x, plan: Plan):
    """The contracting path and the bottleneck; returns the bottleneck's map and the skips, shallowest first."""
    skips = []
    for stage in range(plan.depth):
        name = f"encoder{stage + 1}"
        x = _stage(x, stage, plan, name, plan.dropout[stage])
        skips.append(x)
        x = b.downsample(x, plan.downsampling, plan.strides[stage], plan.style, name)
    return _stage(x, plan.depth, plan, "bottleneck", plan.dropout[plan.depth]), skips


def _decoder(x, skips, margins, plan: Plan):
    """The expanding path: up-sample, crop the skip to size, join, convolve; deepest stage first."""
    for stage in reversed(range(plan.depth)):
        name = f"decoder{stage + 1}"
        x = b.upsample(x, plan.upsampling, plan.filters[stage], plan.strides[stage], plan.style, name)
        if plan.skip != "none":
            x = b.join(b.crop_centre(skips[stage], margins[stage], name), x, plan.skip, plan.style, name)
        x = _stage(x, stage, plan, name)
    return x


def _stage(x, stage: int, plan: Plan, name: str, dropout: float = 0.0):
    x = b.conv_stage(x, plan.filters[stage], plan.blocks[stage], plan.kernel_sizes[stage], plan.style, name)
    return b.dropout(x, dropout, name)


def _margins(plan: Plan, input_shape: Sequence[int | None]) -> list[tuple[int, ...]]:
    """What is cut off each skip in total, per stage and axis; refuses sizes that do not come out even."""
    per_axis = []
    for axis, size in enumerate(input_shape[:-1]):
        lost = [_lost(plan, stage, axis) for stage in range(plan.depth + 1)]
        strides = [stride[axis] for stride in plan.strides]
        period, smallest = legal_sizes(lost, strides)
        if size is not None and _walk(size, lost, strides) is None:
            raise ArgumentError("input_shape", _illegal(size, tuple(input_shape), period, smallest, plan))
        per_axis.append(_walk(smallest, lost, strides))
    return list(zip(*per_axis, strict=True))


def _lost(plan: Plan, stage: int, axis: int) -> int:
    """Rows that the unpadded convolutions of a stage take off the map."""
    return plan.blocks[stage] * (plan.kernel_sizes[stage][axis] - 1) if plan.style.padding == "valid" else 0


def legal_sizes(lost: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """The sizes n that pass every down-sampling without a remainder, along one axis: n % period == smallest % period, n >= smallest.

    Args:
        lost: rows that each stage takes off, bottleneck last.
        strides: divisor of each down-sampling.

    >>> legal_sizes([4, 4, 4, 4, 4], [2, 2, 2, 2])
    (16, 188)
    """
    period = prod(strides)
    size = sum(loss * prod(strides[:stage]) for stage, loss in enumerate(lost[:-1])) % period or period
    while _walk(size, lost, strides) is None:
        size += period
    return period, size


def _walk(size: int, lost: Sequence[int], strides: Sequence[int]) -> list[int] | None:
    """Follows one axis down and up; returns the margin of each skip, or None where a size does not come out even or vanishes."""
    skips = []
    for loss, stride in zip(lost, strides, strict=False):
        size -= loss
        if size <= 0 or size % stride:
            return None
        skips.append(size)
        size //= stride
    size -= lost[-1]
    margins = []
    for skip, loss, stride in reversed(list(zip(skips, lost, strides, strict=False))):
        margins.append(skip - size * stride)
        size = size * stride - loss
        if size <= 0:
            return None
    return margins[::-1]


def _illegal(size: int, shape: tuple, period: int, smallest: int, plan: Plan) -> str:
    """What to write for a size that the network cannot take, with the nearest ones that it can."""
    below = size - (size - smallest) % period
    nearest = f"are {below} and {below + period}" if below >= smallest else f"is {smallest}"
    return (
        f'expected spatial sizes n with n % {period} == {smallest % period} and n >= {smallest} for padding="{plan.style.padding}" '
        f"and depth={plan.depth}; the nearest to {size} {nearest}. Received: {shape}."
    )
