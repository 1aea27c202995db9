"""U-Net (Ronneberger, Fischer and Brox 2015, "U-Net: convolutional networks for biomedical image segmentation", arXiv:1505.04597).

A contracting path of stages, each followed by a down-sampling; a bottleneck; an expanding path that mirrors it, each stage joined with
the encoder's map of the same size. `padding="valid"` is the network of the paper's figure 1; `same` keeps the size. Dropout is off by
default: the authors' own network drops half of the activations in the two deepest stages, `dropout=[0, 0, 0, 0.5, 0.5]`.
"""

import inspect
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Literal

import keras

from ..errors import ArgumentError
from ..layers import blocks as b
from ..layers.blocks import DropoutKind
from ..layers.borders import crop, crop_to, pad_to_multiple
from ..layers.downsampling import downsample
from ..layers.skips import Skip, join
from ..layers.style import INITIALIZER, Activation, Bias, BlockOrder, Convolution, Normalization, Padding, Size, Style
from ..layers.upsampling import Upsampling, upsample
from . import stages
from .deep_supervision import DeeplySupervised
from .registry import BUILDERS
from .unet_encoder import attach
from .unet_plan import Plan, UNetDownsampling, make_plan
from .unet_sizes import Margins, multiples, skip_margins
from .weights import check_weights

OWN = ("filters", "depth", "blocks", "kernel_size", "dilation", "strides", "downsampling", "downsampling_kernel", "dropout", "padding")
"""The arguments of the contracting path."""

DECODER_FILTERS = 16
"""Filters of the decoder's last stage behind a classifier, doubled towards the bottleneck."""


@BUILDERS.register("unet")
def build_unet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: int | Sequence[int] = 64,
    depth: int = 4,
    blocks: int | Sequence[int] = 2,
    kernel_size: Size | Sequence[Size] = 3,
    dilation: Size | Sequence[Size] = 1,
    decoder_filters: int | Sequence[int] | None = None,
    decoder_blocks: int | Sequence[int] | None = None,
    decoder_kernel_size: Size | Sequence[Size] | None = None,
    strides: Size | Sequence[Size] = 2,
    downsampling: UNetDownsampling = "max_pool",
    downsampling_kernel: Size | Sequence[Size | None] | None = None,
    upsampling: Upsampling = "transposed_conv",
    upsampling_kernel: Size | Sequence[Size | None] | None = None,
    skip: Skip = "concat",
    padding: Padding = "same",
    convolution: Convolution = "standard",
    block_order: BlockOrder = "conv-norm-act",
    normalization: Normalization = "none",
    activation: Activation = "relu",
    bias: Bias = "auto",
    dropout: float | Sequence[float] = 0.0,
    decoder_dropout: float | Sequence[float] = 0.0,
    dropout_kind: DropoutKind = "element",
    initializer: str = INITIALIZER,
    l2: float = 0.0,
    deep_supervision: int = 0,
    encoder: str | Mapping[str, Any] | None = None,
    classifier_activation: Literal["auto", "sigmoid", "softmax"] | None = "auto",
    weights: str | None = None,
    name: str = "unet",
) -> keras.Model:
    """Builds a U-Net; the default is the network of the 2015 paper in `same` form.

    Args:
        input_shape: `(*spatial, channels)` with one to three spatial axes; a spatial size may be None. With `padding="same"` any size fits:
            one that the strides do not divide is padded with zeros behind its last position, and the output is cut back.
        num_classes: int, maps in the output. 1 means one probability per pixel, 2 or more a distribution over classes.
        filters: int for the first stage, doubled from stage to stage, or one per stage (`depth` + 1 values, bottleneck last).
        depth: int, how often the resolution is reduced. The bottleneck is stage `depth` + 1.
        blocks: int or one per stage, convolutions per stage.
        kernel_size: int or one per stage, each an int or one per axis; odd with `padding="same"`.
        dilation: int or one per stage, each an int or one per axis, of the stage's convolutions; the decoder's are those of the encoder.
        decoder_filters, decoder_blocks, decoder_kernel_size: the same for the decoder (`depth` values, shallowest first); the encoder's
            unless given.
        strides: int or one per down-sampling (`depth` values), each an int or one per axis: how much it divides the size.
        downsampling: `max_pool`, `avg_pool`, `blur_pool` (dense maximum, binomial low-pass, subsampling; Zhang 2019), or strided
            convolutions in one of three conventions: `strided_conv` (an extra one that keeps the channels), `strided_conv_widen` (an extra
            one to the next stage's filters, by default twice as many), `strided_first_conv` (the next stage's first one is strided).
        downsampling_kernel: int or one per down-sampling: the window of pooling (the stride unless given), the kernel of a strided
            convolution (3) or of the low-pass filter (3). A single size holds for the axes that are divided.
        upsampling: `transposed_conv`; `nearest` or `bilinear` interpolation and a convolution; `pixel_shuffle` (a convolution, then
            channels are moved into space; Shi et al. 2016, with ICNR initialization); `max_unpool` (a convolution, then values are put
            where max pooling found them; SegNet, Badrinarayanan et al. 2017).
        upsampling_kernel: int or one per up-sampling: the kernel of the transposed convolution (the stride unless given) or of the
            convolution (3).
        skip: `concat`, `add`, `attention` (additive gate, Oktay et al. 2018) or `none`.
        padding: `same`, or `valid` as in the paper: nothing is padded anywhere, so that no output pixel depends on padding; the output
            is smaller than the input, and skips are cropped.
        convolution: `standard`, or `separable` (depthwise, then 1 wide; one or two dimensions) in the stages.
        block_order: `conv-norm-act`; `norm-act-conv` (pre-activation, He et al. 2016; the first convolution comes bare, and norm and
            activation close the network before the head); `conv-act-norm`. Blocks are named `conv1`, `preact_conv1`, `postnorm_conv1`.
        normalization: `none`, `batch`, `instance`, `group` (8 groups) or `layer`, for each convolution.
        activation: name of a function in `keras.activations`, or a layer with its arguments, `{"LeakyReLU": {"negative_slope": 0.01}}`.
        bias: `auto` leaves out the biases that a norm makes redundant, `always` keeps them.
        dropout: float or one per stage (`depth` + 1 values), rates at the end of each encoder stage and of the bottleneck.
        decoder_dropout: float or one per decoder stage (`depth` values), shallowest first.
        dropout_kind: `element`, or `spatial`, which drops whole maps.
        initializer: name of an initializer in `keras.initializers`, of every kernel but the head's.
        l2: float, weight of the L2 penalty on these kernels.
        deep_supervision: int, extra heads at decoder stages 2, 3, ..., at their own resolutions. The model is then a `DeeplySupervised`,
            compiled and fitted like any other.
        encoder: a classifier in place of the contracting path: the name of a preset (`resnet34`), or a mapping with `preset` or `builder`
            and arguments, such as `{"preset": "resnet50_v1", "weights": "imagenet"}`. Its last map of every resolution is a skip; a last
            decoder stage without skip restores the size of the image where the classifier begins with a stride. The arguments above
            describe the decoder then, which has two convolutions of size 3 and 16, 32, 64, ... filters unless told otherwise; those of
            the contracting path (`filters`, `depth`, `blocks`, `kernel_size`, `dilation`, `strides`, `downsampling`,
            `downsampling_kernel`, `dropout`, `padding`) keep their defaults. Maps of ceil(size / stride) positions are
            needed; by what fractions of a position they lie beside the decoder's, `kzoo.profile(model).misaligned` tells.
        classifier_activation: `auto` (sigmoid for one map, softmax for more), `sigmoid`, `softmax`, or None for logits.
        weights: None, or the path of a `.keras` or `.weights.h5` file; see `kzoo.models.load_weights`.
        name: str, the name of the model.

    Returns:
        An uncompiled functional `keras.Model` from `(batch, *spatial, channels)` to `(batch, *spatial, num_classes)`, float32
        output also under mixed precision; a list of such maps with deep supervision, the main one first. Layers are named by stage:
        `encoder1_conv1`, `bottleneck_conv2`, `decoder1_up`, `head`.

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
    check_weights(weights)
    trunk = None
    if encoder is not None:
        _check_own(locals())
        trunk = attach(encoder, input_shape)
        filters, depth, strides = trunk.filters, len(trunk.strides), trunk.strides
        decoder_filters = DECODER_FILTERS if decoder_filters is None else decoder_filters
    plan = make_plan(
        style=Style(rank, padding, activation, normalization, block_order, convolution, bias, initializer, l2),
        depth=depth,
        filters=filters,
        decoder_filters=decoder_filters,
        blocks=blocks,
        decoder_blocks=decoder_blocks,
        kernel_size=kernel_size,
        decoder_kernel_size=decoder_kernel_size,
        dilation=dilation,
        strides=strides,
        downsampling=downsampling,
        downsampling_kernel=downsampling_kernel,
        upsampling=upsampling,
        upsampling_kernel=upsampling_kernel,
        dropout=dropout,
        decoder_dropout=decoder_dropout,
        dropout_kind=dropout_kind,
        skip=skip,
        deep_supervision=deep_supervision,
    )
    margins = skip_margins(plan, input_shape)
    activation_of_heads = b.head_activation(classifier_activation, num_classes)

    if trunk is None:
        image = keras.Input(input_shape, name="image")
        x = pad_to_multiple(image, multiples(plan), "image") if padding == "same" else image
        x, skips = _encoder(x, plan)
        maps = _decoder(x, skips, margins, plan)
    else:
        image, (*skips, x) = trunk.image, trunk.maps
        maps = _decoder(x, skips, margins, plan, sizes=[image if skip is None else skip for skip in skips])
    outputs = [_head(maps[stage], image, stage, num_classes, activation_of_heads, plan) for stage in range(deep_supervision + 1)]
    if not deep_supervision:
        return keras.Model(image, outputs[0], name=name)
    model = DeeplySupervised(image, outputs, name=name)
    model.scales = [_scale(plan, stage) for stage in range(deep_supervision + 1)]
    return model


def _check_own(given: Mapping[str, Any]) -> None:
    """Raises `ArgumentError` for arguments of the contracting path beside a classifier that takes its place."""
    parameters = inspect.signature(build_unet).parameters
    for argument in OWN:
        default = parameters[argument].default
        if given[argument] != default:
            raise ArgumentError(
                argument,
                f"expected {default!r}, its default, since the encoder is a classifier. Received: {given[argument]!r}. "
                'Leave it out; arguments of the classifier stand in encoder={"preset": ..., ...}.',
            )
    if given["upsampling"] == "max_unpool":
        raise ArgumentError("upsampling", "expected another one, since a classifier keeps no pooling indices. Received: max_unpool.")


def _encoder(x, plan: Plan):
    """The contracting path and the bottleneck; returns the bottleneck's map and the skips, shallowest first."""
    skips = []
    for stage in range(plan.depth):
        name = f"encoder{stage + 1}"
        x = _encoder_stage(x, stage, plan, name)
        skips.append(x)
        x = _downsample(x, stage, plan, name)
    return _encoder_stage(x, plan.depth, plan, "bottleneck"), skips


def _downsample(x, stage: int, plan: Plan, name: str):
    """Nothing where the next stage's first convolution is strided."""
    kernel, strides = plan.downsampling_kernels[stage], plan.strides[stage]
    match plan.downsampling:
        case "strided_first_conv":
            return x
        case "strided_conv_widen":
            return downsample(x, "strided_conv", strides, plan.style, name, kernel, plan.style.padding, plan.filters[stage + 1])
        case kind:
            return downsample(x, kind, strides, plan.style, name, kernel, plan.style.padding)


def _encoder_stage(x, stage: int, plan: Plan, name: str):
    """The first block of all comes bare: there is nothing before it that a norm or an activation should change."""
    for number in range(1, plan.blocks[stage] + 1):
        strided = plan.downsampling == "strided_first_conv" and stage > 0 and number == 1
        x = b.conv(
            x,
            plan.filters[stage],
            plan.kernel_sizes[stage],
            plan.style,
            f"{name}_{plan.style.block_name(f'conv{number}')}",
            strides=plan.strides[stage - 1] if strided else 1,
            dilation=plan.dilations[stage],
            bare=stage == 0 and number == 1,
        )
    return b.dropout(x, plan.dropout[stage], name, plan.dropout_kind, plan.style.rank)


def _decoder(x, skips, margins: Sequence[Margins], plan: Plan, sizes: Sequence | None = None) -> list:
    """The expanding path: up-sample, crop the skip to size, join, convolve; deepest stage first. Returns all maps, shallowest first.

    Where `sizes` are given, strides need not come out even, and what is up-sampled is cut to the size of these maps.
    """
    maps = []
    for stage in reversed(range(plan.depth)):
        name = f"decoder{stage + 1}"
        skip = crop(skips[stage], margins[stage], name) if plan.joins and skips[stage] is not None else None
        width = plan.decoder_filters[stage] if skip is None else plan.up_filters(stage)
        x = upsample(x, plan.upsampling, width, plan.strides[stage], plan.style, name, kernel=plan.upsampling_kernels[stage], pooled=skip)
        x = crop_to(x, sizes[stage], (1,) * plan.style.rank, f"{name}_up") if sizes else x
        x = x if skip is None else join(skip, x, plan.skip, plan.style, name)
        x = _decoder_stage(x, stage, plan, name)
        maps.append(x)
    return maps[::-1]


def _decoder_stage(x, stage: int, plan: Plan, name: str):
    for number in range(1, plan.decoder_blocks[stage] + 1):
        block = f"{name}_{plan.style.block_name(f'conv{number}')}"
        x = b.conv(x, plan.decoder_filters[stage], plan.decoder_kernel_sizes[stage], plan.style, block, dilation=plan.dilations[stage])
    return b.dropout(x, plan.decoder_dropout[stage], name, plan.dropout_kind, plan.style.rank)


def _head(x, image, stage: int, num_classes: int, activation: str | None, plan: Plan):
    """The classifier of a decoder stage, `head` for the first, cut back to the size of the image."""
    name = "head" if stage == 0 else f"decoder{stage + 1}_head"
    if plan.style.order == "norm-act-conv":
        x = b.normalize_and_activate(x, plan.style, name)
    if plan.style.padding == "same" and max(multiples(plan)) > 1:
        x = crop_to(x, image, _scale(plan, stage), name)
    return b.head(x, num_classes, activation, plan.style.rank, name)


def _scale(plan: Plan, stage: int) -> tuple[int, ...]:
    """Pixels of the image per position of a stage, per axis."""
    return tuple(prod(strides[axis] for strides in plan.strides[:stage]) for axis in range(plan.style.rank))
