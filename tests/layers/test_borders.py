"""Sizes inside the graph, unpooling, ICNR and the down-samplings, against NumPy and by hand."""

import keras
import numpy as np
import pytest

from kzoo.layers import ICNR, BlurPool, CropTo, MaxUnpooling, PadToMultiple, PixelShuffle
from kzoo.layers.downsampling import downsample
from kzoo.layers.style import Style
from kzoo.stack import ops

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.normal(size=shape).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize(("size", "padded"), [((5, 8), (8, 8)), ((1, 6), (4, 6)), ((4, 2), (4, 2))])
def test_pad_to_multiple_adds_zeros_at_the_end(size, padded):
    x = random(2, *size, 3)
    expected = np.zeros((2, *padded, 3), "float32")
    expected[:, : size[0], : size[1]] = x
    np.testing.assert_array_equal(numpy(PadToMultiple((4, 2))(x)), expected)
    inputs = keras.Input((None, None, 3))
    assert PadToMultiple((4, 2))(inputs).shape == (None, None, None, 3)
    np.testing.assert_array_equal(keras.Model(inputs, PadToMultiple((4, 2))(inputs)).predict(x, verbose=0), expected)


def test_crop_to_a_share_of_another_map():
    x, reference = random(2, 8, 8, 3), random(2, 5, 9, 1)
    np.testing.assert_array_equal(numpy(CropTo((1, 2))([x, reference])), x[:, :5, :5])
    first, second = keras.Input((None, None, 3)), keras.Input((None, None, 1))
    model = keras.Model([first, second], CropTo((1, 2))([first, second]))
    np.testing.assert_array_equal(model.predict([x, reference], verbose=0), x[:, :5, :5])


@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 4, 6)])
def test_unpooling_undoes_max_pooling(shape):
    """Pooled and put back: the maxima stand where they were, all else is zero."""
    x = random(2, *shape, 3)
    pool = getattr(keras.layers, f"MaxPooling{len(shape)}D")(2)
    back = numpy(MaxUnpooling(2)([pool(x), x]))
    assert np.count_nonzero(back) == x.size / 2 ** len(shape)
    np.testing.assert_array_equal(back[back != 0], x[back != 0])
    np.testing.assert_array_equal(numpy(pool(np.where(back != 0, x, -np.inf))), numpy(pool(x)))


def test_unpooling_by_anisotropic_windows():
    x = np.array([[1, 9, 2], [3, 4, 8]], "float32")[None, :, :, None]
    values = np.array([[5, 6, 7]], "float32")[None, :, :, None]
    expected = np.array([[0, 6, 0], [5, 0, 7]], "float32")
    np.testing.assert_array_equal(numpy(MaxUnpooling((2, 1))([values, x]))[0, :, :, 0], expected)


def test_unpooling_passes_the_gradient_to_the_values():
    inputs, pooled = keras.Input((2, 1)), keras.Input((4, 1))
    scaled = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(inputs)
    model = keras.Model([inputs, pooled], MaxUnpooling(2)([scaled, pooled]))
    model.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=True)
    x = [np.array([[[2.0], [3.0]]]), np.array([[[0.0], [1.0], [1.0], [0.0]]])]
    model.train_on_batch(x, np.zeros((1, 4, 1)))
    assert model.get_weights()[0][0, 0] == pytest.approx(1 - 2 * (2 * 2 + 3 * 3) / 4)


@pytest.mark.parametrize("strides", [(2,), (2, 3)])
def test_icnr_repeats_one_kernel_for_every_phase(strides):
    rank, phases = len(strides), int(np.prod(strides))
    initializer = ICNR(strides, keras.initializers.RandomNormal(seed=1))
    kernel = numpy(initializer((*[3] * rank, 4, 5 * phases)))
    parts = np.split(kernel, phases, axis=-1)
    assert all(np.array_equal(part, parts[0]) for part in parts)
    assert np.ptp(parts[0]) > 0
    conv = getattr(keras.layers, f"Conv{rank}D")(5 * phases, 3, padding="same", kernel_initializer=initializer)
    maps = numpy(PixelShuffle(strides)(conv(random(1, *[4] * rank, 4))))
    for axis, stride in enumerate(strides, start=1):
        np.testing.assert_array_equal(np.diff(maps, axis=axis).swapaxes(0, axis)[0::stride], 0)


def test_icnr_is_saved_with_its_initializer():
    again = keras.initializers.deserialize(keras.initializers.serialize(ICNR((2, 2), "glorot_uniform")))
    assert again.strides == (2, 2)
    assert isinstance(again.initializer, keras.initializers.GlorotUniform)


def test_blur_pool_within_the_map():
    x = np.arange(7, dtype="float32")[None, :, None] ** 2
    expected = [(a + 2 * b + c) / 4 for a, b, c in [(0, 1, 4), (4, 9, 16), (16, 25, 36)]]
    layer = BlurPool(2, padding="valid")
    np.testing.assert_allclose(numpy(layer(x))[0, :, 0], expected)
    assert layer.compute_output_shape((None, 7, 1)) == (None, 3, 1)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["max_pool", "avg_pool", "strided_conv", "blur_pool"])
def test_all_downsamplings_agree_on_odd_sizes(kind, rank):
    """33 becomes 17 by a stride of 2, 7 becomes 3 by a stride of 3; an axis of stride 1 keeps its size."""
    sizes, strides = (33, 7, 5)[:rank], (2, 3, 1)[:rank]
    x = keras.Input((*sizes, 2))
    assert downsample(x, kind, strides, Style(rank), "stage").shape[1:-1] == (17, 3, 5)[:rank]


def test_nothing_is_added_where_nothing_is_divided():
    x = keras.Input((8, 8, 2))
    assert downsample(x, "strided_conv", (1, 1), Style(2), "stage") is x
