"""Sizes: cropping, and padding to a multiple of the strides, inside the graph."""

from collections.abc import Sequence

import keras

from ..stack import ops
from .resampling import Resampling
from .style import ranked


@keras.saving.register_keras_serializable("kzoo")
class PadToMultiple(Resampling):
    """Adds zeros behind the last position of each axis, up to the next multiple; for sizes that are known only at run time.

    Args:
        strides: int or one per axis, the multiples.

    Input and output: `(batch, *spatial, channels)`; each size n becomes ceil(n / stride) * stride.

    >>> import numpy as np
    >>> PadToMultiple(4)(np.ones((1, 5, 1))).shape
    TensorShape([1, 8, 1])
    """

    def call(self, inputs):
        sizes = ops.shape(inputs)[1:-1]
        after = [-n % m for n, m in zip(sizes, self.factors(inputs.shape), strict=True)]
        return ops.pad(inputs, [(0, 0), *((0, n) for n in after), (0, 0)])

    def compute_output_shape(self, input_shape):
        sizes = zip(input_shape[1:-1], self.factors(input_shape), strict=True)
        return (input_shape[0], *(n if n is None else -(-n // m) * m for n, m in sizes), input_shape[-1])


@keras.saving.register_keras_serializable("kzoo")
class CropTo(Resampling):
    """Cuts off what lies behind the size of another map, divided by strides; for sizes that are known only at run time.

    Args:
        strides: int or one per axis: the map's stride relative to the other one.

    Called on `[x, reference]`; each size of the output is ceil(n / stride) for size n of the reference.

    >>> import numpy as np
    >>> CropTo(2)([np.ones((1, 8, 1)), np.ones((1, 9, 3))]).shape
    TensorShape([1, 5, 1])
    """

    def __init__(self, strides: int | Sequence[int] = 1, **options):
        super().__init__(strides, **options)

    def call(self, inputs):
        x, reference = inputs
        sizes = zip(ops.shape(reference)[1:-1], self.factors(x.shape), strict=True)
        return x[(slice(None), *(slice(0, -(-n // s)) for n, s in sizes))]

    def compute_output_shape(self, input_shape):
        x, reference = input_shape
        sizes = zip(reference[1:-1], self.factors(x), strict=True)
        return (x[0], *(n if n is None else -(-n // s) for n, s in sizes), x[-1])


def pad_to_multiple(x, multiples: Sequence[int], name: str):
    """Zeros behind the last position of each axis, up to the next multiple; no layer where nothing is missing."""
    sizes = x.shape[1:-1]
    if None in sizes:
        return PadToMultiple(tuple(multiples), name=f"{name}_pad")(x) if max(multiples) > 1 else x
    after = [(0, -n % m) for n, m in zip(sizes, multiples, strict=True)]
    if not any(map(any, after)):
        return x
    return ranked("ZeroPadding{}D", len(after))(after[0] if len(after) == 1 else after, name=f"{name}_pad")(x)


def crop_to(x, reference, strides: Sequence[int], name: str):
    """Cuts off what lies behind the size of a reference, divided by strides; no layer where nothing is left over."""
    if None in reference.shape[1:-1]:
        return CropTo(tuple(strides), name=f"{name}_crop")([x, reference])
    wanted = [-(-n // s) for n, s in zip(reference.shape[1:-1], strides, strict=True)]
    return crop(x, [(0, n - w) for n, w in zip(x.shape[1:-1], wanted, strict=True)], name)


def crop(x, margins: Sequence[tuple[int, int]], name: str):
    """Cuts rows off both ends of every axis; no layer where nothing is cut."""
    if not any(map(any, margins)):
        return x
    rank = len(margins)
    return ranked("Cropping{}D", rank)(margins[0] if rank == 1 else tuple(margins), name=f"{name}_crop")(x)


def trim(x, strides: Sequence[int], name: str):
    """Drops the last rows of each axis that do not fill a stride; sizes that are not known are taken to fit."""
    sizes = x.shape[1:-1]
    return crop(x, [(0, (n or 0) % s) for n, s in zip(sizes, strides, strict=True)], name)
