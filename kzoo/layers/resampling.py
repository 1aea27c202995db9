"""Resampling that Keras has no layer for, in any rank: blur pooling, linear up-sampling, pixel shuffle.

All work on `channels_last` maps of shape `(batch, *spatial, channels)` and on every Keras backend.
"""

import itertools
from collections.abc import Sequence
from math import comb, prod

import keras

from ..stack import ops


def _slice(x, axis: int, start: int, stop: int | None, step: int = 1):
    """`x[start:stop:step]` along one axis."""
    index = [slice(None)] * len(x.shape)
    index[axis] = slice(start, stop, step)
    return x[tuple(index)]


def _edge_pad(x, axis: int, before: int, after: int):
    """Repeats the first and last entries along one axis."""
    first = [_slice(x, axis, 0, 1)] * before
    last = [_slice(x, axis, -1, None)] * after
    return ops.concatenate([*first, x, *last], axis=axis) if before or after else x


class Resampling(keras.layers.Layer):
    """A layer without weights that is configured by one stride per spatial axis."""

    def __init__(self, strides: int | Sequence[int], **options):
        super().__init__(**options)
        self.strides = strides if isinstance(strides, int) else tuple(strides)

    def factors(self, shape: Sequence[int | None]) -> tuple[int, ...]:
        """One stride per spatial axis of a shape."""
        rank = len(shape) - 2
        return (self.strides,) * rank if isinstance(self.strides, int) else self.strides

    def get_config(self) -> dict:
        return {**super().get_config(), "strides": self.strides}


@keras.saving.register_keras_serializable("kzoo")
class BlurPool(Resampling):
    """Low-pass filters with a fixed binomial kernel, then subsamples.

    Zhang 2019, "Making convolutional networks shift-invariant again", section 3.

    Args:
        strides: int or one per axis. An axis of stride 1 is left alone.
        kernel_size: int, the length of the binomial kernel; 3 gives `[1, 2, 1] / 4`.
        padding: `same` repeats the edges, and each size n becomes ceil(n / stride); `valid` keeps within the map, and n becomes
            floor((n - kernel_size) / stride) + 1.

    Input and output: `(batch, *spatial, channels)`.

    >>> import numpy as np
    >>> BlurPool(2)(np.array([[[0.0], [4.0], [0.0], [0.0]]]))[0, :, 0].numpy().tolist()
    [1.0, 1.0]
    """

    def __init__(self, strides: int | Sequence[int] = 2, kernel_size: int = 3, padding: str = "same", **options):
        super().__init__(strides, **options)
        self.kernel_size = kernel_size
        self.padding = padding

    def call(self, inputs):
        x = inputs
        for axis, stride in enumerate(self.factors(inputs.shape), start=1):
            if stride > 1:
                x = self._blur(x, axis, stride)
        return x

    def _blur(self, x, axis: int, stride: int):
        reach = self.kernel_size - 1
        if self.padding == "same":
            x = _edge_pad(x, axis, reach // 2, reach - reach // 2)
        size = ops.shape(x)[axis] - reach
        taps = [comb(reach, k) / 2**reach for k in range(self.kernel_size)]
        return sum(w * _slice(x, axis, k, size + k, stride) for k, w in enumerate(taps))

    def compute_output_shape(self, input_shape):
        lost = 0 if self.padding == "same" else self.kernel_size - 1
        sizes = zip(input_shape[1:-1], self.factors(input_shape), strict=True)
        return (input_shape[0], *(n if n is None or s == 1 else -(-(n - lost) // s) for n, s in sizes), input_shape[-1])

    def get_config(self) -> dict:
        return {**super().get_config(), "kernel_size": self.kernel_size, "padding": self.padding}


@keras.saving.register_keras_serializable("kzoo")
class LinearUpsampling(Resampling):
    """Linear interpolation by whole factors with half-pixel centres: `UpSampling2D(interpolation="bilinear")` for any rank.

    Args:
        strides: int or one per axis, the factors.

    >>> import numpy as np
    >>> LinearUpsampling(2)(np.array([[[0.0], [4.0]]]))[0, :, 0].numpy().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """

    def __init__(self, strides: int | Sequence[int] = 2, **options):
        super().__init__(strides, **options)

    def call(self, inputs):
        x = inputs
        for axis, factor in enumerate(self.factors(inputs.shape), start=1):
            if factor > 1:
                x = self._stretch(x, axis, factor)
        return x

    def _stretch(self, x, axis: int, factor: int):
        padded = _edge_pad(x, axis, 1, 1)
        before, after = _slice(padded, axis, 0, -2), _slice(padded, axis, 2, None)
        offsets = [(phase + 0.5) / factor - 0.5 for phase in range(factor)]
        phases = [(1 - abs(t)) * x + abs(t) * (before if t < 0 else after) for t in offsets]
        stacked = ops.stack(phases, axis=axis + 1)
        shape = ops.shape(x)
        size = -1 if x.shape[axis] is None else x.shape[axis] * factor
        return ops.reshape(stacked, (*shape[:axis], size, *shape[axis + 1 :]))

    def compute_output_shape(self, input_shape):
        sizes = zip(input_shape[1:-1], self.factors(input_shape), strict=True)
        return (input_shape[0], *(n if n is None else n * s for n, s in sizes), input_shape[-1])


@keras.saving.register_keras_serializable("kzoo")
class PixelShuffle(Resampling):
    """Moves groups of channels into space (Shi et al. 2016, "Real-time single image and video super-resolution").

    Args:
        strides: int or one per axis, the factors; the channels must be divisible by their product.

    Input `(batch, *spatial, channels)`, output `(batch, *(n * stride), channels / product(strides))`. Output channel c at phase p
    comes from input channel `p * c_out + c`, as in `tf.nn.depth_to_space`.

    >>> import numpy as np
    >>> PixelShuffle(2)(np.array([[[1.0, 2.0], [3.0, 4.0]]]))[0, :, 0].numpy().tolist()
    [1.0, 2.0, 3.0, 4.0]
    """

    def __init__(self, strides: int | Sequence[int] = 2, **options):
        super().__init__(strides, **options)

    def call(self, inputs):
        factors = self.factors(inputs.shape)
        rank, shape = len(factors), ops.shape(inputs)
        sizes = [shape[axis + 1] for axis in range(rank)]
        x = ops.reshape(inputs, (-1, *sizes, *factors, inputs.shape[-1] // prod(factors)))
        interleaved = itertools.chain.from_iterable((1 + axis, 1 + rank + axis) for axis in range(rank))
        x = ops.transpose(x, (0, *interleaved, 2 * rank + 1))
        stretched = [n * s for n, s in zip(sizes, factors, strict=True)]
        return ops.reshape(x, (-1, *stretched, inputs.shape[-1] // prod(factors)))

    def compute_output_shape(self, input_shape):
        factors = self.factors(input_shape)
        sizes = (n if n is None else n * s for n, s in zip(input_shape[1:-1], factors, strict=True))
        return (input_shape[0], *sizes, input_shape[-1] // prod(factors))
