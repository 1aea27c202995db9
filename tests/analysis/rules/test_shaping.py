"""Reshaping, reducing, and the functions of `keras.ops` in a graph."""

import keras
from keras import layers, ops

import kzoo


def field(outputs, inputs):
    profile = kzoo.profile(keras.Model(inputs, outputs))
    assert profile.status == "complete"
    return profile.receptive_field


def test_operators_and_functions_are_known():
    inputs = keras.Input((16, 16, 2))
    x = layers.Conv2D(2, 3, padding="same")(inputs)
    x = ops.relu(x + inputs) * 2.0 - ops.sigmoid(x)
    x = ops.concatenate([x, inputs], axis=-1)
    assert field(x, inputs).largest == (3, 3)
    assert not field(x, inputs).is_global


def test_reductions_over_positions_are_global():
    inputs = keras.Input((16, 16, 2))
    x = layers.Conv2D(2, 3)(inputs)
    assert field(ops.mean(x, axis=(1, 2)), inputs).is_global
    assert not field(ops.max(x, axis=-1, keepdims=True), inputs).is_global


def test_reshaping_the_channels_alone_keeps_positions():
    inputs = keras.Input((16, 16, 2))
    x = layers.Conv2D(6, 3)(inputs)
    assert not field(layers.Reshape((14, 14, 3, 2))(x), inputs).is_global
    assert field(layers.Reshape((196, 6))(x), inputs).is_global


def test_transposed_axes_are_followed():
    inputs = keras.Input((16, 18, 2))
    x = ops.transpose(layers.Conv2D(2, (3, 1))(inputs), (0, 2, 1, 3))
    assert field(layers.Conv2D(2, (1, 5))(x), inputs).largest == (7, 1)


def test_concatenation_of_positions_loses_them():
    inputs = keras.Input((16, 2))
    x = layers.Conv1D(2, 3)(inputs)
    assert field(layers.Concatenate(axis=1, name="rows")([x, x]), inputs).global_by == "rows"
