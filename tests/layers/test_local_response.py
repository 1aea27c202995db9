"""Local response normalization against the formula of the paper, and what the profile says of it."""

import keras
import numpy as np
import pytest

import kzoo
from kzoo import ArgumentError
from kzoo.layers import LocalResponseNormalization
from kzoo.stack import ops

RNG = np.random.default_rng(0)


def by_the_formula(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """Section 3.3, channel by channel: the sum runs from max(0, i - n / 2) to min(N - 1, i + n / 2)."""
    channels = x.shape[-1]
    out = np.empty_like(x)
    for i in range(channels):
        first, last = max(0, i - n // 2), min(channels - 1, i + n // 2)
        out[..., i] = x[..., i] / (k + alpha * (x[..., first : last + 1] ** 2).sum(-1)) ** beta
    return out


@pytest.mark.parametrize("shape", [(2, 7), (2, 5, 7), (2, 3, 4, 7), (1, 2, 3, 2, 3)])
@pytest.mark.parametrize("settings", [(5, 2.0, 1e-4, 0.75), (3, 1.0, 0.5, 1.0), (1, 2.0, 0.1, 0.5), (9, 1.0, 0.2, 0.75)])
def test_against_the_formula(shape, settings):
    x = 10 * RNG.normal(size=shape).astype("float32")
    layer = LocalResponseNormalization(*settings)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), by_the_formula(x, *settings), rtol=1e-5, atol=1e-6)


def test_the_defaults_are_the_papers():
    layer = LocalResponseNormalization()
    assert (layer.n, layer.k, layer.alpha, layer.beta) == (5, 2.0, 1e-4, 0.75)
    layer(np.ones((1, 5)))
    assert layer.count_params() == 0


def test_large_numbers_in_half_precision():
    """300 squared is more than float16 holds."""
    x = np.full((1, 5), 300.0)
    found = ops.convert_to_numpy(LocalResponseNormalization(dtype="mixed_float16")(x))
    assert found.dtype == "float16"
    np.testing.assert_allclose(found, by_the_formula(x, 5, 2.0, 1e-4, 0.75), rtol=2e-3)


def test_sizes_that_are_not_known_and_the_round_trip(tmp_path):
    inputs = keras.Input((None, None, 6))
    model = keras.Model(inputs, LocalResponseNormalization(3, alpha=0.1)(inputs))
    model.save(tmp_path / "layer.keras")
    x = RNG.normal(size=(2, 4, 5, 6)).astype("float32")
    again = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), by_the_formula(x, 3, 2.0, 0.1, 0.75), rtol=1e-5, atol=1e-6)


def test_an_even_number_of_channels_has_no_middle():
    with pytest.raises(ArgumentError, match=r"n: expected an odd number of channels. Received: 4"):
        LocalResponseNormalization(4)


def test_the_profile_knows_it():
    """No MACs, no positions; it keeps what it divides by."""
    inputs = keras.Input((8, 8, 6))
    x = keras.layers.Conv2D(5, 3)(inputs)
    profile = kzoo.profile(keras.Model(inputs, LocalResponseNormalization(name="lrn")(x)))
    lrn = profile.layers[-1]
    assert (profile.status, lrn.macs, lrn.inner_bytes) == ("complete", 0, 4 * 6 * 6 * 5)
    assert lrn.receptive_field.largest == (3, 3)
