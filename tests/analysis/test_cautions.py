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


def test_every_uneven_up_sampling_is_told():
    """A kernel of 3 and a stride of 2 per axis: 1 or 2 taps; a kernel of 5: 2 or 3."""
    up = [layers.Conv2DTranspose(1, kernel, 2, name=f"up{number}") for number, kernel in enumerate((3, 2, 5, 3), start=1)]
    assert kzoo.profile(keras.Sequential([keras.Input((512, 512, 1)), *up])).warnings == tuple(
        f"{names} can draw checkerboards: {overlap} input positions reach an output position. "
        "Use a kernel size that is a multiple of the stride."
        for names, overlap in (("up1, up4", "1 to 4"), ("up3", "4 to 9"))
    )


def shifted(count: int):
    """Convolutions of stride 2 with `same` padding lie half a pixel right of the pooling beside them, on sizes that are even."""
    x = inputs = keras.Input((64, 64, 1))
    for number in range(count):
        branches = [layers.Conv2D(1, 3, 2, padding="same", name=f"conv{number}")(x), layers.MaxPooling2D(2, name=f"pool{number}")(x)]
        x = layers.Add(name=f"join{number}")(branches)
    return kzoo.profile(keras.Model(inputs, x))


def test_one_layer_that_joins_branches_is_told_with_them():
    assert shifted(1).warnings == ("join0 joins branches that are not aligned: conv0 and pool0 are 0.5 input pixels apart.",)


def test_several_layers_that_join_branches_are_told_with_their_offsets():
    assert shifted(3).warnings[-1] == (
        "branches that are not aligned meet in join0 (0.5 input pixels apart), join1 (1 input pixels apart), join2 (2 input pixels apart)."
    )


def test_very_many_are_counted():
    warning = kzoo.profile(keras.applications.NASNetMobile(weights=None)).warnings[-1]
    assert warning.count("apart") == 8
    assert warning.endswith(" and 47 more.")
