"""Layers that join several tensors position by position."""

import numpy as np
from keras import layers

from ...layers import StochasticDepthAdd
from ...stack import KerasTensor, tree
from ..facts import Facts, operations, rule
from ..graph import Call


@rule(layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum, StochasticDepthAdd)
@operations("CustomScaleLayer")
def element_wise(call: Call) -> Facts:  # noqa: ARG001
    return Facts(stops=())


@operations("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", "Power")
def element_wise_function(call: Call) -> Facts | None:
    """Unknown for tensors of several ranks, which are aligned at the last axis. Constants fix the sizes that they have."""
    if len({len(shape) for shape in call.input_shapes}) > 1:
        return None
    rank = len(call.input_shape)
    values = tree.flatten((call.arguments.args, call.arguments.kwargs))
    constants = [np.shape(value) for value in values if not isinstance(value, KerasTensor)]
    fixed = {rank - len(shape) + axis for shape in constants for axis, size in enumerate(shape) if size > 1}
    return Facts(stops=(), fixed=tuple(sorted(fixed)))


@rule(layers.Concatenate)
@operations("Concatenate")
def concatenate(call: Call) -> Facts | None:
    """Positions are kept where features are joined, and not followed where positions are."""
    rank = len(call.input_shape)
    axis = call.layer.axis
    return None if axis is None or axis % rank == 0 else Facts(stops=(axis % rank,))
