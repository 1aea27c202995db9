"""Max pooling that tells where its maxima were, and the unpooling that puts values back there.

Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 2.1; Badrinarayanan, Kendall and Cipolla 2017,
"SegNet". An index is that of `tf.nn.max_pool_with_argmax`, of one sample: `(row * width + column) * channels + channel`. `MaxUnpooling`,
which takes the map itself in place of indices and is of any rank, is what kzoo's builders use.
"""

from collections.abc import Sequence
from itertools import product
from typing import Literal

import keras

from ..errors import ArgumentError, check_choice
from ..stack import KerasTensor, ops

Padding = Literal["SAME", "VALID"]
PADDINGS = ("SAME", "VALID")


class _Windows(keras.layers.Layer):
    """What both share: windows, strides and padding, as max pooling has them."""

    def __init__(self, pool_size: int | Sequence[int], strides: int | Sequence[int], padding: Padding, **options):
        super().__init__(**options)
        check_choice("padding", padding, PADDINGS)
        self.pool_size = _pair("pool_size", pool_size)
        self.strides = _pair("strides", strides)
        self.padding = padding

    def get_config(self) -> dict:
        return {**super().get_config(), "pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}


@keras.saving.register_keras_serializable("kzoo")
class MaxPoolingWithArgmax2D(_Windows):
    """Max pooling that also returns the index of every maximum; of equal ones the first, in row-major order.

    Args:
        pool_size: int or two, rows and columns of a window.
        strides: int or two, from one window to the next.
        padding: `SAME` lets windows reach over the edges, `VALID` keeps them within the map.

    Input: `(batch, rows, columns, channels)`. Output: the maxima and their indices as int32, both of the shape of the pooled map.

    >>> import numpy as np
    >>> pooled, indices = MaxPoolingWithArgmax2D(2, 2)(np.array([[[[1.0], [3.0]], [[5.0], [5.0]]]]))
    >>> float(pooled[0, 0, 0, 0]), int(indices[0, 0, 0, 0])
    (5.0, 2)
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] = (2, 2),
        padding: Padding = "SAME",
        **options,
    ):
        super().__init__(pool_size, strides, padding, **options)

    def call(self, inputs):
        _, rows, columns, channels = ops.shape(inputs)
        margins = [(p - 1, p - 1) for p in self.pool_size]
        padded = ops.pad(inputs, [(0, 0), *margins, (0, 0)], constant_values=float("-inf"))
        over, across = self._starts(rows, 0), self._starts(columns, 1)
        windows = ops.stack([_shifted(padded, over, across, *offset) for offset in self._offsets()], axis=-1)
        best = ops.cast(ops.argmax(windows, axis=-1), "int32")
        top = _numbers(over)[:, None, None] - (self.pool_size[0] - 1) + best // self.pool_size[1]
        left = _numbers(across)[:, None] - (self.pool_size[1] - 1) + best % self.pool_size[1]
        maxima = ops.take_along_axis(windows, best[..., None], axis=-1)[..., 0]
        return maxima, (top * columns + left) * channels + ops.arange(channels, dtype="int32")

    def _offsets(self):
        return product(range(self.pool_size[0]), range(self.pool_size[1]))

    def _starts(self, size, axis: int) -> slice:
        """Where the windows of an axis start, in the map with a margin of one window less one."""
        pool, stride = self.pool_size[axis], self.strides[axis]
        if self.padding == "VALID":
            return slice(pool - 1, size, stride)
        reach = ((size + stride - 1) // stride - 1) * stride
        missing = reach + pool - size
        before = (max(missing, 0) if isinstance(missing, int) else ops.maximum(missing, 0)) // 2
        return slice(pool - 1 - before, pool - before + reach, stride)

    def compute_output_spec(self, inputs):
        shape = (inputs.shape[0], *(self._count(n, axis) for axis, n in enumerate(inputs.shape[1:3])), inputs.shape[-1])
        return KerasTensor(shape, self.compute_dtype), KerasTensor(shape, "int32")

    def _count(self, size: int | None, axis: int) -> int | None:
        lost = self.pool_size[axis] - 1 if self.padding == "VALID" else 0
        return None if size is None else -((lost - size) // self.strides[axis])


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling2D(_Windows):
    """Puts every value at the place of its index, and zero elsewhere; values with the same index are added.

    The successor of `tensorflow_addons.layers.MaxUnpooling2D`, with its names, defaults and outputs.

    Args:
        pool_size: int or two, the windows that the pooling had.
        strides: int or two, its strides.
        padding: `SAME` or `VALID`, its padding.

    Called on `updates` and `mask`, the pooled map and the indices, `(batch, rows, columns, channels)`, by position: Keras takes a keyword
    `mask` for one of its own. Output: `(batch, *sizes, channels)` with sizes `n * stride` for `SAME`, `(n - 1) * stride + pool_size` for
    `VALID`; where the map that was pooled had others, use `MaxUnpooling2DV2`.

    >>> import numpy as np
    >>> MaxUnpooling2D((1, 2), (1, 2))(np.array([[[[7.0], [8.0]]]]), np.array([[[[1], [2]]]]))[0, 0, :, 0].numpy().tolist()
    [0.0, 7.0, 8.0, 0.0]
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] = (2, 2),
        padding: Padding = "SAME",
        **options,
    ):
        super().__init__(pool_size, strides, padding, **options)

    def call(self, updates, mask):
        sizes = self.compute_output_shape(ops.shape(updates))[1:3]
        return _unpool(updates, mask, *sizes)

    def compute_output_shape(self, updates_shape, mask_shape=None):  # noqa: ARG002
        return (updates_shape[0], *(self._stretched(n, axis) for axis, n in enumerate(updates_shape[1:3])), updates_shape[-1])

    def _stretched(self, size, axis: int):
        if size is None:
            return None
        return size * self.strides[axis] if self.padding == "SAME" else (size - 1) * self.strides[axis] + self.pool_size[axis]


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling2DV2(keras.layers.Layer):
    """Puts every value at the place of its index in a map of a given size, and zero elsewhere; values with the same index are added.

    The successor of `tensorflow_addons.layers.MaxUnpooling2DV2`, with its names and outputs.

    Args:
        output_size: four ints, the shape `(batch, rows, columns, channels)` of the map that was pooled. Batch and channels are those of the
            values, whatever stands here, so that one layer serves batches of all sizes.

    Called on `updates` and `mask`, the pooled map and the indices, by position.

    >>> import numpy as np
    >>> MaxUnpooling2DV2((1, 1, 3, 1))(np.array([[[[7.0], [8.0]]]]), np.array([[[[1], [2]]]]))[0, 0, :, 0].numpy().tolist()
    [0.0, 7.0, 8.0]
    """

    def __init__(self, output_size: Sequence[int | None], **options):
        super().__init__(**options)
        if len(output_size) != 4:
            raise ArgumentError("output_size", f"expected (batch, rows, columns, channels). Received: {output_size!r}.")
        self.output_size = tuple(output_size)

    def call(self, updates, mask):
        return _unpool(updates, mask, *self.output_size[1:3])

    def compute_output_shape(self, updates_shape, mask_shape=None):  # noqa: ARG002
        return (updates_shape[0], *self.output_size[1:3], updates_shape[-1])

    def get_config(self) -> dict:
        return {**super().get_config(), "output_size": self.output_size}


def _unpool(values, indices, rows, columns):
    """Scatters the values of each sample over a map of that many rows and columns."""
    batch, channels = ops.shape(values)[0], ops.shape(values)[-1]
    size = rows * columns * channels
    sample = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1, 1))
    places = ops.reshape(ops.cast(indices, "int32") + sample * size, (-1,))
    flat = ops.segment_sum(ops.reshape(values, (-1,)), places, num_segments=batch * size)
    return ops.reshape(flat, (-1, rows, columns, channels))


def _shifted(x, over: slice, across: slice, row: int, column: int):
    """One value of every window: that of an offset from where it starts."""
    return x[:, over.start + row : over.stop + row : over.step, across.start + column : across.stop + column : across.step]


def _numbers(part: slice):
    return ops.arange(part.start, part.stop, part.step, dtype="int32")


def _pair(argument: str, value: int | Sequence[int]) -> tuple[int, int]:
    found = (value, value) if isinstance(value, int) else tuple(value)
    if len(found) != 2 or any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in found):
        raise ArgumentError(argument, f"expected a positive integer or two. Received: {value!r}.")
    return found
