"""Legal sizes: exactly those at which Keras can build the network."""

import json
import random

import keras
import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo.analysis import LegalSizes, legal_sizes
from kzoo.analysis.summary import totals
from kzoo.errors import ArgumentError
from kzoo.layers import PadToMultiple

from ..models.cells import CELLS


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


@pytest.mark.parametrize(("depth", "skip"), [(1, "concat"), (2, "concat"), (2, "none")])
@pytest.mark.parametrize(("down", "up"), CELLS)
def test_unets_are_legal_where_the_builder_says_so(down, up, depth, skip):
    """The graph's sizes and those of the builder's own arithmetic."""

    def build(size):
        cell = {"downsampling": down, "upsampling": up, "padding": "valid", "skip": skip}
        return kzoo.build_unet(input_shape=(size, 1), num_classes=1, filters=1, depth=depth, **cell)

    legal = legal_sizes(build(None))[0]
    assert [n for n in range(1, 75) if n in legal] == buildable(build, range(1, 75))


def test_a_padded_unet_takes_any_size():
    assert str(legal_sizes(kzoo.build_unet(input_shape=(None, 1), num_classes=1, filters=1, upsampling="max_unpool"))[0]) == "n >= 1"
    model = kzoo.build_unet(input_shape=(20, 1), num_classes=1, filters=1, depth=3)
    assert str(legal_sizes(model)[0]) == "n >= 4, n % 8 == 4"


@pytest.mark.parametrize(("more", "expected"), [(3, "n >= 1, n % 4 == 1"), (1, "n >= 3, n % 4 == 3"), (0, "n >= 4, n % 4 == 0")])
@pytest.mark.parametrize("built", [12, None])
def test_a_skip_meets_a_map_padded_to_a_multiple(more, expected, built):
    inputs = keras.Input((built and built - more, 1))
    model = keras.Model(inputs, layers.Concatenate()([layers.ZeroPadding1D((0, more))(inputs), PadToMultiple(4)(inputs)]))
    assert str(legal_sizes(model)[0]) == expected


@pytest.mark.parametrize(("stride", "multiple"), [(2, 3), (3, 2), (2, 4), (1, 6)])
def test_padding_to_a_multiple_behind_a_stride(stride, multiple):
    def build(size):
        inputs = keras.Input((size, 1))
        x = layers.AveragePooling1D(stride)(inputs)
        return keras.Model(inputs, layers.Add()([layers.ZeroPadding1D((0, 1))(x), PadToMultiple(multiple)(x)]))

    legal = legal_sizes(build(None))[0]
    assert [n for n in range(1, 75) if n in legal] == buildable(build, range(1, 75)) != []


@pytest.mark.parametrize(("depth", "expected"), [(2, "n >= 44, n % 4 == 0"), (3, "n >= 92, n % 8 == 4"), (4, "n >= 188, n % 16 == 12")])
def test_published_sizes(depth, expected):
    model = kzoo.build_unet(input_shape=(None, 1), num_classes=1, filters=1, depth=depth, padding="valid")
    assert str(legal_sizes(model)[0]) == expected


def test_published_sizes_of_depth_five():
    model = kzoo.build_unet(input_shape=(None, 1), num_classes=1, filters=1, depth=5, padding="valid")
    assert str(legal_sizes(model)[0]) == "n >= 380, n % 32 == 28"


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
    x = inputs = keras.Input((None, None, None, 1))
    for strides in [(1, 2, 2), (2, 2, 3)]:
        x = layers.MaxPooling3D(strides)(x)
    x = layers.UpSampling3D((2, 4, 6))(x)
    model = keras.Model(inputs, layers.Concatenate()([inputs, x]))
    assert [str(sizes) for sizes in legal_sizes(model)] == ["n >= 2, n % 2 == 0", "n >= 4, n % 4 == 0", "n >= 6, n % 6 == 0"]


def test_inputs_of_the_same_size_vary_together():
    a, b = keras.Input((None, 1)), keras.Input((None, 1))
    x = layers.Add()([layers.UpSampling1D(2)(layers.MaxPooling1D(2)(a)), b])
    assert str(legal_sizes(keras.Model([a, b], x))[0]) == "n >= 2, n % 2 == 0"


def gate_of_size(size):
    """ASPP as it is often written: the pooled branch is up-sampled by the size of the map."""
    x = inputs = keras.Input((size, size, 2))
    x = layers.Conv2D(2, 3, strides=2, padding="same")(x)
    pooled = layers.UpSampling2D(16)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(inputs, layers.Concatenate()([x, pooled]))


@pytest.mark.parametrize("built", [32, None])
def test_a_map_of_constant_size_fixes_the_size(built):
    """A stride of 2 makes 16 rows of 31 and of 32."""
    assert [str(sizes) for sizes in legal_sizes(gate_of_size(built))] == ["31 <= n <= 32"] * 2


@pytest.mark.parametrize("built", [None, 8, 9, 16])
def test_a_residual_that_shrinks_to_one_position(built):
    """Two windows of 2 and one of 8, both strided by 8, agree at some sizes only."""
    inputs = keras.Input((built, 1))
    a = layers.MaxPooling1D(2, 2, padding="same")(layers.MaxPooling1D(4, 4)(inputs))
    b = layers.MaxPooling1D(8, 8)(inputs)
    sizes = legal_sizes(keras.Model(inputs, layers.Add()([a, b])))[0]
    expected = [n for n in range(1, 100) if n >= 8 and -(-(n // 4) // 2) == n // 8]
    assert [n for n in range(1, 100) if n in sizes] == expected


WEIGHTED = {
    "LayerNormalization over positions": (layers.LayerNormalization(axis=(1, 2, 3)), ["n == 10", "n == 12"]),
    "LayerNormalization over rows": (layers.LayerNormalization(axis=1), ["n == 10", "n >= 3"]),
    "LayerNormalization without weights": (layers.LayerNormalization(axis=1, scale=False, center=False), ["n >= 3", "n >= 3"]),
    "LayerNormalization over channels": (layers.LayerNormalization(), ["n >= 3", "n >= 3"]),
    "BatchNormalization of columns": (layers.BatchNormalization(axis=2), ["n >= 3", "n == 12"]),
    "PReLU": (layers.PReLU(), ["n == 10", "n == 12"]),
    "PReLU that shares": (layers.PReLU(shared_axes=(1, 2)), ["n >= 3", "n >= 3"]),
    "PReLU that shares rows": (layers.PReLU(shared_axes=(1,)), ["n >= 3", "n == 12"]),
    "Reshape": (layers.Reshape((8, 10, 1, 2)), ["n == 10", "n == 12"]),
    "Reshape of everything": (layers.Reshape((-1, 2)), ["n >= 3", "n >= 3"]),
    "Reshape of rows": (layers.Reshape((-1, 10, 2)), ["n >= 3", "n == 12"]),
    "Flatten": (layers.Flatten(), ["n >= 3", "n >= 3"]),
}


@pytest.mark.parametrize(("layer", "expected"), WEIGHTED.values(), ids=WEIGHTED)
def test_weights_along_an_axis_fix_its_size(layer, expected):
    model = keras.Sequential([keras.Input((10, 12, 1)), layers.Conv2D(2, 3), layer])
    assert [str(sizes) for sizes in legal_sizes(model)] == expected


def test_weights_along_the_columns_of_channels_first_fix_them():
    """Keras gives a dense layer, here over the columns, weights of their number."""
    model = keras.Sequential([keras.Input((3, 8, 9)), layers.Conv2D(2, 3, data_format="channels_first"), layers.Dense(4)])
    assert [str(sizes) for sizes in legal_sizes(model)] == ["n >= 3", "n == 9"]


@pytest.mark.keras3
def test_a_constant_of_the_size_of_the_map_fixes_it():
    inputs = keras.Input((8, 9, 2))
    model = keras.Model(inputs, inputs * np.ones((9, 2), "float32"))
    assert [str(sizes) for sizes in legal_sizes(model)] == ["n >= 1", "n == 9"]


class Strange(layers.Layer):
    def call(self, x):
        return x


def test_sizes_are_not_known_behind_a_layer_without_a_rule():
    strange = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, 3), Strange()])
    assert legal_sizes(strange) == (None, None)
    profile = kzoo.profile(strange)
    assert dict(totals(profile))["legal input sizes"] == "not known"
    assert json.loads(profile.to_json())["legal_sizes"] == [None, None]
    vectors = keras.Sequential([keras.Input((None, 1)), layers.Conv1D(1, 3), layers.GlobalMaxPooling1D(), Strange()])
    assert str(legal_sizes(vectors)[0]) == "n >= 3"


@pytest.mark.parametrize("sizes", [(None, None), (8, 16), (None, 16), (8, None)])
def test_sizes_of_inputs_of_several_scales_depend_on_each_other(sizes):
    a, b = (keras.Input((size, 1)) for size in sizes)
    model = keras.Model([a, b], layers.Add()([layers.UpSampling1D(2)(a), b]))
    assert legal_sizes(model) == (None,)
    assert kzoo.profile(model).receptive_field.largest == (1,)


def test_branches_of_different_strides_meet_at_few_sizes_that_are_not_told():
    """n // 2 and n - 1 rows: equal for 2 rows and for no other number."""
    inputs = keras.Input((None, 1))
    joined = layers.Concatenate()([layers.MaxPooling1D(2)(inputs), layers.Cropping1D((0, 1))(inputs)])
    assert legal_sizes(keras.Model(inputs, joined)) == (None,)


def test_keys_of_another_number_than_queries():
    inputs = keras.Input((None, 4))
    keys = layers.MaxPooling1D(4)(inputs)
    model = keras.Model(inputs, layers.Add()([inputs, layers.MultiHeadAttention(1, 2, name="all")(inputs, keys)]))
    assert str(legal_sizes(model)[0]) == "n >= 4"
    assert kzoo.profile(model).receptive_field.global_by == "all"


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
    assert str(LegalSizes(28, 4, (0, 1), largest=33)) == "28 <= n <= 33, n % 4 in (0, 1)"
