"""A plain convolutional classifier: stages of convolutions, each closed by a down-sampling, then dense layers.

The scheme of LeCun et al. 1998 ("Gradient-based learning applied to document recognition") in today's layers. With `filters=[32, 64]`,
`padding="valid"` and no hidden dense layer it is the convnet of the Keras MNIST example: 34,826 parameters.
"""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.borders import trim
from ..layers.downsampling import Downsampling, downsample
from ..layers.style import Activation, Normalization, Padding, Size, Style, check_groups, check_style
from . import stages
from .head import ClassifierActivation, Pooling, pool
from .registry import BUILDERS
from .weights import check_weights


@BUILDERS.register("cnn")
def build_cnn(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: int | Sequence[int] = 32,
    depth: int = 2,
    blocks: int | Sequence[int] = 1,
    kernel_size: Size | Sequence[Size] = 3,
    strides: Size | Sequence[Size] = 2,
    downsampling: Downsampling = "max_pool",
    padding: Padding = "same",
    activation: Activation = "relu",
    normalization: Normalization = "none",
    dropout: float | Sequence[float] = 0.0,
    pooling: Pooling = "flatten",
    dense: Sequence[int] = (128,),
    dense_dropout: float = 0.0,
    classifier_activation: ClassifierActivation | None = "auto",
    weights: str | None = None,
    name: str = "cnn",
) -> keras.Model:
    """Builds a convolutional classifier.

    Args:
        input_shape: `(*spatial, channels)` with one to three spatial axes; a size may be None unless `pooling="flatten"`.
        num_classes: int, width of the output. 1 means one probability, 2 or more a distribution over classes. 0 means no head: the output
            is the pooled map.
        filters: int for the first stage, doubled from stage to stage, or one per stage.
        depth: int, number of stages.
        blocks: int or one per stage, convolutions per stage.
        kernel_size: int or one per stage, each an int or one per axis.
        strides: int or one per stage, each an int or one per axis: what the down-sampling that ends the stage divides the size by.
            A stage of stride 1 ends without one.
        downsampling: `max_pool`, `avg_pool`, `strided_conv` (an extra 3-wide convolution that keeps the channels) or `blur_pool`.
        padding: `same`, or `valid`: the stages' convolutions use no padding, and rows that do not fill a window are dropped before a
            down-sampling. Strided convolutions and blur pooling still pad their own borders.
        activation: name of a function in `keras.activations`, or a layer with its arguments, `{"LeakyReLU": {"negative_slope": 0.01}}`.
        normalization: `none`, `batch`, `instance`, `group` (8 groups) or `layer`, after each convolution, whose bias is then left out.
        dropout: float or one per stage, rates at the end of each stage.
        pooling: `flatten`, or global `avg` or `max`.
        dense: widths of the hidden dense layers; empty for none.
        dense_dropout: float, rate before each dense layer, the classifier included.
        classifier_activation: `auto` (sigmoid for one output, softmax for more), `sigmoid`, `softmax`, or None for logits.
        weights: None, or the path of a `.keras` or `.weights.h5` file; see `kzoo.models.load_weights`.
        name: str, the name of the model.

    Returns:
        An uncompiled functional `keras.Model` from `(batch, *spatial, channels)` to `(batch, num_classes)`. Layers are named by
        stage: `stage1_conv1`, `stage1_down`, `dense1`, `head`.

    Raises:
        ArgumentError: a `ValueError` that names the argument, what was expected and what was received.

    >>> from kzoo import build_cnn
    >>> model = build_cnn(input_shape=(28, 28, 1), num_classes=10, padding="valid", dense=[], dense_dropout=0.5)
    >>> model.count_params(), model.output_shape
    (34826, (None, 10))
    """
    rank = stages.rank_of(input_shape)
    stages.check_name(name)
    stages.check_positive("num_classes", num_classes, least=0)
    check_weights(weights)
    stages.check_positive("depth", depth)
    check_choice("downsampling", downsampling, get_args(Downsampling))
    check_choice("pooling", pooling, get_args(Pooling))
    stages.check_rate("dense_dropout", dense_dropout)
    if not isinstance(dense, Sequence):
        raise ArgumentError("dense", f"expected a list of widths, such as [128]. Received: {dense!r}.")
    for width in dense:
        stages.check_positive("dense", width)
    of = f"depth={depth}"
    style = Style(rank, padding, activation, normalization)
    widths = stages.doubling(filters, depth, of)
    check_style(style)
    check_groups("filters", widths, style)
    plan = [
        Stage(*values)
        for values in zip(
            widths,
            stages.per_stage("blocks", blocks, depth, of),
            stages.sizes_per_stage("kernel_size", kernel_size, depth, rank, of),
            stages.sizes_per_stage("strides", strides, depth, rank, of),
            stages.per_stage("dropout", dropout, depth, of),
            strict=True,
        )
    ]
    _check(plan, input_shape, padding, pooling)
    head = b.head_activation(classifier_activation, num_classes) if num_classes else None

    x = inputs = keras.Input(input_shape, name="image")
    for number, stage in enumerate(plan, start=1):
        x = _stage(x, stage, downsampling, style, f"stage{number}")
    x = pool(x, pooling, rank)
    if num_classes == 0:
        return keras.Model(inputs, x, name=name)
    for number, width in enumerate(dense, start=1):
        x = b.dropout(x, dense_dropout, f"dense{number}")
        x = b.dense(x, width, activation, f"dense{number}")
    x = b.dropout(x, dense_dropout, "head")
    return keras.Model(inputs, b.head(x, num_classes, head), name=name)


class Stage(NamedTuple):
    """The hyperparameters of one stage."""

    filters: int
    blocks: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dropout: float


def _stage(x, stage: Stage, downsampling: Downsampling, style: Style, name: str):
    for number in range(1, stage.blocks + 1):
        x = b.conv(x, stage.filters, stage.kernel_size, style, f"{name}_conv{number}")
    if max(stage.strides) > 1:
        x = trim(x, stage.strides, f"{name}_down") if style.padding == "valid" else x
        x = downsample(x, downsampling, stage.strides, style, name)
    return b.dropout(x, stage.dropout, name)


def _check(plan: Sequence[Stage], input_shape: Sequence[int | None], padding: Padding, pooling: Pooling) -> None:
    for stage in plan:
        stages.check_positive("blocks", stage.blocks)
        stages.check_rate("dropout", stage.dropout)
    flexible = None in input_shape
    if flexible and (pooling == "flatten" or padding == "valid"):
        setting = 'pooling="flatten"' if pooling == "flatten" else 'padding="valid"'
        raise ArgumentError(
            "input_shape",
            f'expected fixed sizes for {setting}. Received: {tuple(input_shape)}. Give the sizes, or use pooling="avg" and padding="same".',
        )
    for axis, size in enumerate(input_shape[:-1]):
        if size is not None and padding == "valid":
            _check_size(size, axis, plan, tuple(input_shape))


def _check_size(size: int, axis: int, plan: Sequence[Stage], shape: tuple) -> None:
    """Follows one axis through unpadded stages and names the one that leaves nothing of it."""
    for number, stage in enumerate(plan, start=1):
        after = (size - stage.blocks * (stage.kernel_size[axis] - 1)) // stage.strides[axis]
        if after < 1:
            raise ArgumentError(
                "input_shape",
                f"expected larger sizes: stage {number} gets {size} along axis {axis + 1} and leaves nothing of it. "
                f'Received: {shape}. Use a larger input, fewer stages or padding="same".',
            )
        size = after
