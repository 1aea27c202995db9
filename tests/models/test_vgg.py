"""VGG: published integers, twins, and what each argument changes."""

import keras
import pytest

from kzoo import ArgumentError, build_vgg, profile

from .keras_twins import largest_difference

SMALL = {"input_shape": (32, 32, 3), "num_classes": 10, "filters": 4, "blocks": (1, 2), "dense": [8]}


def test_published_integers():
    """torchvision's, in Keras's count and in its own."""
    batch = profile(build_vgg(input_shape=(224, 224, 3), num_classes=1000, normalization="batch"))
    assert (batch.trainable, batch.total) == (138_361_768, 138_361_768 + 8_448)


@pytest.mark.parametrize("preset", ["vgg16", "vgg19"])
def test_equal_to_keras(preset, monkeypatch):
    assert largest_difference(preset, monkeypatch, size=32) < 1e-5


def test_names_and_shapes():
    model = build_vgg(**SMALL)
    assert [layer.name for layer in model.layers] == [
        *("image", "stage1_conv1", "stage1_pool", "stage2_conv1", "stage2_conv2", "stage2_pool", "flatten"),
        *("dense1", "dense1_act", "dense1_dropout", "head"),
    ]
    assert model.get_layer("stage2_pool").output.shape == (None, 8, 8, 8)


def test_arguments():
    model = build_vgg(
        **{**SMALL, "filters": [3, 5], "kernel_size": [5, (3, 1)]}, normalization="batch", bias="always", pooling="max", dropout=0
    )
    assert model.get_layer("stage1_conv1").kernel.shape == (5, 5, 3, 3)
    assert model.get_layer("stage2_conv1").kernel.shape == (3, 1, 3, 5)
    assert model.get_layer("stage1_conv1").use_bias
    assert isinstance(model.get_layer("pool"), keras.layers.GlobalMaxPooling2D)
    assert not any("dropout" in layer.name for layer in model.layers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dense": 3}, r"dense: expected a list of widths, such as \[128\]. Received: 3"),
        ({"dense": [0]}, "dense: expected an integer of at least 1"),
        ({"blocks": []}, "blocks: expected a list with one value per stage"),
        ({"blocks": [1, 0]}, "blocks: expected an integer of at least 1. Received: 0"),
        ({"input_shape": (None, 32, 3)}, 'input_shape: expected fixed sizes for pooling="flatten"'),
        ({"bias": "never"}, "bias: expected one of auto, always"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_vgg(**{**SMALL, **options})
