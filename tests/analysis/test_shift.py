"""Shift consistency against networks whose consistency is known."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_unet, shift_consistency
from kzoo.stack import KERAS_3, ops


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@keras.saving.register_keras_serializable("tests")
class CircularPadding(keras.layers.Layer):
    """One pixel from the other side of the image."""

    def call(self, x):
        x = ops.concatenate([x[:, -1:], x, x[:, :1]], axis=1)
        return ops.concatenate([x[:, :, -1:], x, x[:, :, :1]], axis=2)


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
    assert shift_consistency(model, noise(2, 9, 9, 1), shifts=1, margin=0, threshold=0.5) == pytest.approx(2 / 6)


@keras.saving.register_keras_serializable("tests")
class ColumnParity(keras.layers.Layer):
    def call(self, x):
        columns = ops.arange(8, dtype="float32") % 2
        return x * 0 + ops.reshape(columns, (1, 1, 8, 1))


def one_score(*last):
    """The mean of every other pixel, and layers behind it."""
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.GlobalAveragePooling2D()(inputs[:, ::2, ::2])
    for layer in last:
        x = layer(x)
    return keras.Model(inputs, x)


def weight(activation=None):
    return keras.layers.Dense(1, activation, kernel_initializer="ones", use_bias=False)


ENDS = {
    "a sigmoid in the layer": lambda: [weight("sigmoid")],
    "logits": lambda: [weight()],
    "a sigmoid of its own": lambda: [weight(), keras.layers.Activation("sigmoid")],
    **({"a function": lambda: [weight(), keras.ops.sigmoid]} if KERAS_3 else {}),
    "reshaped logits": lambda: [weight(), keras.layers.Reshape((1, 1)), keras.layers.Flatten(), keras.layers.Dropout(0.1)],
    "a reshaped sigmoid": lambda: [weight("sigmoid"), keras.layers.Reshape((1, 1)), keras.layers.Flatten()],
    "no activation by name": lambda: [weight("sigmoid"), keras.layers.Activation("linear"), keras.layers.Identity()],
    "nested": lambda: [keras.Sequential([keras.Input((1,)), weight("sigmoid")])],
}


@pytest.mark.parametrize("end", ENDS)
def test_one_score_is_a_probability_or_a_logit(end):
    """A weak checkerboard: logits are -0.1 or 0.1, probabilities 0.48 or 0.52, so that only the right threshold tells them apart."""
    model = one_score(*ENDS[end]())
    assert shift_consistency(model, checkerboard(9) / 100, shifts=1) == pytest.approx(1 / 3)


def test_the_output_need_not_be_the_last_layer():
    """A sigmoid beside the logits that the model returns first."""
    inputs = keras.Input((8, 8, 1))
    logits = weight()(keras.layers.GlobalAveragePooling2D()(inputs[:, ::2, ::2]))
    model = keras.Model(inputs, [logits, keras.layers.Activation("sigmoid")(logits)])
    assert shift_consistency(model, checkerboard(9) / 100, shifts=1) == pytest.approx(1 / 3)


def test_a_threshold_that_is_given_counts():
    model = one_score(weight("sigmoid"))
    assert shift_consistency(model, checkerboard(9), shifts=1, threshold=0.0) == 1.0


def test_a_score_of_unknown_kind_is_refused():
    model = one_score(weight(), keras.layers.Rescaling(2.0))
    with pytest.raises(ArgumentError, match=r"threshold: expected a number, since the graph of .* does not end in a sigmoid or in logits"):
        shift_consistency(model, checkerboard(9), shifts=1)


def test_integers_of_numpy_are_integers():
    assert shift_consistency(parity(), checkerboard(10), shifts=np.int64(2), windows=np.int32(9)) == pytest.approx(16 / 36)


def test_the_valid_unet_moves_with_its_period():
    """A U-Net without padding commutes with shifts by its total stride of 2."""
    model = build_unet(input_shape=(32, 32, 1), num_classes=3, filters=4, depth=1, padding="valid")
    image = noise(1, 40, 40, 1)
    here, there = (ops.convert_to_numpy(model(image[:, k : k + 32, 4:36])) for k in (0, 2))
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
