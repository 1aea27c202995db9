"""The layers that Keras lacks, against Keras's own where it has a twin, and against NumPy."""

import keras
import numpy as np
import pytest

from kzoo.layers import BlurPool, LinearUpsampling, PixelShuffle
from kzoo.stack import ops

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.normal(size=shape).astype("float32")


def numpy_blur(x: np.ndarray, taps: list[float], stride: int) -> np.ndarray:
    """Filters the first axis of an array, edges repeated, and subsamples it."""
    reach = len(taps) - 1
    padded = np.concatenate([x[:1]] * (reach // 2) + [x] + [x[-1:]] * (reach - reach // 2))
    return sum(t * padded[k : k + len(x)] for k, t in enumerate(taps))[::stride]


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize(("kernel", "taps"), [(3, [0.25, 0.5, 0.25]), (2, [0.5, 0.5]), (5, [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16])])
def test_blur_pool_is_a_binomial_filter(size, kernel, taps):
    x = random(1, size, 2)
    result = ops.convert_to_numpy(BlurPool(2, kernel_size=kernel)(x))
    np.testing.assert_allclose(result[0], numpy_blur(x[0], taps, 2), atol=1e-6)


def test_blur_pool_is_separable_and_leaves_axes_of_stride_one_alone():
    x = random(1, 6, 9, 1)
    rows = numpy_blur(x[0], [0.25, 0.5, 0.25], 2)
    both = np.moveaxis(numpy_blur(np.moveaxis(rows, 1, 0), [0.25, 0.5, 0.25], 3), 0, 1)
    np.testing.assert_allclose(BlurPool((2, 1))(x)[0], rows, atol=1e-6)
    np.testing.assert_allclose(BlurPool((2, 3))(x)[0], both, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_linear_upsampling_equals_keras_bilinear(factor):
    x = random(2, 5, 4, 3)
    twin = keras.layers.UpSampling2D(factor, interpolation="bilinear")(x)
    np.testing.assert_allclose(LinearUpsampling(factor)(x), twin, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 3])
def test_linear_upsampling_of_a_ramp_is_a_ramp(rank):
    ramp = np.broadcast_to(np.arange(6.0).reshape(1, 6, *[1] * rank), (1, 6, *[3] * (rank - 1), 1)).astype("float32")
    result = ops.convert_to_numpy(LinearUpsampling(2)(ramp)).reshape(12, -1)[:, 0]
    np.testing.assert_allclose(result[1:-1], np.arange(10) / 2 + 0.25, atol=1e-6)
    assert (result[0], result[-1]) == (0.0, 5.0)


@pytest.mark.parametrize("strides", [2, (2, 3), 3])
def test_pixel_shuffle_by_index(strides):
    rows, columns = (strides, strides) if isinstance(strides, int) else strides
    x = random(1, 3, 2, rows * columns * 2)
    result = ops.convert_to_numpy(PixelShuffle(strides)(x))
    assert result.shape == (1, 3 * rows, 2 * columns, 2)
    for i in range(3 * rows):
        for j in range(2 * columns):
            phase = (i % rows) * columns + j % columns
            np.testing.assert_array_equal(result[0, i, j], x[0, i // rows, j // columns, 2 * phase : 2 * phase + 2])


@pytest.mark.parametrize("layer", [BlurPool(2), LinearUpsampling(2), PixelShuffle(2)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_shapes_known_and_unknown_and_the_round_trip(layer, rank, tmp_path):
    shape = (6, 5, 4)[:rank]
    x = random(2, *shape, 8)
    layer = type(layer).from_config(layer.get_config())
    result = layer(x)
    assert tuple(result.shape) == layer.compute_output_shape(x.shape)
    inputs = keras.Input((*[None] * rank, 8))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "layer.keras")
    again = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), result, atol=1e-6)
