"""Layers that rearrange, cut or reduce axes."""

from keras import layers

from ..facts import Facts, operations, rule
from ..graph import Call
from ..layout import Part, held, regroup
from ..moves import Window


@rule(layers.Flatten)
@operations("ExpandDims")
def flatten(call: Call) -> Facts:  # noqa: ARG001
    return Facts(positions="regrouped", stops=(), shares="always")


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
def permute(call: Call) -> Facts:
    return Facts(order=(0, *call.layer.dims), stops=())


@operations("Transpose")
def transpose(call: Call) -> Facts | None:
    """Unknown where the batch is moved."""
    rank = len(call.input_shape)
    axes = tuple(axis % rank for axis in call.layer.axes or range(rank)[::-1])
    return Facts(order=axes, stops=()) if axes[0] == 0 else None


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
    key = call.arguments.args[1]
    slices = key if isinstance(key, tuple) else (key,)
    if len(slices) > len(call.input_shape) or not all(isinstance(cut, slice) for cut in slices):
        return None
    slices += (slice(None),) * (len(call.input_shape) - len(slices))
    moves = [_window(slices[axis]) for axis in call.spatial_axes]
    known = [move for move in moves if move is not None]
    if slices[0] != slice(None) or len(known) < len(moves):
        return None
    return Facts(moves=tuple(known))


def _window(cut: slice) -> Window | None:
    """None where what is cut depends on the size of the map."""
    start, stop, step = cut.start or 0, cut.stop or 0, cut.step or 1
    return Window(1, step, padding=(-start, stop)) if start >= 0 >= stop and step > 0 and cut.stop != 0 else None
