"""A U-Net's hyperparameters after checking and broadcasting: one value per stage, shallowest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

from ..errors import ArgumentError, check_choice
from ..layers import downsampling as down
from ..layers import upsampling as up
from ..layers.blocks import DropoutKind
from ..layers.skips import Skip
from ..layers.style import Style, check_groups, check_style
from ..layers.upsampling import Upsampling
from . import stages

UNetDownsampling = Literal["max_pool", "avg_pool", "strided_conv", "strided_conv_widen", "strided_first_conv", "blur_pool"]
PerAxis = tuple[int, ...]

CELLS = tuple((down, up) for down in get_args(UNetDownsampling) for up in get_args(Upsampling) if up != "max_unpool" or down == "max_pool")
"""The grid: every pair of down-sampling and up-sampling that can be built."""


@dataclass(frozen=True)
class Plan:
    """Everything that the builder needs, in full.

    `filters`, `blocks`, `kernel_sizes`, `dilations` and `dropout` hold `depth` + 1 values, the bottleneck's last; those of the decoder,
    `strides` and the kernels of both resamplings hold `depth` values.
    """

    style: Style
    filters: tuple[int, ...]
    blocks: tuple[int, ...]
    kernel_sizes: tuple[PerAxis, ...]
    dilations: tuple[PerAxis, ...]
    dropout: tuple[float, ...]
    decoder_filters: tuple[int, ...]
    decoder_blocks: tuple[int, ...]
    decoder_kernel_sizes: tuple[PerAxis, ...]
    decoder_dropout: tuple[float, ...]
    dropout_kind: DropoutKind
    strides: tuple[PerAxis, ...]
    downsampling: UNetDownsampling
    downsampling_kernels: tuple[PerAxis, ...]
    upsampling: Upsampling
    upsampling_kernels: tuple[PerAxis, ...]
    skip: Skip
    deep_supervision: int

    @property
    def depth(self) -> int:
        return len(self.strides)

    @property
    def joins(self) -> bool:
        """Whether maps of the encoder meet those of the decoder, so that their sizes have to agree."""
        return self.skip != "none" or self.upsampling == "max_unpool"

    def up_filters(self, stage: int) -> int:
        """Channels that an up-sampling into a stage gives: unpooling needs those of the map that was pooled, an added skip as well."""
        encoder = self.upsampling == "max_unpool" or self.skip == "add"
        return self.filters[stage] if encoder else self.decoder_filters[stage]


def make_plan(
    *,
    style: Style,
    depth: int,
    filters,
    decoder_filters,
    blocks,
    decoder_blocks,
    kernel_size,
    decoder_kernel_size,
    dilation,
    strides,
    downsampling: UNetDownsampling,
    downsampling_kernel,
    upsampling: Upsampling,
    upsampling_kernel,
    dropout,
    decoder_dropout,
    dropout_kind: DropoutKind,
    skip: Skip,
    deep_supervision: int,
) -> Plan:
    """Broadcasts and checks the arguments of `build_unet`."""
    check_choice("downsampling", downsampling, get_args(UNetDownsampling))
    check_choice("upsampling", upsampling, get_args(Upsampling))
    check_choice("skip", skip, get_args(Skip))
    check_choice("dropout_kind", dropout_kind, get_args(DropoutKind))
    rank, of = style.rank, f"depth={depth}"
    widths = stages.doubling(filters, depth + 1, of)
    all_blocks = _counts("blocks", blocks, depth + 1, of)
    kernels = stages.sizes_per_stage("kernel_size", kernel_size, depth + 1, rank, of)
    steps = stages.sizes_per_stage("strides", strides, depth, rank, of)
    plan = Plan(
        style=style,
        filters=widths,
        blocks=all_blocks,
        kernel_sizes=kernels,
        dilations=stages.sizes_per_stage("dilation", dilation, depth + 1, rank, of),
        dropout=_rates("dropout", dropout, depth + 1, of),
        decoder_filters=widths[:-1] if decoder_filters is None else stages.doubling(decoder_filters, depth, of, "decoder_filters"),
        decoder_blocks=all_blocks[:-1] if decoder_blocks is None else _counts("decoder_blocks", decoder_blocks, depth, of),
        decoder_kernel_sizes=(
            kernels[:-1]
            if decoder_kernel_size is None
            else stages.sizes_per_stage("decoder_kernel_size", decoder_kernel_size, depth, rank, of)
        ),
        decoder_dropout=_rates("decoder_dropout", decoder_dropout, depth, of),
        dropout_kind=dropout_kind,
        strides=steps,
        downsampling=downsampling,
        downsampling_kernels=_windows("downsampling_kernel", downsampling_kernel, steps, of, partial(down.default_kernel, downsampling)),
        upsampling=upsampling,
        upsampling_kernels=_windows("upsampling_kernel", upsampling_kernel, steps, of, partial(up.default_kernel, upsampling)),
        skip=skip,
        deep_supervision=deep_supervision,
    )
    _check(plan, downsampling_kernel)
    return plan


def _counts(argument: str, value: Any, count: int, of: str) -> tuple[int, ...]:
    result = stages.per_stage(argument, value, count, of)
    for number in result:
        stages.check_positive(argument, number)
    return result


def _rates(argument: str, value: Any, count: int, of: str) -> tuple[float, ...]:
    result = stages.per_stage(argument, value, count, of)
    for rate in result:
        stages.check_rate(argument, rate)
    return result


def _windows(argument: str, value: Any, strides: Sequence[PerAxis], of: str, default: Callable[[PerAxis], PerAxis]) -> tuple[PerAxis, ...]:
    """Kernels of the resamplings; a single size holds for the axes that are resampled, the others are 1 wide."""
    given = stages.per_stage(argument, value, len(strides), of)
    if value is not None and max(map(max, strides)) == 1:
        raise ArgumentError(argument, f"expected None, since every stride is 1. Received: {value}.")
    return tuple(_window(argument, size, stride, default) for size, stride in zip(given, strides, strict=True))


def _window(argument: str, size: Any, strides: PerAxis, default: Callable[[PerAxis], PerAxis]) -> PerAxis:
    if size is None:
        return default(strides)
    if isinstance(size, Sequence):
        return stages.axes(argument, size, len(strides))
    width = stages.axes(argument, size, 1)[0]
    return tuple(width if step > 1 else 1 for step in strides)


def _check_windows(plan: Plan) -> None:
    for kernel, strides in zip(plan.downsampling_kernels, plan.strides, strict=True):
        down.check_window(plan.downsampling, kernel, strides)
        if max(strides) == 1 < max(kernel):
            raise ArgumentError(
                "downsampling_kernel",
                f"expected None or 1 where all strides are 1, since nothing is down-sampled there. Received: {list(kernel)}.",
            )
    for kernel, strides in zip(plan.upsampling_kernels, plan.strides, strict=True):
        up.check_window(plan.upsampling, kernel, strides)


def _check(plan: Plan, downsampling_kernel: Any) -> None:
    check_style(plan.style)
    check_groups("filters", plan.filters, plan.style)
    check_groups("decoder_filters", plan.decoder_filters, plan.style)
    _check_windows(plan)
    _check_parity("kernel_size", plan.kernel_sizes, plan)
    _check_parity("decoder_kernel_size", plan.decoder_kernel_sizes, plan)
    if plan.downsampling == "strided_first_conv":
        _check_strided_first_conv(plan, downsampling_kernel)
    if plan.downsampling == "blur_pool":
        _check_blur_pool(plan)
    if plan.upsampling == "max_unpool":
        _check_unpooling(plan)
    stages.check_positive("deep_supervision", plan.deep_supervision, least=0)
    if plan.deep_supervision >= plan.depth:
        raise ArgumentError(
            "deep_supervision",
            f"expected at most {plan.depth - 1} extra heads for depth={plan.depth}, since the decoder has {plan.depth} stages "
            f"and the first has the main head. Received: {plan.deep_supervision}.",
        )
    if plan.deep_supervision and plan.style.padding == "valid":
        raise ArgumentError(
            "deep_supervision",
            'expected 0 for padding="valid", where deeper maps show more of the image than the output. '
            f'Received: {plan.deep_supervision}. Use padding="same".',
        )


def _check_parity(argument: str, kernels: Sequence[PerAxis], plan: Plan) -> None:
    even = [size for kernel in kernels for size in kernel if size % 2 == 0]
    if even and plan.style.padding == "same":
        raise ArgumentError(
            argument,
            f'expected odd sizes with padding="same", where an even kernel shifts the map by half a pixel. Received: {even[0]}. '
            f'Use {even[0] - 1} or {even[0] + 1}, or padding="valid".',
        )


def _check_strided_first_conv(plan: Plan, downsampling_kernel: Any) -> None:
    if downsampling_kernel is not None:
        raise ArgumentError(
            "downsampling_kernel",
            'expected None for downsampling="strided_first_conv", whose window is the next stage\'s kernel_size. '
            f"Received: {downsampling_kernel}.",
        )
    for stage, strides in enumerate(plan.strides, start=1):
        for kernel, dilation, stride in zip(plan.kernel_sizes[stage], plan.dilations[stage], strides, strict=True):
            if stride > kernel:
                raise ArgumentError(
                    "kernel_size",
                    f"expected at least the stride, {stride}, in stage {stage + 1}, whose first convolution has it. Received: {kernel}.",
                )
            if stride > 1 and dilation > 1:
                raise ArgumentError(
                    "dilation",
                    f'expected 1 in stage {stage + 1}, whose first convolution is strided by downsampling="strided_first_conv". '
                    f"Received: {dilation}. Use another downsampling.",
                )
        if plan.style.convolution == "separable" and len(set(strides)) > 1:
            raise ArgumentError(
                "strides", f"expected the same stride along all axes for strided separable convolutions. Received: {list(strides)}."
            )


def _check_blur_pool(plan: Plan) -> None:
    for kernel, strides in zip(plan.downsampling_kernels, plan.strides, strict=True):
        sizes = {size for size, stride in zip(kernel, strides, strict=True) if stride > 1}
        if len(sizes) > 1:
            raise ArgumentError(
                "downsampling_kernel", f"expected one size for all axes that blur_pool resamples. Received: {list(kernel)}."
            )


def _check_unpooling(plan: Plan) -> None:
    if plan.downsampling != "max_pool":
        raise ArgumentError(
            "upsampling",
            'expected downsampling="max_pool" for max_unpool, which puts values back where pooling took them from. '
            f"Received: downsampling={plan.downsampling}. Use max_pool, or another upsampling.",
        )
    if plan.downsampling_kernels != plan.strides:
        raise ArgumentError(
            "downsampling_kernel",
            'expected windows of the stride\'s size for upsampling="max_unpool". '
            f"Received: {list(map(list, plan.downsampling_kernels))}. Leave it out.",
        )
