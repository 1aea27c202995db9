"""Layers that rearrange, cut or reduce axes."""

from keras import layers

from ...layers import ChannelShuffle, ChannelSlice, PadChannels
from ..facts import Facts, operations, rule
from ..graph import Call, axis_order
from ..layout import Part, held, regroup
from ..moves import Window


@rule(layers.Flatten)
@operations("ExpandDims")
def flatten(call: Call) -> Facts:  # noqa: ARG001
    return Facts(positions="regrouped", stops=(), shares="always")


@rule(layers.Embedding)
def embedding(call: Call) -> Facts:  # noqa: ARG001
    """A row of its table for every number; it multiplies nothing."""
    return Facts(positions="lost", stops=())


@rule(layers.Reshape)
@operations("Reshape")
def reshape(call: Call) -> Facts:
    """It demands the sizes that it names; positions that go into an axis of -1 can be of any number."""
    target = getattr(call.layer, "target_shape", None) or call.layer.newshape[1:]
    spatial = call.spatial_axes
    runs = tuple((Part(size, axis if axis in spatial else None),) for axis, size in enumerate(call.input_shape))
    made = regroup(runs, call.output_shape)
    free = held(made[1 + target.index(-1)]) if made and -1 in target else ()
    fixed = tuple(axis for axis in range(1, len(runs)) if axis not in free)
    return Facts(positions="regrouped", stops=(), fixed=fixed, shares="always")


@operations("Squeeze")
def squeeze(call: Call) -> Facts:
    ones = tuple(axis for axis, size in enumerate(call.input_shape) if size == 1)
    return Facts(positions="regrouped", stops=(), fixed=ones, shares="always")


@rule(layers.Permute)
@operations("Transpose", "Swapaxes", "Moveaxis")
def reorder(call: Call) -> Facts | None:
    """Unknown where the batch is moved."""
    order = axis_order(call)
    return Facts(order=order, stops=()) if order and order[0] == 0 else None


@operations("Mean", "Sum", "Max", "Min", "Amax", "Amin", "Var", "Std", "Prod")
def reduction(call: Call) -> Facts | None:
    """Over the channels alone it is local; unknown over the batch."""
    axis, rank = call.layer.axis, len(call.input_shape)
    axes = range(rank) if axis is None else axis if isinstance(axis, list | tuple) else (axis,)
    over = tuple(a % rank for a in axes)
    kept = tuple(a for a in range(rank) if call.layer.keepdims or a not in over)
    return None if 0 in over else Facts(mixes=over, order=kept, stops=())


@operations("GetItem")
def get_item(call: Call) -> Facts | None:
    """Slices that begin and end at a distance from the border of the map: of positions a window of 1, of channels anything."""
    cuts = _cuts(call.arguments.args[1], len(call.input_shape))
    if all(cut is None or cut == slice(None) for cut in cuts):
        return Facts(positions="regrouped", stops=(), shares="always")
    if len(cuts) != len(call.input_shape) or not all(map(_is_plain, cuts)) or cuts[0] != slice(None):
        return None
    moves = [_window(cuts[axis]) for axis in call.spatial_axes]
    known = tuple(move for move in moves if move is not None)
    return Facts(moves=known) if len(known) == len(moves) else None


def _cuts(key, rank: int) -> tuple:
    """What is taken along every axis, an ellipsis written out; None for a new axis."""
    cuts = tuple(key) if isinstance(key, tuple | list) else (key,)
    rest = next((number for number, cut in enumerate(cuts) if cut is Ellipsis), len(cuts))
    named = [cut for cut in cuts if cut is not None and cut is not Ellipsis]
    return (*cuts[:rest], *[slice(None)] * (rank - len(named)), *cuts[rest + 1 :])


def _is_plain(cut) -> bool:
    return isinstance(cut, slice) and all(number is None or isinstance(number, int) for number in (cut.start, cut.stop, cut.step))


def _window(cut: slice) -> Window | None:
    """None where what is cut depends on the size of the map."""
    start, stop, step = cut.start or 0, cut.stop or 0, cut.step or 1
    return Window(1, step, padding=(-start, stop)) if start >= 0 >= stop and step > 0 and cut.stop != 0 else None


@rule(PadChannels)
def pad_channels(call: Call) -> Facts:  # noqa: ARG001
    return Facts(stops=())


@rule(ChannelShuffle, ChannelSlice)
def rearrange_channels(call: Call) -> Facts:  # noqa: ARG001
    return Facts()
