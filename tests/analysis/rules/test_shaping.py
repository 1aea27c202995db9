"""Reshaping, reducing, and the functions of `keras.ops` in a graph."""

import keras
import pytest
from keras import layers

import kzoo
from kzoo.analysis import input_window
from kzoo.stack import ops

from ..brute_force import check_fields


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


def test_reshaping_is_local():
    inputs = keras.Input((16, 16, 2))
    x = layers.Conv2D(6, 3)(inputs)
    for shape in ((14, 14, 3, 2), (196, 6), (14, 84), (1176,)):
        assert (field(layers.Reshape(shape)(x), inputs).largest, field(layers.Reshape(shape)(x), inputs).is_global) == ((3, 3), False)
    assert not field(ops.squeeze(ops.expand_dims(x, 1), 1), inputs).is_global


def test_transposed_axes_are_followed():
    inputs = keras.Input((16, 18, 2))
    x = ops.transpose(layers.Conv2D(2, (3, 1))(inputs), (0, 2, 1, 3))
    assert field(layers.Conv2D(2, (1, 5))(x), inputs).largest == (7, 1)


@pytest.mark.parametrize(
    "take_apart",
    [
        lambda x: layers.Concatenate(axis=1)([x, x]),
        lambda x: layers.Reshape((7, 2, 14, 2))(x),
        lambda x: layers.Conv1D(2, 3)(layers.Reshape((196, 2))(x)),
        lambda x: layers.MaxPooling1D(2)(layers.Reshape((196, 2))(x)),
        lambda x: ops.transpose(x, (1, 0, 2, 3)),
        lambda x: x[:, 3],
        lambda x: x[:2, :],
        lambda x: x[:, -4:],
        lambda x: x[:, :4],
        lambda x: x[:, ::-1],
        lambda x: layers.Permute((1, 3, 2))(x)[..., 2:],
        lambda x: layers.Add()([x, layers.Permute((2, 1, 3))(x)]),
        lambda x: layers.Add()([layers.Reshape((196, 2))(x), layers.Reshape((196, 2))(layers.Permute((2, 1, 3))(x))]),
        lambda x: layers.Add()([layers.Cropping2D(((0, 7), (0, 7)))(x), layers.MaxPooling2D(2)(x)]),
    ],
)
def test_positions_that_are_taken_apart_are_not_followed(take_apart):
    inputs = keras.Input((16, 16, 2))
    x = layers.Conv2D(2, 3, name="before")(inputs)
    profile = kzoo.profile(keras.Model(inputs, layers.ReLU(name="after")(take_apart(x))))
    assert (profile.status, profile.receptive_field, profile.legal_sizes[0]) == ("partial", None, None)
    assert not {"before", "after"} & set(profile.unknown)
    assert profile.layers[0].receptive_field.largest == (3, 3)
    assert profile.layers[0].macs <= profile.macs


def test_positions_on_two_axes_are_not_followed():
    inputs = keras.Input((8, 8))
    profile = kzoo.profile(keras.Model(inputs, layers.Add(name="sum")([inputs, layers.Permute((2, 1))(inputs)])))
    assert (profile.unknown, profile.receptive_field, profile.legal_sizes) == (("sum",), None, (None,))


def test_a_single_position_that_is_added_everywhere():
    """Global where it has seen the whole input, otherwise not followed; at any other size, it would not be a single one."""
    inputs = keras.Input((16, 16, 2))
    for window, found in ((16, "sum"), (15, None)):
        one = layers.AveragePooling2D(window, strides=16, name="one")(inputs)
        profile = kzoo.profile(keras.Model(inputs, layers.Add(name="sum")([inputs, one])))
        field = profile.receptive_field
        assert (profile.unknown, field and field.global_by) == ((), found) if found else (("sum",), None)
        assert [str(sizes) for sizes in profile.legal_sizes] == [f"{window} <= n <= {15 + window}"] * 2


def test_slices_of_positions_are_windows_of_one():
    """By hand: rows 3, 5, ... and columns 0, 1, ... of the image."""
    inputs = keras.Input((16, 18, 2))
    x = inputs[:, 2:-1:2, :, :1]
    model = keras.Model(inputs, layers.Conv2D(1, (2, 3))(x))
    assert input_window(model, (1, 0)) == ((4, 6), (0, 2))
    assert (model.output_shape[1:3], kzoo.profile(model).receptive_field.stride) == ((6, 16), (2, 1))
    check_fields(model, count=6)


def test_padding_by_a_function():
    """By hand: two rows and a column of zeros in front, three rows behind."""
    inputs = keras.Input((16, 18, 2))
    x = ops.pad(inputs, ((0, 0), (2, 3), (1, 0), (0, 0)))
    model = keras.Model(inputs, layers.Conv2D(1, 3, strides=2)(ops.stop_gradient(x)))
    assert (model.output_shape[1:3], input_window(model, (3, 3))) == ((10, 9), ((4, 6), (5, 7)))
    assert list(map(str, kzoo.profile(model).legal_sizes)) == ["n >= 1", "n >= 2"]
    check_fields(model, count=4)
    assert kzoo.profile(keras.Model(inputs, ops.pad(inputs, ((0, 0), (1, 1), (0, 0), (0, 4))))).status == "complete"


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.pad(x, ((0, 0), (2, 2), (0, 0), (0, 0)), "reflect"),
        lambda x: ops.pad(x, 1),
        lambda x: ops.pad(layers.Permute((1, 3, 2))(x), ((0, 0), (0, 0), (0, 0), (1, 1))),
        lambda x: ops.flip(x, axis=1),
        lambda x: ops.swapaxes(x, 0, 1),
        lambda x: layers.Resizing(4, 4)(x),
    ],
)
def test_functions_that_are_not_followed(function):
    inputs = keras.Input((16, 18, 2))
    profile = kzoo.profile(keras.Model(inputs, function(inputs)))
    assert (profile.status, profile.receptive_field, profile.macs) == ("partial", None, 0)


@pytest.mark.parametrize("swap", [lambda x: ops.swapaxes(x, 1, 2), lambda x: ops.moveaxis(x, 1, 2), lambda x: ops.moveaxis(x, -2, 1)])
def test_swapped_axes_are_followed(swap):
    inputs = keras.Input((16, 18, 2))
    x = swap(layers.Conv2D(2, (3, 1))(inputs))
    assert field(layers.Conv2D(2, (1, 5))(x), inputs).largest == (7, 1)


def test_an_embedding_costs_no_macs():
    tokens = keras.Input((12,), dtype="int32")
    model = keras.Model(tokens, layers.Dense(5)(layers.Embedding(100, 8)(tokens)))
    profile = kzoo.profile(model)
    assert (profile.status, profile.macs, profile.total) == ("complete", 12 * 8 * 5, model.count_params())
    lines = keras.Input((12, 3), dtype="int32")
    profile = kzoo.profile(keras.Model(lines, layers.Embedding(100, 8, name="rows")(lines)))
    assert (profile.unknown, profile.macs) == (("rows",), 0)


def test_a_new_axis_and_an_ellipsis():
    inputs = keras.Input((16, 18, 4))
    gate = layers.Dense(4)(layers.GlobalAveragePooling2D(name="squeeze")(inputs))[:, None, None]
    found = field(layers.Conv2D(1, 3)((inputs * gate)[..., 1:]), inputs)
    assert (found.global_by, found.largest) == ("squeeze", (3, 3))
    assert field(layers.Conv2D(1, 3)(inputs[:, 1:, ..., ::2]), inputs).largest == (3, 3)


def test_a_model_without_sizes_is_profiled_up_to_what_is_not_known():
    inputs = keras.Input((None, None, 1))
    x = layers.Conv2D(2, 3, strides=2, padding="same", name="before")(inputs)
    profile = kzoo.profile(keras.Model(inputs, layers.Conv2D(2, 3)(x[:, :5])))
    assert (profile.status, profile.receptive_field, profile.macs, profile.legal_sizes) == ("partial", None, None, (None, None))
    assert profile.layers[0].receptive_field.largest == (3, 3)
    sliced = kzoo.profile(keras.Model(inputs, layers.Conv2D(2, 3)(x[:, ::2])))
    assert (sliced.status, sliced.receptive_field.largest) == ("complete", (11, 7))
