"""Layers that join several tensors position by position."""

from keras import layers

from ..facts import Facts, operations, rule
from ..graph import Call


@rule(layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
@operations("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", "Power")
def element_wise(call: Call) -> Facts:  # noqa: ARG001
    return Facts()


@rule(layers.Concatenate)
@operations("Concatenate")
def concatenate(call: Call) -> Facts:
    """Positions are kept where the channels are joined; joined along another axis, they are counted as lost."""
    rank = len(call.input_shape)
    if call.layer.axis is not None and call.layer.axis % rank == call.channel_axis:
        return Facts()
    return Facts(reach="global", positions="lost", fixed=True)
