"""Shift consistency against networks whose consistency is known."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_unet, shift_consistency


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@keras.saving.register_keras_serializable("tests")
class CircularPadding(keras.layers.Layer):
    """One pixel from the other side of the image."""

    def call(self, x):
        x = keras.ops.concatenate([x[:, -1:], x, x[:, :1]], axis=1)
        return keras.ops.concatenate([x[:, :, -1:], x, x[:, :, :1]], axis=2)


def circular_classifier():
    inputs = keras.Input((12, 12, 2))
    x = keras.layers.Conv2D(4, 3, activation="relu", kernel_initializer="he_normal")(CircularPadding()(inputs))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(5)(x))


def parity(size: int = 8):
    """A classifier that reads the pixel at the top left: on a checkerboard, the class is the parity of the offset."""
    inputs = keras.Input((size, size, 1))
    x = keras.layers.Conv2D(1, 1, strides=2, kernel_initializer="ones", use_bias=False)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Activation("sigmoid")(x))


def checkerboard(size: int):
    rows, columns = np.indices((size, size))
    return np.where((rows + columns) % 2, 10.0, -10.0).astype("float32")[None, ..., None]


def stripes(size: int):
    return np.where(np.arange(size) % 2, 10.0, -10.0).astype("float32")[None, :, None]


def test_circular_convolution_and_global_average_are_consistent():
    images = noise(3, 12, 12, 2)
    assert shift_consistency(circular_classifier(), images, shifts=11, border="wrap") == 1.0


def test_subsampling_a_checkerboard():
    """Offsets 0 and 1 per axis: two even and two odd ones, so 2 of the 6 pairs agree."""
    assert shift_consistency(parity(), checkerboard(9), shifts=1) == pytest.approx(2 / 6)


def test_shifts_up_to_two_on_a_checkerboard():
    """Nine offsets, five even and four odd: 10 + 6 of 36 pairs agree."""
    assert shift_consistency(parity(), checkerboard(10), shifts=2, windows=9) == pytest.approx(16 / 36)


def test_one_axis():
    """Offsets 0 to 2 on stripes: even, odd, even; 1 of 3 pairs agrees."""
    inputs = keras.Input((6, 1))
    x = keras.layers.Conv1D(1, 1, strides=2, kernel_initializer="ones", use_bias=False)(inputs)
    model = keras.Model(inputs, keras.layers.Activation("sigmoid")(keras.layers.GlobalAveragePooling1D()(x)))
    assert shift_consistency(model, stripes(8), shifts=2) == pytest.approx(1 / 3)


def test_pointwise_segmentation_is_consistent():
    inputs = keras.Input((16, 16, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1, activation="softmax")(inputs))
    assert shift_consistency(model, noise(2, 20, 20, 1), shifts=4) == 1.0


def test_valid_convolutions_are_consistent():
    inputs = keras.Input((16, 16, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 5)(inputs))
    assert shift_consistency(model, noise(2, 16, 16, 1), shifts=3, margin=0) == 1.0


def test_segmentation_that_labels_columns_by_position():
    """Class = parity of the column within the window: pixels agree exactly where the offsets along the columns differ by an even number."""
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, ColumnParity()(inputs))
    assert shift_consistency(model, noise(2, 9, 9, 1), shifts=1, margin=0) == pytest.approx(2 / 6)


@keras.saving.register_keras_serializable("tests")
class ColumnParity(keras.layers.Layer):
    def call(self, x):
        columns = keras.ops.arange(8, dtype="float32") % 2
        return x * 0 + keras.ops.reshape(columns, (1, 1, 8, 1))


@pytest.mark.parametrize(("activation", "expected"), [("sigmoid", 1 / 3), (None, 1 / 3)])
def test_one_score_is_a_probability_or_a_logit(activation, expected):
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.GlobalAveragePooling2D()(inputs[:, ::2, ::2])
    layer = keras.layers.Dense(1, activation, kernel_initializer="ones", use_bias=False)
    images = checkerboard(9) / (1 if activation else 100)
    assert shift_consistency(keras.Model(inputs, layer(x)), images, shifts=1) == pytest.approx(expected)


def test_the_valid_unet_moves_with_its_period():
    """A U-Net without padding commutes with shifts by its total stride of 2."""
    model = build_unet(input_shape=(32, 32, 1), num_classes=3, filters=4, depth=1, padding="valid")
    image = noise(1, 40, 40, 1)
    here, there = (keras.ops.convert_to_numpy(model(image[:, k : k + 32, 4:36])) for k in (0, 2))
    np.testing.assert_array_equal(here.argmax(-1)[:, 2:], there.argmax(-1)[:, :-2])


def test_the_seed_chooses_the_offsets():
    model = parity()
    scores = [shift_consistency(model, checkerboard(16), shifts=7, windows=4, seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert scores[0] == scores[1]
    assert len(set(scores)) > 1


def test_batches_do_not_matter():
    model, images = parity(), np.concatenate([checkerboard(15), -checkerboard(15), noise(3, 15, 15, 1)])
    assert shift_consistency(model, images, batch_size=7) == shift_consistency(model, images, batch_size=64) < 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shifts": 0}, "shifts: expected an integer of at least 1. Received: 0."),
        ({"windows": 1}, "windows: expected an integer of at least 2. Received: 1."),
        ({"border": "zero"}, "border: expected one of reflect, wrap, edge. Received: zero."),
        ({"margin": 8, "shifts": 2}, "margin: expected 0 to 6, so that windows 2 pixels apart share pixels. Received: 8."),
        ({"images": noise(2, 16, 16, 3)}, "images: expected (count, *spatial, 1) for an input of (16, 16, 1). Received: (2, 16, 16, 3)."),
    ],
)
def test_wrong_arguments_are_named(settings, message):
    inputs = keras.Input((16, 16, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs))
    images = settings.pop("images", noise(2, 16, 16, 1))
    with pytest.raises(ArgumentError) as error:
        shift_consistency(model, images, **settings)
    assert str(error.value) == message


def test_coarse_maps_are_refused():
    inputs = keras.Input((16, 16, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 2, strides=2)(inputs))
    with pytest.raises(ArgumentError, match="maps of \\(8, 8\\) for windows of \\(16, 16\\)"):
        shift_consistency(model, noise(1, 16, 16, 1), shifts=1)
