"""The layers of residual branches: stochastic depth and layer scale."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, profile
from kzoo.layers import LayerScale, StochasticDepth
from kzoo.layers.stochastic_depth import decayed_rates
from kzoo.stack import ops, standardize_dtype

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.normal(size=shape).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def test_a_branch_is_dropped_as_a_whole_or_kept_and_scaled():
    x = random(400, 3, 2, 5)
    factors = numpy(StochasticDepth(0.25, seed=3)(x, training=True)) / x
    per_sample = factors[:, 0, 0, 0]
    np.testing.assert_allclose(factors, np.broadcast_to(per_sample[:, None, None, None], x.shape), atol=1e-6)
    assert set(np.unique(per_sample.round(5))) == {0, np.float32(4 / 3).round(5)}
    assert 0.65 < (per_sample > 0).mean() < 0.85


@pytest.mark.parametrize("options", [{"training": False}, {}])
def test_nothing_is_dropped_at_inference(options):
    x = random(8, 3, 5)
    np.testing.assert_array_equal(numpy(StochasticDepth(0.9)(x, **options)), x)


def test_a_seed_fixes_the_choices_and_calls_differ():
    x = np.ones((64, 1), "float32")
    layer, twin, other = StochasticDepth(0.5, seed=1), StochasticDepth(0.5, seed=1), StochasticDepth(0.5, seed=2)
    first, second = numpy(layer(x, training=True)), numpy(layer(x, training=True))
    np.testing.assert_array_equal(first, numpy(twin(x, training=True)))
    assert (first != second).any()
    assert (first != numpy(other(x, training=True))).any()


def test_rates_of_zero_and_wrong_ones():
    x = random(8, 3)
    np.testing.assert_array_equal(numpy(StochasticDepth(0)(x, training=True)), x)
    for rate in (1, -0.1, "a", True, float("nan")):
        with pytest.raises(ArgumentError, match="rate: expected a rate from 0 to below 1"):
            StochasticDepth(rate)


def test_rates_grow_linearly():
    """Huang et al., section 3: block l of L survives with probability 1 - l / L * (1 - p)."""
    assert decayed_rates(0.5, 54)[0] == pytest.approx(0.5 / 54)
    np.testing.assert_allclose(np.diff(decayed_rates(0.2, 10)), 0.02)
    assert decayed_rates(0.2, 10)[-1] == pytest.approx(0.2)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layer_scale_has_one_factor_per_channel(rank):
    x = random(2, *[3] * rank, 4)
    layer = LayerScale(0.5)
    np.testing.assert_allclose(numpy(layer(x)), x / 2)
    layer.set_weights([np.arange(4.0)])
    np.testing.assert_allclose(numpy(layer(x)), x * np.arange(4), rtol=1e-6)


def test_a_network_with_both_is_saved_trained_and_profiled(tmp_path):
    inputs = keras.Input((None, None, 3))
    branch = StochasticDepth(0.5, seed=7, name="depth")(LayerScale(0.1, name="scale")(inputs))
    model = keras.Model(inputs, keras.layers.Add()([inputs, branch]))
    model.compile("sgd", "mse")
    x = random(32, 4, 4, 3)
    model.fit(x, random(32, 4, 4, 3), verbose=0)
    model.save(tmp_path / "both.keras")
    again = keras.saving.load_model(tmp_path / "both.keras")
    assert (again.get_layer("depth").rate, again.get_layer("depth").seed, again.get_layer("scale").initial) == (0.5, 7, 0.1)
    assert np.ptp(numpy(model.get_layer("scale").gamma)) > 0
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    kept = numpy(again(x, training=True) - x).any((1, 2, 3))
    np.testing.assert_array_equal(kept, numpy(StochasticDepth(0.5, seed=7)(np.ones((32, 1)), training=True))[:, 0] > 0)
    found = profile(model, input_shape=(8, 8, 3))
    assert (found.status, found.macs, found.trainable) == ("complete", 0, 3)
    assert found.receptive_field.largest == (1, 1)


def test_half_precision_keeps_its_type():
    x = random(4, 2).astype("float16")
    for result in (StochasticDepth(0.5, dtype="mixed_float16")(x, training=True), LayerScale(0.5, dtype="mixed_float16")(x)):
        assert standardize_dtype(result.dtype) == "float16"
