"""Network in network (Lin, Chen and Yan 2014, "Network in network", ICLR, arXiv:1312.4400).

Blocks of a spatial convolution and of 1 x 1 convolutions, a small dense network at every position ("mlpconv"); the last block ends with
one map per class, whose mean is the score. The paper gives no widths; these are of the networks that the authors published for Caffe.
There, windows of pooling may reach over the far border: with 32 pixels that is `padding="same"`, with 227 no window does.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Padding, Size, Style, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk

Pool = Literal["max_pool", "avg_pool"]


@classifier("nin")
def build_nin(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: Sequence[Sequence[int]] = ((192, 160, 96), (192, 192, 192), (192, 192)),
    kernel_size: Size | Sequence[Size] = (5, 5, 3),
    stem_strides: Size = 1,
    padding: Padding = "same",
    pool: Pool | Sequence[Pool] | None = None,
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "none",
    pooling: Pooling | None = "avg",
    dropout: float | Sequence[float] = 0.5,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "nin",
) -> keras.Model:
    """Builds a network in network; the default is that for CIFAR-10.

    Args:
        filters: a list per block: the width of its spatial convolution, then those of its 1 x 1 convolutions. The last block also ends with
            a 1 x 1 convolution to `num_classes` maps, with the activation.
        kernel_size: int or one per block, each an int or one per axis.
        stem_strides: int or one per axis, of the first convolution.
        padding: `same`, or `valid`: the first convolution and the poolings keep within the map.
        pool: `max_pool` or `avg_pool`, one value or one for each pooling between two blocks. None for average pooling before the last
            block and max pooling before the others.
        dropout: float or one for each pooling, rates after it.
        {shared}

    >>> from kzoo import build_nin
    >>> build_nin(input_shape=(32, 32, 3), num_classes=10).count_params()
    966986
    """
    rank = stages.rank_of(input_shape)
    depth = _check_filters(filters)
    of = f"{depth} blocks"
    style = Style(rank, "same", activation, normalization, epsilon=1e-5, momentum=0.9)
    check_groups("filters", [width for widths in filters for width in widths], style)
    kernels = stages.sizes_per_stage("kernel_size", kernel_size, depth, rank, of)
    steps = stages.axes("stem_strides", stem_strides, rank)
    check_choice("padding", padding, get_args(Padding))
    kinds = _pools(pool, depth - 1, downsampling)
    rates = stages.per_stage("dropout", dropout, depth - 1, f"poolings between {of}")
    for rate in rates:
        stages.check_rate("dropout", rate)
    head = Head(num_classes, pooling, classifier_activation, convolutional=True)
    pools = [Place(f"stage{stage}_pool", 3, 2, padding) for stage in range(1, depth)]
    net = Trunk(input_shape, style, [Place("stage1_conv1", kernels[0], steps, padding), *pools], downsampling, small_input, weights)

    x = net.conv_at(net.image, filters[0][0], "stage1_conv1")
    for stage, (kernel, widths) in enumerate(zip(kernels, filters, strict=True), start=1):
        for number, width in enumerate(widths, start=1):
            if (stage, number) != (1, 1):
                x = net.conv(x, width, kernel if number == 1 else 1, f"stage{stage}_conv{number}")
        net.tap(x, f"stage{stage}")
        if stage < depth:
            x = net.pool_at(x, f"stage{stage}_pool", kinds[stage - 1])
            x = b.dropout(x, rates[stage - 1], f"stage{stage}")
    return net.model(x, head, features_only=features_only, name=name)


def _check_filters(filters: Sequence[Sequence[int]]) -> int:
    """The number of blocks."""
    if isinstance(filters, str) or not isinstance(filters, Sequence) or not filters or any(isinstance(w, int) for w in filters):
        raise ArgumentError("filters", f"expected a list of widths per block, such as [[192, 160, 96], [192, 192]]. Received: {filters!r}.")
    for widths in filters:
        stages.count("filters", widths)
    return len(filters)


def _pools(pool: Pool | Sequence[Pool] | None, number: int, downsampling: Downsampling | None) -> Sequence[Pool]:
    """The kind of every pooling."""
    if pool is None:
        return [*["max_pool"] * (number - 1), "avg_pool"]  # type: ignore[list-item]
    if downsampling is not None:
        raise ArgumentError("pool", f'expected None for downsampling="{downsampling}", which replaces the poolings. Received: {pool}.')
    kinds = stages.per_stage("pool", pool, number, "poolings between the blocks")
    for kind in kinds:
        check_choice("pool", kind, get_args(Pool))
    return kinds


_PAPER = "Lin, Chen and Yan: Network in network. ICLR"
_IMAGENET = {
    "filters": ((96, 96, 96), (256, 256, 256), (384, 384, 384), (1024, 1024)),
    "kernel_size": (11, 5, 3, 3),
    "stem_strides": 4,
    "padding": "valid",
    "pool": "max_pool",
    "dropout": (0.0, 0.0, 0.5),
}


def _preset(name: str, twin: str, parameters: int, macs: int, field: int, size: int, classes: int, **arguments) -> Preset:
    given = {"input_shape": (size, size, 3), "num_classes": classes, **arguments}
    variant = f"the authors' network for {'CIFAR-10' if classes == 10 else 'ImageNet'}"
    return Preset(name, "nin", _PAPER, 2014, variant, twin, parameters, parameters, macs, (field, field), given)


register(
    _preset("nin_cifar10", "the authors' Caffe model; imgclsmob's nin_cifar10", 966_986, 222_486_528, 27, 32, 10),
    _preset("nin_imagenet", "the authors' Caffe model", 7_595_176, 1_105_996_320, 195, 227, 1000, **_IMAGENET),
)
