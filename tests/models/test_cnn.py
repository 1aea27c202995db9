"""The plain classifier: published integers, ranks, equal sizes over all down-samplings, errors."""

from typing import get_args

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_cnn, save
from kzoo.layers.downsampling import Downsampling


def test_the_convnet_of_the_keras_example():
    model = build_cnn(input_shape=(28, 28, 1), num_classes=10, padding="valid", dense=[], dense_dropout=0.5)
    assert model.count_params() == 34_826


def test_against_plain_keras():
    model = build_cnn(input_shape=(12, 12, 1), num_classes=4, filters=[3, 5], blocks=2, dense=[7])
    twin = keras.Sequential([keras.Input((12, 12, 1))])
    for filters in (3, 5):
        twin.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        twin.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        twin.add(keras.layers.MaxPooling2D())
    twin.add(keras.layers.Flatten())
    twin.add(keras.layers.Dense(7, activation="relu"))
    twin.add(keras.layers.Dense(4, activation="softmax"))
    twin.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(3, 12, 12, 1)).astype("float32")
    np.testing.assert_allclose(model.predict(x, verbose=0), twin.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("size", [12, 13])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_all_downsamplings_give_the_same_sizes(size, padding):
    shapes = set()
    for down in get_args(Downsampling):
        model = build_cnn(input_shape=(size, size, 1), num_classes=2, filters=4, padding=padding, downsampling=down, depth=2)
        shapes.add((model.get_layer("stage1_down").output.shape[1:3], model.get_layer("stage2_down").output.shape[1:3]))
    assert len(shapes) == 1


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("pooling", ["flatten", "avg", "max"])
def test_ranks_and_poolings_are_saved_and_reloaded(rank, pooling, tmp_path):
    model = build_cnn(input_shape=(*[8] * rank, 2), num_classes=3, filters=4, pooling=pooling, normalization="batch")
    x = np.random.default_rng(0).normal(size=(2, *[8] * rank, 2)).astype("float32")
    scores = model.predict(x, verbose=0)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    model.save(tmp_path / "cnn.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "cnn.keras").predict(x, verbose=0), scores)


def test_stages_of_stride_one_end_without_downsampling():
    names = [layer.name for layer in build_cnn(input_shape=(8, 8, 1), num_classes=2, strides=[1, 2]).layers]
    assert "stage1_down" not in names
    assert "stage2_down" in names


def test_dropout_stands_where_it_is_asked_for():
    model = build_cnn(input_shape=(8, 8, 1), num_classes=2, dropout=[0, 0.2], dense_dropout=0.5)
    rates = {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    assert rates == {"stage2_dropout": 0.2, "dense1_dropout": 0.5, "head_dropout": 0.5}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"input_shape": (9, 9, 1), "padding": "valid", "depth": 3},
            "input_shape: expected larger sizes: stage 2 gets 3 along axis 1 and leaves nothing of it. Received: (9, 9, 1).",
        ),
        ({"input_shape": (None, 9, 1)}, 'input_shape: expected fixed sizes for pooling="flatten". Received: (None, 9, 1).'),
        ({"pooling": "mean"}, "pooling: expected one of flatten, avg, max. Received: mean."),
        ({"dense": [0]}, "dense: expected an integer of at least 1. Received: 0."),
        ({"filters": [8]}, "filters: expected one value or 2 (one per stage, depth=2). Received: 1 values, [8]."),
    ],
)
def test_errors(options, message):
    with pytest.raises(ArgumentError) as caught:
        build_cnn(**{"input_shape": (8, 8, 1), "num_classes": 2, **options})
    assert str(caught.value).startswith(message)


def test_no_head_and_weights_from_a_file(tmp_path):
    """Without a head the output is what the classifier's dense layers see."""
    options = {"input_shape": (16, 16, 1), "filters": 4, "pooling": "avg", "dense": [5]}
    whole = build_cnn(**options, num_classes=3)
    save(whole, tmp_path / "whole.keras")
    bare = build_cnn(**options, num_classes=0, weights=str(tmp_path / "whole.keras"))
    x = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
    seen = keras.Model(whole.inputs, whole.get_layer("pool").output)
    np.testing.assert_array_equal(bare(x), seen(x))
