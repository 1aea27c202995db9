"""Legal sizes: exactly those at which Keras can build the network."""

import random

import keras
import pytest
from keras import layers

import kzoo
from kzoo.analysis import LegalSizes, legal_sizes
from kzoo.errors import ArgumentError


def buildable(build, sizes) -> list[int]:
    """The sizes for which Keras raises no error and leaves no map empty."""
    found = []
    for size in sizes:
        try:
            model = build(size)
        except (ValueError, ArgumentError):
            continue
        if all(n is None or n > 0 for layer in model.layers for n in layer.output.shape):
            found.append(size)
    return found


@pytest.mark.parametrize(("depth", "padding"), [(1, "valid"), (2, "valid"), (2, "same"), (3, "same")])
def test_unets_are_legal_where_the_builder_says_so(depth, padding):
    def build(size):
        return kzoo.build_unet(input_shape=(size, 1), num_classes=1, filters=1, depth=depth, padding=padding)

    legal = legal_sizes(build(None))[0]
    assert [n for n in range(1, 70) if n in legal] == buildable(build, range(1, 70))


@pytest.mark.parametrize("seed", range(12))
def test_random_skips_are_legal_where_keras_can_build_them(seed):
    """Down by random strides, with windows on the way, and up again to the skip."""

    def build(size):
        rng = random.Random(seed)
        x = inputs = keras.Input((size, 1))
        skips = []
        for _ in range(rng.randint(1, 3)):
            x = layers.Conv1D(1, rng.choice([1, 3, 4]), padding=rng.choice(["same", "same", "valid"]))(x)
            stride = rng.choice([2, 3])
            skips.append((x, stride))
            x = layers.MaxPooling1D(stride, padding=rng.choice(["same", "valid"]))(x)
        for skip, stride in reversed(skips):
            x = layers.Concatenate()([skip, layers.UpSampling1D(stride)(x)])
        return keras.Model(inputs, x)

    legal = legal_sizes(build(None))[0]
    expected = buildable(build, range(1, 80))
    assert [n for n in range(1, 80) if n in legal] == expected


def test_a_dense_layer_fixes_the_size():
    """Windows of 2 over 28 and 29 rows give the 14 that the dense layer was built for."""
    windows = [layers.Conv2D(1, 3), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(3)]
    model = keras.Sequential([keras.Input((30, 28, 1)), *windows])
    assert [str(sizes) for sizes in legal_sizes(model)] == ["30 <= n <= 31", "28 <= n <= 29"]


def test_axes_have_sizes_of_their_own():
    model = kzoo.build_unet(input_shape=(None, None, None, 1), num_classes=1, filters=1, depth=2, strides=[(1, 2, 2), (2, 2, 3)])
    assert [str(sizes) for sizes in legal_sizes(model)] == ["n >= 2, n % 2 == 0", "n >= 4, n % 4 == 0", "n >= 6, n % 6 == 0"]


def test_inputs_of_the_same_size_vary_together():
    a, b = keras.Input((None, 1)), keras.Input((None, 1))
    x = layers.Add()([layers.UpSampling1D(2)(layers.MaxPooling1D(2)(a)), b])
    assert str(legal_sizes(keras.Model([a, b], x))[0]) == "n >= 2, n % 2 == 0"


def test_nearest_legal_sizes():
    sizes = LegalSizes(188, 16, (12,))
    assert sizes.nearest(256) == (252, 268)
    assert sizes.nearest(572) == (572,)
    assert sizes.nearest(3) == (188,)
    assert LegalSizes(24, largest=25).nearest(99) == (25,)
    assert LegalSizes(28, largest=28).nearest(1) == (28,)


def test_text():
    assert str(LegalSizes(1)) == "n >= 1"
    assert str(LegalSizes(7, 4, (1, 3))) == "n >= 7, n % 4 in (1, 3)"
    assert str(LegalSizes(28, largest=28)) == "n == 28"
