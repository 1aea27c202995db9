"""The functions of `keras.ops` that kzoo and its tests use, on TensorFlow, since Keras 2.15 has none of its own.

Names, arguments and results are those of Keras 3, as far as kzoo asks for them.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

abs = tf.abs  # noqa: A001
convert_to_tensor = tf.convert_to_tensor
cos = tf.cos
equal = tf.equal
expand_dims = tf.expand_dims
floor = tf.floor
isfinite = tf.math.is_finite
isnan = tf.math.is_nan
is_tensor = tf.is_tensor
max = tf.reduce_max  # noqa: A001
maximum = tf.maximum
mean = tf.reduce_mean
min = tf.reduce_min  # noqa: A001
minimum = tf.minimum
not_equal = tf.not_equal
ones = tf.ones
ones_like = tf.ones_like
power = tf.pow
relu = tf.nn.relu
reshape = tf.reshape
roll = tf.roll
round = tf.round  # noqa: A001
sigmoid = tf.sigmoid
sign = tf.sign
softmax = tf.nn.softmax
sqrt = tf.sqrt
square = tf.square
stack = tf.stack
sum = tf.reduce_sum  # noqa: A001
tanh = tf.tanh
trace = tf.linalg.trace
transpose = tf.transpose
zeros = tf.zeros
zeros_like = tf.zeros_like


def arange(start, stop=None, step=1, dtype=None):
    """Whole numbers as int32, as in Keras 3."""
    first, end = (0, start) if stop is None else (start, stop)
    return tf.cast(tf.range(first, end, step), dtype or "int32")


def argmax(x, axis: int = -1):
    """The first of the greatest, as int32."""
    return tf.argmax(x, axis=axis, output_type=tf.int32)


def average_pool(inputs, pool_size, strides, padding: str = "valid", data_format: str = "channels_last"):
    """Channels last."""
    assert data_format == "channels_last"
    return tf.nn.avg_pool(inputs, pool_size, strides, padding.upper())


def binary_crossentropy(target, output, from_logits: bool):
    """Element by element."""
    return keras.backend.binary_crossentropy(target, output, from_logits=from_logits)


def cast(x, dtype):
    """Also of a type's name."""
    return tf.cast(x, dtype)


def concatenate(tensors: Sequence, axis: int):
    """Along an axis."""
    return tf.concat(tensors, axis)


def conv(inputs, kernel, strides=1, padding: str = "valid", data_format: str = "channels_last"):
    """Channels last."""
    assert data_format == "channels_last"
    return tf.nn.convolution(inputs, kernel, strides, padding.upper())


def convert_to_numpy(x) -> np.ndarray:
    """The values of a tensor, a variable or a number."""
    return np.asarray(x)


def one_hot(x, classes: int, dtype: str = "float32"):
    """The last axis is that of the classes."""
    return tf.one_hot(x, classes, dtype=dtype)


def outer(a, b):
    """All products of two vectors."""
    return a[:, None] * b[None]


def pad(x, margins: Sequence[Sequence], constant_values: float = 0):
    """By a constant before and behind every axis."""
    return tf.pad(x, margins, constant_values=tf.cast(constant_values, x.dtype))


def segment_sum(values, segments, num_segments: int):
    """The sum of the values of every segment."""
    return tf.math.unsorted_segment_sum(values, segments, num_segments)


def shape(x) -> tuple:
    """Whole numbers where sizes are known, and tensors where they are not."""
    return tuple(tf.shape(x)[axis] if size is None else int(size) for axis, size in enumerate(x.shape))


def sparse_categorical_crossentropy(target, output, from_logits: bool):
    """Position by position."""
    return keras.losses.sparse_categorical_crossentropy(target, output, from_logits=from_logits)


def squeeze(x, axis: int):
    """Without an axis of size 1."""
    return tf.squeeze(x, axis)


def swapaxes(x, a: int, b: int):
    """Two axes exchanged."""
    order = list(range(len(x.shape)))
    order[a], order[b] = order[b], order[a]
    return tf.transpose(x, order)


def take(x, indices, axis: int | None = None):
    """Elements, or slices along an axis."""
    return tf.gather(tf.reshape(x, [-1]) if axis is None else x, indices, axis=0 if axis is None else axis)


def take_along_axis(x, indices, axis: int):
    """Along the last axis."""
    assert axis == -1
    return tf.gather(x, indices, axis=-1, batch_dims=len(x.shape) - 1)


def where(condition, a, b):
    """One or the other; a number takes the type of the tensor beside it."""
    like = a if tf.is_tensor(a) else b
    return tf.where(condition, *(tf.convert_to_tensor(value, like.dtype) if not tf.is_tensor(value) else value for value in (a, b)))
