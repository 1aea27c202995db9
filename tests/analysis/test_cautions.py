"""Warnings."""

import keras
from keras import layers

import kzoo


def test_a_field_beyond_the_input_is_told():
    model = kzoo.build_cnn(input_shape=(16, 16, 1), num_classes=2, filters=2, depth=3)
    assert kzoo.profile(model).warnings == (
        "the receptive field exceeds the input from layer stage3_conv1 on (18 > 16): deep stages see mostly padding.",
    )


def test_a_field_within_the_input_is_not():
    assert kzoo.profile(kzoo.build_cnn(input_shape=(32, 32, 1), num_classes=2, filters=2, depth=3)).warnings == ()


def test_the_axis_that_is_exceeded_is_told():
    model = keras.Sequential([keras.Input((99, 9, 1)), layers.Conv2D(1, 11, padding="same", name="wide")])
    assert kzoo.profile(model).warnings == (
        "the receptive field exceeds the input from layer wide on (11 > 9): deep stages see mostly padding.",
    )


def test_uneven_up_sampling_is_told():
    up = [layers.Conv2DTranspose(1, 3, 2, name=f"up{number}") for number in (1, 2)]
    warning = kzoo.profile(keras.Sequential([keras.Input((8, 8, 1)), *up])).warnings[0]
    assert warning == (
        "up1 (and 1 more) can draw checkerboards: 1 to 4 input positions reach an output position. "
        "Use a kernel size that is a multiple of the stride."
    )
