"""How the size of a map changes through a U-Net, along one axis: legal sizes, and what is cut off the skips.

With `padding="same"` a legal size is a multiple of all strides together, and any other size is padded to one. With `valid`, every
window takes off what it does not fill, and the sizes have to come out even.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import NamedTuple

from ..errors import ArgumentError
from ..layers import upsampling as up
from .stages import SpatialShape
from .unet_plan import Plan

Margins = tuple[tuple[int, int], ...]


class Walk(NamedTuple):
    """A way down and up along one axis.

    Attributes:
        skips: size of the encoder's map at every skip, shallowest first.
        margins: rows to cut off each skip in total; None where the size is not legal.
        collapsed: name of the stage that leaves nothing of its map, and the size it gets, if one does.
    """

    skips: list[int]
    margins: list[int] | None
    collapsed: tuple[str, int] | None = None


def multiples(plan: Plan) -> tuple[int, ...]:
    """The product of all strides, per axis."""
    return tuple(map(prod, zip(*plan.strides, strict=True)))


def legal_sizes(plan: Plan, axis: int) -> tuple[int, int]:
    """The sizes n that come out even along an axis, as (period, smallest): n % period == smallest % period, n >= smallest."""
    period = multiples(plan)[axis] if plan.joins else 1
    if plan.style.padding == "same":
        return period, period
    size = 1
    while walk(plan, axis, size).margins is None:
        size += 1
    return period, size


def skip_margins(plan: Plan, input_shape: SpatialShape) -> list[Margins]:
    """Rows to cut off both ends of every skip, per stage and axis; refuses sizes that the network cannot take."""
    _check_depth(plan, input_shape)
    if plan.style.padding == "same":
        return [((0, 0),) * plan.style.rank] * plan.depth
    per_axis = []
    for axis, size in enumerate(input_shape[:-1]):
        period, smallest = legal_sizes(plan, axis)
        if size is not None and walk(plan, axis, size).margins is None:
            raise ArgumentError("input_shape", _illegal(plan, axis, tuple(input_shape), period, smallest))
        margins = walk(plan, axis, smallest).margins
        assert margins is not None
        per_axis.append([_cut(plan, stage, axis, margin) for stage, margin in enumerate(margins)])
    return list(zip(*per_axis, strict=True))


def _cut(plan: Plan, stage: int, axis: int, margin: int) -> tuple[int, int]:
    """Half on each side, an odd row at the end; unpooling needs whole windows."""
    unit = plan.strides[stage][axis] if plan.upsampling == "max_unpool" else 1
    before = margin // unit // 2 * unit
    return before, margin - before


def walk(plan: Plan, axis: int, size: int) -> Walk:
    """Follows a size through unpadded stages, down and up."""
    skips: list[int] = []
    even = True
    for name, windows, skip in _encoder(plan, axis):
        for span, stride in windows:
            if size < span:
                return Walk(skips, None, (name, size))
            even = even and (not plan.joins or (size - span) % stride == 0)
            size = (size - span) // stride + 1
        if skip:
            skips.append(size)
    margins = []
    for stage in reversed(range(plan.depth)):
        stride = plan.strides[stage][axis]
        before, after = up.borders(plan.upsampling, plan.upsampling_kernels[stage][axis], stride)
        name, received = f"decoder{stage + 1}", size
        size = (size - before) * stride - after
        margins.append(skips[stage] - size)
        span, blocks = _span(plan.decoder_kernel_sizes[stage][axis], plan.dilations[stage][axis]), plan.decoder_blocks[stage]
        size -= blocks * (span - 1)
        if size < 1:
            return Walk(skips, None, (name, received))
    return Walk(skips, margins[::-1] if even else None)


def _encoder(plan: Plan, axis: int) -> Iterator[tuple[str, list[tuple[int, int]], bool]]:
    """The windows, (span, stride), that a map passes on its way down; True where its skip leaves."""
    for stage in range(plan.depth + 1):
        name = f"encoder{stage + 1}" if stage < plan.depth else "bottleneck"
        span = _span(plan.kernel_sizes[stage][axis], plan.dilations[stage][axis])
        windows = [(span, 1)] * plan.blocks[stage]
        if stage and plan.downsampling == "strided_first_conv":
            windows[0] = (span, plan.strides[stage - 1][axis])
        yield name, windows, stage < plan.depth
        if stage < plan.depth and plan.downsampling != "strided_first_conv":
            yield f"{name}_down", _down(plan, stage, axis), False


def _down(plan: Plan, stage: int, axis: int) -> list[tuple[int, int]]:
    kernel, stride = plan.downsampling_kernels[stage][axis], plan.strides[stage][axis]
    if stride == 1:
        return [(kernel, 1)]
    return [(stride, 1), (kernel, stride)] if plan.downsampling == "blur_pool" else [(kernel, stride)]


def _span(kernel: int, dilation: int) -> int:
    return dilation * (kernel - 1) + 1


def _check_depth(plan: Plan, input_shape: SpatialShape) -> None:
    """Refuses a padded network in which a map of size 1 is divided further, so that the deepest stages see nothing but padding."""
    if plan.style.padding == "valid":
        return
    _check_bottleneck(plan, input_shape)
    for axis, full in enumerate(input_shape[:-1]):
        size = full
        for stage, strides in enumerate(plan.strides):
            if size == 1 and strides[axis] > 1:
                place = f"encoder{stage + 1} gets a map of size 1 along axis {axis + 1}"
                remedy = f"Use depth={stage} or a larger input." if stage else "Use a stride of 1 along that axis."
                raise ArgumentError(
                    "input_shape",
                    f"expected larger sizes for depth={plan.depth}: {place} and cannot "
                    f"divide it by {strides[axis]}. Received: {tuple(input_shape)}. {remedy}",
                )
            size = None if size is None else -(-size // strides[axis])


def _check_bottleneck(plan: Plan, input_shape: SpatialShape) -> None:
    """Instance norm makes zeros of a map of one position, so that nothing below it learns."""
    sizes = input_shape[:-1]
    single = all(size is not None and size <= step for size, step in zip(sizes, multiples(plan), strict=True))
    if plan.style.normalization == "instance" and single:
        raise ArgumentError(
            "input_shape",
            f'expected larger sizes for depth={plan.depth} and normalization="instance": the bottleneck\'s maps have one position each, of '
            f"which the norm makes zeros. Received: {tuple(input_shape)}. Use a smaller depth, a larger input or another normalization.",
        )


def _illegal(plan: Plan, axis: int, shape: tuple, period: int, smallest: int) -> str:
    """What to write for a size that the network cannot take: the nearest ones that it can, or a depth that fits."""
    size = shape[axis]
    below = size - (size - smallest) % period
    nearest = f"are {below} and {below + period}" if below >= smallest else f"is {smallest}"
    collapsed = walk(plan, axis, size).collapsed
    reason = f" {collapsed[0]} gets a map of size {collapsed[1]} and leaves nothing of it." if collapsed else ""
    return (
        f"expected spatial sizes n with n % {period} == {smallest % period} and n >= {smallest} "
        f'for padding="valid" and depth={plan.depth}; the nearest to {size} {nearest}. Received: {shape}.{reason}'
        + (_shallower(plan, shape) if size < smallest else "")
    )


def _shallower(plan: Plan, shape: tuple) -> str:
    """The largest smaller depth that fits along every axis, as a remedy."""
    sizes = [(axis, size) for axis, size in enumerate(shape[:-1]) if size is not None]
    for depth in range(plan.depth - 1, 0, -1):
        if all(walk(_cut_to(plan, depth), axis, size).margins is not None for axis, size in sizes):
            return f" depth={depth} would fit."
    return ""


def _cut_to(plan: Plan, depth: int) -> Plan:
    """The same network with fewer stages."""
    longer = ("filters", "blocks", "kernel_sizes", "dilations", "dropout")
    names = ("decoder_filters", "decoder_blocks", "decoder_kernel_sizes", "decoder_dropout", "strides")
    kernels = ("downsampling_kernels", "upsampling_kernels")
    cut = {name: getattr(plan, name)[: depth + 1] for name in longer} | {name: getattr(plan, name)[:depth] for name in (*names, *kernels)}
    return replace(plan, **cut)
