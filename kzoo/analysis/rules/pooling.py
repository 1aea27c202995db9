"""Pooling over windows and over everything."""

from keras import layers

from ...layers import BlurPool, TrainableSubsampling
from ..counting import per_axis
from ..facts import Facts, rule
from ..graph import Call
from ..moves import Window


@rule(
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
)
def pooling(call: Call) -> Facts:
    layer, rank = call.layer, len(call.spatial_axes)
    sizes = zip(per_axis(layer.pool_size, rank), per_axis(layer.strides, rank), strict=True)
    return Facts(moves=tuple(Window(size, stride, padding=layer.padding) for size, stride in sizes))


@rule(
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalAveragePooling3D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalMaxPooling3D,
)
def global_pooling(call: Call) -> Facts:  # noqa: ARG001
    return Facts(reach="global", positions="lost")


@rule(TrainableSubsampling)
def trainable_subsampling(call: Call) -> Facts:
    """Like batch normalization, its factor per map counts no MACs."""
    layer = call.layer
    windows = tuple(Window(size, stride, padding=layer.padding) for size, stride in zip(layer.pool_size, layer.strides, strict=True))
    return Facts(moves=windows, fixed=(call.channel_axis,))


@rule(BlurPool)
def blur_pool(call: Call) -> Facts:
    """Its filter is fixed, so that it counts no MACs."""
    reach = call.layer.kernel_size - 1
    pads = (reach // 2, reach - reach // 2) if call.layer.padding == "same" else (0, 0)
    strides = per_axis(call.layer.strides, len(call.spatial_axes))
    return Facts(moves=tuple(Window(reach + 1, s, padding=pads) if s > 1 else Window(1) for s in strides))
