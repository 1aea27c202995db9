"""Convolutions and dense layers.

MACs: a convolution multiplies output positions x kernel x (input channels / groups) x filters; a transposed one is its adjoint and
multiplies *input* positions x kernel x input channels x filters.
"""

import re
from math import prod

from keras import layers

from ...layers import ConnectedConv, RadialBasis
from ..counting import per_axis, positions, product
from ..facts import Facts, rule
from ..graph import Call
from ..moves import Move, Transposed, Window
from .activation import activated


def _windows(layer) -> tuple[Window, ...]:
    sizes = zip(layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    return tuple(Window(kernel, stride, dilation, layer.padding) for kernel, stride, dilation in sizes)


def _facts(call: Call, macs: int | None, moves: tuple[Move, ...], *, mixes: bool = True, inner: int | None = 0) -> Facts | None:
    channels = (call.channel_axis,)
    return activated(call, Facts(macs, moves, mixes=channels if mixes else (), fixed=channels, inner=inner))


@rule(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(call: Call) -> Facts | None:
    layer = call.layer
    channels = (call.input_shape[call.channel_axis] or 0) // layer.groups
    macs = product(positions(call, call.output_shape), prod(layer.kernel_size), channels, layer.filters)
    return _facts(call, macs, _windows(layer), mixes=layer.groups == 1)


@rule(ConnectedConv)
def connected_convolution(call: Call) -> Facts | None:
    """Counted are the connections of its table."""
    layer = call.layer
    connections = sum(map(len, layer.connections))
    windows = tuple(Window(kernel, stride, padding=layer.padding) for kernel, stride in zip(layer.kernel_size, layer.strides, strict=True))
    full = connections == layer.filters * (call.input_shape[call.channel_axis] or 0)
    return _facts(call, product(positions(call, call.output_shape), prod(layer.kernel_size), connections), windows, mixes=full)


@rule(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise(call: Call) -> Facts | None:
    layer = call.layer
    filters = call.output_shape[call.channel_axis]
    macs = product(positions(call, call.output_shape), prod(layer.kernel_size), filters)
    return _facts(call, macs, _windows(layer), mixes=False)


@rule(layers.SeparableConv1D, layers.SeparableConv2D)
def separable(call: Call) -> Facts | None:
    layer = call.layer
    channels = (call.input_shape[call.channel_axis] or 0) * layer.depth_multiplier
    inner = product(positions(call, call.output_shape), channels)
    macs = product(inner, prod(layer.kernel_size) + layer.filters)
    return _facts(call, macs, _windows(layer), inner=inner)


@rule(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def transposed(call: Call) -> Facts | None:
    layer = call.layer
    extra = per_axis(layer.output_padding, len(layer.kernel_size))
    sizes = zip(layer.kernel_size, layer.strides, layer.dilation_rate, extra, strict=True)
    moves = tuple(Transposed(kernel, stride, dilation, layer.padding, more) for kernel, stride, dilation, more in sizes)
    channels = call.input_shape[call.channel_axis]
    return _facts(call, product(positions(call, call.input_shape), prod(layer.kernel_size), channels, layer.filters), moves)


@rule(layers.Dense)
def dense(call: Call) -> Facts | None:
    """A dense layer works on the last axis; over maps it is a convolution of size 1, unless that axis is a spatial one."""
    last = (len(call.input_shape) - 1,)
    return activated(call, Facts(product(*call.input_shape[1:], call.layer.units), mixes=last, fixed=last))


@rule(RadialBasis)
def radial_basis(call: Call) -> Facts | None:
    """A square per unit and feature, each of a difference that is kept for the backward pass."""
    last = (len(call.input_shape) - 1,)
    squares = product(*call.input_shape[1:], call.layer.units)
    return activated(call, Facts(squares, mixes=last, fixed=last, inner=squares))


@rule(layers.EinsumDense)
def einsum_dense(call: Call) -> Facts | None:
    """Known where it is a dense layer on the last axis, as in `abc,cd->abd`."""
    given, kernel, made = re.split(",|->", call.layer.equation)
    plain = kernel == given[-1] + made[-1] and made[:-1] == given[:-1] != "" and made[-1] not in given
    if not plain or call.layer.bias_axes not in (None, made[-1]):
        return None
    last = (len(call.input_shape) - 1,)
    return activated(call, Facts(product(*call.output_shape[1:], call.input_shape[-1]), mixes=last, fixed=last))
