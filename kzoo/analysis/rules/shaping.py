"""Layers that rearrange or reduce axes."""

from keras import layers

from ..facts import Facts, operations, rule
from ..graph import Call


@rule(layers.Flatten)
@operations("Ravel")
def flatten(call: Call) -> Facts:  # noqa: ARG001
    return Facts(reach="global", positions="lost", fixed=True, shares="always")


@rule(layers.Reshape)
@operations("Reshape")
def reshape(call: Call) -> Facts:
    """Positions are kept where all spatial axes keep their place and size."""
    before, after = call.input_shape, call.output_shape
    end = call.spatial_axes.stop
    kept = call.data_format == "channels_last" and len(after) > end and before[:end] == after[:end] and None not in before[1:end]
    if kept:
        return Facts(fixed=True, shares="always")
    return Facts(reach="global", positions="lost", fixed=True, shares="always")


@rule(layers.Permute)
def permute(call: Call) -> Facts:
    return Facts(order=(0, *call.layer.dims))


@operations("Transpose")
def transpose(call: Call) -> Facts:
    rank = len(call.input_shape)
    axes = call.layer.axes or range(rank)[::-1]
    return Facts(order=tuple(axis % rank for axis in axes))


@operations("Mean", "Sum", "Max", "Min", "Amax", "Amin", "Var", "Std", "Prod")
def reduction(call: Call) -> Facts:
    """Over the channels alone and keeping the axis it is local; anything else is counted as global."""
    axis, rank = call.layer.axis, len(call.input_shape)
    axes = range(rank) if axis is None else axis if isinstance(axis, list | tuple) else (axis,)
    if call.layer.keepdims and all(a % rank == call.channel_axis for a in axes):
        return Facts()
    return Facts(reach="global", positions="lost")
