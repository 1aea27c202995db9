"""Every cell of the grid against a plain NumPy twin; and `valid` maps against what they say of themselves: nothing depends on borders."""

import keras
import numpy as np
import pytest

from kzoo.analysis import legal_sizes

from .cells import CELLS, random, run, scramble, tiny
from .numpy_unet import forward


def weights_of(model: keras.Model) -> dict[str, list[np.ndarray]]:
    return {layer.name: [w.astype("float64") for w in layer.get_weights()] for layer in model.layers if layer.weights}


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("down", "up"), CELLS)
def test_equal_to_the_numpy_twin(down, up, padding):
    model = tiny(size=None, filters=2, downsampling=down, upsampling=up, padding=padding, classifier_activation=None)
    scramble(model)
    size = 12 if padding == "same" else legal_sizes(model)[0].smallest
    x = random(1, size, size + 4, 2)
    expected = forward(x[0].astype("float64"), weights_of(model), down, up, padding == "same")
    np.testing.assert_allclose(run(model, x)[0], expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_larger_transposed_kernels_are_equal_to_the_twin(padding, kernel):
    model = tiny(size=None, filters=2, upsampling_kernel=kernel, padding=padding, classifier_activation=None)
    scramble(model)
    x = random(1, 52, 48, 2) if padding == "same" else random(1, *[legal_sizes(model)[0].smallest] * 2, 2)
    expected = forward(x[0].astype("float64"), weights_of(model), "max_pool", "transposed_conv", padding == "same")
    np.testing.assert_allclose(run(model, x)[0], expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("down", "up"), CELLS)
def test_without_padding_no_output_depends_on_the_border(down, up):
    """A window of the image gives the same window of the output, wherever it is cut out by whole strides."""
    model = scramble(tiny(size=None, filters=2, downsampling=down, upsampling=up, padding="valid", classifier_activation=None))
    smallest = legal_sizes(model)[0].smallest
    x = random(1, smallest + 8, smallest + 12, 2)
    whole, part = run(model, x), run(model, x[:, 4 : 4 + smallest, 8 : 8 + smallest])
    assert part.size > 0
    inside = whole[:, 4 : 4 + part.shape[1], 8 : 8 + part.shape[2]]
    np.testing.assert_allclose(part, inside, rtol=1e-4, atol=1e-5 * np.abs(whole).max())
