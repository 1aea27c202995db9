"""Max-unpooling: puts values back where max pooling took them from."""

from collections.abc import Sequence
from math import prod

import keras

from ..stack import ops
from .resampling import Resampling


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling(Resampling):
    """Puts every value at the place of the maximum of its window, and zero elsewhere.

    Badrinarayanan, Kendall and Cipolla 2017, "SegNet", section 3.1. The encoder's map is given in place of indices, which Keras's pooling
    does not return (`MaxPoolingWithArgmax2D` and `MaxUnpooling2D` work by indices); of equal maxima the first counts, in row-major order.

    Args:
        strides: int or one per axis: the window of the pooling, which was also its stride.

    Called on `[values, pooled]`: `(batch, *n, channels)` and the map that was pooled, `(batch, *(n * strides), channels)`. Output: the
    shape of the map that was pooled.

    >>> import numpy as np
    >>> MaxUnpooling(2)([np.array([[[7.0], [8.0]]]), np.array([[[1.0], [3.0], [5.0], [5.0]]])])[0, :, 0].numpy().tolist()
    [0.0, 7.0, 8.0, 0.0]
    """

    def __init__(self, strides: int | Sequence[int] = 2, **options):
        super().__init__(strides, **options)

    def call(self, inputs):
        values, pooled = inputs
        factors = self.factors(values.shape)
        rank, window = len(factors), prod(factors)
        _, *sizes, channels = ops.shape(values)
        split = [n for pair in zip(sizes, factors, strict=True) for n in pair]
        blocks = ops.reshape(pooled, (-1, *split, channels))
        outer, inner = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
        windows = ops.reshape(ops.transpose(blocks, (0, *outer, *inner, 2 * rank + 1)), (-1, *sizes, window, channels))
        chosen = ops.expand_dims(ops.argmax(windows, axis=-2), -2) == ops.arange(window)[:, None]
        filled = ops.reshape(ops.expand_dims(values, -2) * ops.cast(chosen, values.dtype), (-1, *sizes, *factors, channels))
        interleaved = [axis for pair in zip(range(1, rank + 1), range(rank + 1, 2 * rank + 1), strict=True) for axis in pair]
        stretched = [n * s for n, s in zip(sizes, factors, strict=True)]
        return ops.reshape(ops.transpose(filled, (0, *interleaved, 2 * rank + 1)), (-1, *stretched, channels))

    def compute_output_shape(self, input_shape):
        values = input_shape[0]
        sizes = (n if n is None else n * s for n, s in zip(values[1:-1], self.factors(values), strict=True))
        return (values[0], *sizes, values[-1])
