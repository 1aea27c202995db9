"""Up-sampling, padding and cropping. Interpolation has no weights and counts no MACs."""

from keras import layers

from ...layers import CropTo, LinearUpsampling, MaxUnpooling, PadToMultiple, PixelShuffle
from ..counting import per_axis
from ..facts import Facts, Reference, operations, rule
from ..graph import Call
from ..moves import Interpolation, Move, PadTo, Repeat, Window

_REACH = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


@rule(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def up_sampling(call: Call) -> Facts:
    factors = per_axis(call.layer.size, len(call.spatial_axes))
    kind = getattr(call.layer, "interpolation", "nearest")
    if kind == "nearest":
        return Facts(moves=tuple(map(Repeat, factors)))
    return Facts(moves=tuple(_interpolation(factor, _REACH[kind]) for factor in factors))


@rule(LinearUpsampling)
def linear_up_sampling(call: Call) -> Facts:
    return Facts(moves=tuple(_interpolation(factor, 1) for factor in per_axis(call.layer.strides, len(call.spatial_axes))))


@rule(PixelShuffle)
def pixel_shuffle(call: Call) -> Facts:
    return Facts(moves=tuple(map(Repeat, per_axis(call.layer.strides, len(call.spatial_axes)))))


@rule(MaxUnpooling)
def max_unpooling(call: Call) -> Facts:
    """The numbers are those of the first input; the map that was pooled only chooses their places within a window."""
    strides = per_axis(call.layer.strides, len(call.spatial_axes))
    return Facts(moves=tuple(map(Repeat, strides)), stops=(), reference=Reference((Window(1),) * len(strides), exact=True))


@rule(PadToMultiple)
def pad_to_multiple(call: Call) -> Facts:
    return Facts(moves=tuple(map(PadTo, per_axis(call.layer.strides, len(call.spatial_axes)))), stops=())


@rule(CropTo)
def crop_to(call: Call) -> Facts:
    """Positions stay; how many there are, the second input says."""
    strides = per_axis(call.layer.strides, len(call.spatial_axes))
    sizes = tuple(Window(1, stride, padding="same") for stride in strides)
    return Facts(moves=(Window(1),) * len(strides), stops=(), reference=Reference(sizes, exact=False))


@rule(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def zero_padding(call: Call) -> Facts:
    return Facts(moves=_margins(call.layer.padding, 1))


@operations("Pad")
def pad(call: Call) -> Facts | None:
    """Constants around the map; unknown where its own numbers are repeated there, or something is added to the batch."""
    rank = len(call.input_shape)
    margins = tuple(call.layer.pad_width) * (rank if len(call.layer.pad_width) == 1 else 1)
    if call.layer.mode != "constant" or any(margins[0]):
        return None
    others = tuple(axis for axis in range(1, rank) if axis not in call.spatial_axes and any(margins[axis]))
    return Facts(moves=tuple(Window(1, padding=tuple(margins[axis])) for axis in call.spatial_axes), stops=others)


@rule(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def cropping(call: Call) -> Facts:
    return Facts(moves=_margins(call.layer.cropping, -1))


def _interpolation(factor: int, reach: int) -> Move:
    return Interpolation(factor, reach) if factor > 1 else Window(1)


def _margins(margins: tuple, sign: int) -> tuple[Move, ...]:
    """A pair for 1-D, or a pair per axis."""
    pairs = margins if isinstance(margins[0], tuple) else (margins,)
    return tuple(Window(1, padding=(sign * before, sign * after)) for before, after in pairs)
