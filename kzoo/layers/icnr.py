"""ICNR: an initializer that makes a pixel shuffle start as nearest interpolation, free of checkerboards."""

from collections.abc import Sequence
from math import prod

import keras

from ..stack import ops


@keras.saving.register_keras_serializable("kzoo")
class ICNR(keras.initializers.Initializer):
    """Initializes the convolution before a pixel shuffle with one kernel per output channel, repeated for every phase.

    Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution", section 3.

    Args:
        strides: the factors of the pixel shuffle, one per axis.
        initializer: name of the initializer of the kernel that is repeated.

    >>> ICNR((2,), "he_normal")((3, 5, 8)).shape
    TensorShape([3, 5, 8])
    """

    def __init__(self, strides: Sequence[int], initializer="he_normal"):
        self.strides = tuple(strides)
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape, dtype=None):
        phases = prod(self.strides)
        kernel = self.initializer((*shape[:-1], shape[-1] // phases), dtype=dtype)
        return ops.concatenate([kernel] * phases, axis=-1)

    def get_config(self) -> dict:
        return {"strides": self.strides, "initializer": keras.initializers.serialize(self.initializer)}
