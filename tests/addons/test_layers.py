"""The layers give what those of tensorflow-addons gave, in any batch and size, saved and in mixed precision."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, profile
from kzoo.layers import (
    MaxPoolingWithArgmax2D,
    MaxUnpooling,
    MaxUnpooling2D,
    MaxUnpooling2DV2,
    SpatialPyramidPooling2D,
    StochasticDepth,
    StochasticDepthAdd,
)

from . import cases
from .trajectories import golden, numpy

GOLDEN = golden("layers")


@pytest.mark.parametrize("rate", [0.5, 0.8])
def test_stochastic_depth_scales_the_branch_at_inference(rate):
    inputs = [cases.random(2, 5, 4, 3, seed=3), cases.random(2, 5, 4, 3, seed=4)]
    np.testing.assert_allclose(numpy(StochasticDepthAdd(rate)(inputs, training=False)), GOLDEN[f"depth/{rate}"], atol=1e-6)


def test_stochastic_depth_keeps_or_drops_the_branch_of_the_whole_batch():
    layer, inputs = StochasticDepthAdd(0.75, seed=1), [np.zeros((3, 2), "float32"), np.ones((3, 2), "float32")]
    draws = np.array([numpy(layer(inputs, training=True)) for _ in range(200)])
    assert set(np.ptp(draws, axis=(1, 2))) == {0}
    assert set(draws.ravel()) == {0, 1}
    assert 0.65 < draws.mean() < 0.85


def test_each_stochastic_depth_names_the_other():
    with pytest.raises(ArgumentError, match="Use StochasticDepthAdd"):
        StochasticDepth(0.5)([np.ones((1, 1)), np.ones((1, 1))])
    with pytest.raises(ArgumentError, match="Use StochasticDepth for"):
        StochasticDepthAdd()(np.ones((2, 1)))
    with pytest.raises(ArgumentError, match="survival_probability: expected a number above 0"):
        StochasticDepthAdd(0.0)


@pytest.mark.parametrize("name", cases.PYRAMIDS)
def test_spatial_pyramid_pooling(name):
    x = cases.random(*((2, 3, 11, 13) if name == "channels_first" else (2, 11, 13, 3)), seed=5)
    np.testing.assert_allclose(numpy(SpatialPyramidPooling2D(**cases.PYRAMIDS[name])(x)), GOLDEN[f"pyramid/{name}"], atol=1e-6)


def test_a_pyramid_makes_maps_of_all_sizes_alike():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(SpatialPyramidPooling2D([1, 2, (3, 1)])(inputs))))
    assert {model.predict(cases.random(2, n, n + 3, 3), verbose=0).shape for n in (3, 8, 17)} == {(2, 2)}


def test_a_grid_finer_than_the_map_is_refused():
    with pytest.raises(ArgumentError, match=r"bins: expected a map of at least 5 x 5\. Received: 4 x 9\."):
        SpatialPyramidPooling2D([1, 5])(np.ones((1, 4, 9, 1), "float32"))
    for bins in ([], [0], [(1, 2, 3)]):
        with pytest.raises(ArgumentError, match="bins: expected positive integers"):
            SpatialPyramidPooling2D(bins)


@pytest.mark.parametrize("name", cases.POOLINGS)
def test_pooling_tells_the_indices_that_tensorflow_does(name):
    maxima, indices = MaxPoolingWithArgmax2D(**cases.POOLINGS[name])(cases.random(2, 8, 8, 3, seed=6))
    np.testing.assert_array_equal(numpy(maxima), GOLDEN[f"pooled/{name}"])
    np.testing.assert_array_equal(numpy(indices), GOLDEN[f"indices/{name}"])


@pytest.mark.parametrize("name", cases.UNPOOLINGS)
def test_unpooling_by_indices(name):
    found = MaxUnpooling2D(**cases.UNPOOLINGS[name])(GOLDEN[f"pooled/{name}"], GOLDEN[f"indices/{name}"])
    np.testing.assert_array_equal(numpy(found), GOLDEN[f"unpooled/{name}"])


def test_unpooling_to_a_size():
    x = cases.random(2, 7, 9, 3, seed=6)
    found = MaxUnpooling2DV2((2, 7, 9, 3))(*MaxPoolingWithArgmax2D(2, 2)(x))
    np.testing.assert_array_equal(numpy(found), GOLDEN["unpooled/v2"])


def test_unpooling_by_indices_and_by_the_map_agree():
    x = cases.random(2, 6, 4, 3).round(0)
    pooled, indices = MaxPoolingWithArgmax2D()(x)
    np.testing.assert_array_equal(numpy(MaxUnpooling2D()(pooled, indices)), numpy(MaxUnpooling(2)([pooled, x])))


def test_values_with_one_index_are_added():
    pooled, indices = np.ones((1, 1, 2, 1), "float32"), np.full((1, 1, 2, 1), 3)
    assert numpy(MaxUnpooling2D((1, 2), (1, 2))(pooled, indices))[0, 0, :, 0].tolist() == [0, 0, 0, 2]


def network() -> keras.Model:
    """All of the layers on maps of any size, and weights to train before them."""
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", kernel_initializer=keras.initializers.GlorotUniform(1))(inputs)
    pooled, indices = MaxPoolingWithArgmax2D(2, 2, "SAME", name="pool")(x)
    back = MaxUnpooling2D(2, 2, name="back")(pooled, indices)
    added = StochasticDepthAdd(0.9, seed=3, name="add")([x, back])
    return keras.Model(inputs, SpatialPyramidPooling2D([1, (2, 3)], name="pyramid")(added))


def test_a_network_of_them_is_trained_saved_and_loaded(tmp_path):
    model, x = network(), cases.random(4, 8, 6, 3)
    assert model.output_shape == (None, 7, 4)
    assert (model.get_layer("pool").output[1].dtype, model.get_layer("back").output.shape) == ("int32", (None, None, None, 4))
    model.compile("sgd", "mse")
    before = model.get_weights()[0]
    model.fit(x, np.ones((4, 7, 4)), verbose=0)
    assert np.ptp(model.get_weights()[0] - before) > 0
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in model.layers]
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    expected = numpy(network()(cases.random(2, 8, 6, 3)))
    keras.config.set_dtype_policy(policy)
    try:
        found = network()(cases.random(2, 8, 6, 3))
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(found.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(numpy(keras.ops.cast(found, "float32")), expected, atol=0.05)


def test_the_sum_is_profiled_like_any_other():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, StochasticDepthAdd()([inputs, keras.layers.Conv2D(3, 3, padding="same")(inputs)]))
    assert profile(model).receptive_field.largest == (3, 3)
    assert profile(network()).status == "partial"


@pytest.mark.parametrize("make", [lambda: MaxUnpooling2D(padding="same"), lambda: MaxPoolingWithArgmax2D(padding="same")])
def test_paddings_are_those_of_addons(make):
    with pytest.raises(ArgumentError, match=r"padding: expected one of SAME, VALID\. Received: same"):
        make()


def test_sizes_are_pairs():
    with pytest.raises(ArgumentError, match="pool_size: expected a positive integer or two"):
        MaxUnpooling2D(pool_size=(2, 2, 2))
    with pytest.raises(ArgumentError, match="output_size: expected"):
        MaxUnpooling2DV2((4, 4))
