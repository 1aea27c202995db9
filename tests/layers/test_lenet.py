"""The layers of the 1998 LeNet-5 against NumPy, and what the profile says of them."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo import ArgumentError
from kzoo.layers import ConnectedConv, RadialBasis, ScaledTanh, TrainableSubsampling
from kzoo.stack import ops

from ..analysis.brute_force import check_fields

RNG = np.random.default_rng(0)
TABLE = [[0, 2], [1], [2, 1, 0], [0, 1]]


def random(*shape):
    return RNG.normal(size=shape).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def numpy_connected(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """Position by position, output map by output map, without padding; the kernels stand in the order of the table."""
    window = kernel.shape[:-1]
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], window, strides, strict=True)]
    out = np.zeros((len(x), *sizes, len(TABLE)))
    for place in itertools.product(*map(range, sizes)):
        seen = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, strides, window, strict=True))
        number = 0
        for made, maps in enumerate(TABLE):
            for given in sorted(maps):
                out[(slice(None), *place, made)] += (x[(slice(None), *seen, given)] * kernel[..., number]).reshape(len(x), -1).sum(1)
                number += 1
    return out + bias


@pytest.mark.parametrize(("shape", "kernel", "strides"), [((9,), (3,), (2,)), ((7, 6), (3, 2), (1, 2)), ((5, 4, 6), (2, 3, 1), (1, 1, 3))])
def test_a_connected_convolution_by_index(shape, kernel, strides):
    layer = ConnectedConv(TABLE, kernel, strides)
    x = random(2, *shape, 3)
    layer(x)
    layer.set_weights([random(*weight.shape) for weight in layer.weights])
    assert layer.count_params() == 8 * np.prod(kernel) + 4
    np.testing.assert_allclose(numpy(layer(x)), numpy_connected(x, *layer.get_weights(), strides), atol=1e-4)
    assert layer.compute_output_shape(x.shape) == layer(x).shape


def test_a_full_table_is_a_convolution():
    layer = ConnectedConv([[0, 1]] * 3, 3, padding="same", activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=1))
    twin = layers.Conv2D(3, 3, padding="same", activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=1))
    x = random(2, 6, 7, 2)
    np.testing.assert_allclose(numpy(layer(x)), numpy(twin(x)), atol=1e-5)
    assert [weight.shape for weight in layer.weights] == [(3, 3, 6), (3,)]


def test_the_kernels_of_a_table_begin_apart():
    layer = ConnectedConv(TABLE, 3, kernel_initializer="he_normal", use_bias=False)
    layer.build((None, 8, 8, 3))
    kernels = layer.get_weights()[0].reshape(9, 8)
    assert len(np.unique(kernels[0])) == 8
    assert kernels.std() == pytest.approx(np.sqrt(2 / 27), rel=0.4)


def test_a_table_of_maps_that_are_not_there():
    with pytest.raises(ArgumentError, match=r"connections: expected numbers of input maps from 0 to 1. Received: 2"):
        ConnectedConv(TABLE, 3)(random(1, 8, 8, 2))


@pytest.mark.parametrize(("shape", "window"), [((6,), (2,)), ((6, 9), (2, 3)), ((2, 4, 6), (1, 2, 3))])
def test_subsampling_is_a_sum_a_coefficient_and_a_bias(shape, window):
    layer = TrainableSubsampling(window)
    x = random(2, *shape, 3)
    pool = getattr(layers, f"AveragePooling{len(shape)}D")(window)
    np.testing.assert_allclose(numpy(layer(x)), numpy(pool(x)), atol=1e-6)
    coefficient, bias = random(3), random(3)
    layer.set_weights([coefficient, bias])
    split = [n for size, width in zip(shape, window, strict=True) for n in (size // width, width)]
    sums = x.reshape(2, *split, 3).sum(axis=tuple(range(2, 2 * len(shape) + 1, 2)))
    np.testing.assert_allclose(numpy(layer(x)), sums * coefficient + bias, atol=1e-5)


def test_subsampling_at_the_border():
    """Of five positions, the last stands alone in its window and counts twice; without padding it is dropped."""
    x = np.arange(1.0, 6.0, dtype="float32").reshape(1, 5, 1)
    for padding, found in (("same", [3.0, 7.0, 10.0]), ("valid", [3.0, 7.0])):
        layer = TrainableSubsampling(2, padding=padding)
        layer.build(x.shape)
        layer.set_weights([np.array([1.0]), np.array([0.0])])
        assert numpy(layer(x))[0, :, 0].tolist() == found
        assert layer.compute_output_shape(x.shape) == (1, len(found), 1)


def test_distances_from_code_words():
    codes = np.where(random(4, 7) > 0, 1, -1)
    layer = RadialBasis(codes.tolist(), activation="softmax")
    x = random(3, 7)
    squares = np.array([[((row - word) ** 2).sum() for word in codes] for row in x])
    expected = np.exp(-squares) / np.exp(-squares).sum(1, keepdims=True)
    np.testing.assert_allclose(numpy(layer(x)), expected, rtol=1e-4)
    assert (len(layer.trainable_weights), layer.count_params()) == (0, 28)
    with pytest.raises(ArgumentError, match=r"codes: expected words of the input's length, 6. Received: 7"):
        RadialBasis(codes.tolist())(x[:, :6])


def test_scaled_tanh():
    """Appendix A: f(1) = 1, f(-1) = -1, and the second derivative is largest there."""
    x = np.linspace(-3, 3, 61)
    y = numpy(ScaledTanh()(x))
    np.testing.assert_allclose(y, 1.7159 * np.tanh(2 * x / 3), atol=1e-6)
    np.testing.assert_allclose(y[[20, 40]], [-1, 1], atol=1e-4)
    assert 1 + np.argmax(np.diff(y, 2)) == 20


@pytest.mark.parametrize(
    "layer",
    [
        ConnectedConv(TABLE, 3, 2, "same", activation="relu", kernel_regularizer=keras.regularizers.L2(0.1)),
        TrainableSubsampling(2, 3, "same"),
        ScaledTanh(2.0, 0.5),
    ],
)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_sizes_known_and_unknown_and_the_round_trip(layer, rank, tmp_path):
    layer = type(layer).from_config(layer.get_config())
    x = random(2, *(6, 5, 4)[:rank], 3)
    inputs = keras.Input((*[None] * rank, 3))
    model = keras.Model(inputs, layer(inputs))
    result = numpy(layer(x))
    assert result.shape == tuple(layer.compute_output_shape(x.shape))
    assert model.output_shape[1:-1] == (None,) * rank
    model.save(tmp_path / "layer.keras")
    again = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), result, atol=1e-6)
    assert again.layers[-1].get_config() == layer.get_config()


def test_code_words_are_saved(tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, RadialBasis([[1, -1, 1], [-1, -1, 1]], activation="softmax")(inputs))
    model.save(tmp_path / "layer.keras")
    x = random(4, 3)
    again = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


def test_the_profile_counts_connections_and_distances():
    """By hand: 6 x 6 positions x 9 x 8 connections; 5 words of 6 features, each difference kept."""
    inputs = keras.Input((8, 8, 3))
    x = ConnectedConv(TABLE, 3, name="conv")(inputs)
    x = ScaledTanh()(TrainableSubsampling(2, name="pool")(x))
    x = layers.Dense(6, name="dense")(layers.GlobalAveragePooling2D()(x))
    profile = kzoo.profile(keras.Model(inputs, RadialBasis([[1] * 6] * 5, name="words")(x)))
    found = {layer.name: layer for layer in profile.layers}
    assert profile.status == "complete"
    assert [found[name].macs for name in ("conv", "pool", "dense", "words")] == [36 * 9 * 8, 0, 24, 30]
    assert (found["words"].inner_bytes, found["pool"].receptive_field.largest) == (4 * 30, (4, 4))
    assert (profile.trainable, profile.total) == (76 + 8 + 30, 76 + 8 + 30 + 30)


@pytest.mark.parametrize("rank", [1, 2])
def test_the_fields_of_the_layers(rank):
    inputs = keras.Input((*[24] * rank, 3))
    x = ConnectedConv(TABLE, 3, 2, "same")(inputs)
    x = TrainableSubsampling(3, 2, "same")(x)
    check_fields(keras.Model(inputs, ConnectedConv([[0, 1, 2, 3]], 2)(x)), count=2)
