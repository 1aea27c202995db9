"""Norms and activations by import path: in the graph, in the description, and refused."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build, build_cnn, build_unet, build_vgg, describe, profile
from kzoo.models.weightless import weightless
from tests.things import SLOPE, Scale

SHAPE = {"input_shape": (16, 16, 1), "num_classes": 2}
NORM = {"keras.layers.GroupNormalization": {"groups": 2}}
LEAKY = {"keras.layers.LeakyReLU": {SLOPE: 0.25}}


def small_unet(**settings):
    return build_unet(**SHAPE, filters=4, depth=1, **settings)


def test_named_layers_stand_where_norms_and_activations_do():
    model = small_unet(normalization=NORM, activation=LEAKY)
    assert isinstance(model.get_layer("encoder1_conv1_norm"), keras.layers.GroupNormalization)
    assert model.get_layer("encoder1_conv1_norm").groups == 2
    assert model.get_layer("encoder1_conv1_act").get_config()[SLOPE] == 0.25
    assert not model.get_layer("encoder1_conv1").use_bias


def test_named_layers_compute_what_their_words_do():
    by_word, by_path = small_unet(normalization="layer"), small_unet(normalization={"keras.layers.LayerNormalization": {"epsilon": 1e-6}})
    by_path.set_weights(by_word.get_weights())
    x = np.random.default_rng(0).random((1, 16, 16, 1), "float32")
    np.testing.assert_array_equal(by_word(x), by_path(x))


def test_functions_are_activations():
    model = small_unet(activation="keras.activations.gelu")
    assert model.get_layer("encoder1_conv1_act").activation is keras.activations.gelu


def test_a_network_with_named_layers_knows_what_it_was_built_from():
    model = small_unet(normalization={"tests.things.Scale": {"start": 0.5}}, activation="keras.layers.ReLU")
    description = describe(model)
    assert description.arguments["normalization"] == {"tests.things.Scale": {"start": 0.5}}
    again = build(description)
    assert describe(again) == description
    assert isinstance(again.get_layer("encoder1_conv1_norm"), Scale)
    assert "Convolutions are followed by Scale of tests (start 0.5) and the activation ReLU." in description.methods
    same, other = (describe(small_unet(normalization=n)).hash for n in ({"tests.things.Scale": {}}, {"tests.things.Scale": {"start": 1.5}}))
    assert same == describe(small_unet(normalization="tests.things.Scale")).hash != other


def test_an_unknown_layer_is_profiled_as_far_as_it_can_be():
    with weightless():
        model = small_unet(normalization="tests.things.Scale")
    found = profile(model)
    assert "encoder1_conv1_norm" in found.unknown
    assert found.total == small_unet(normalization="tests.things.Scale").count_params()
    with weightless():
        assert profile(small_unet(normalization=NORM)).unknown == ()


def test_dense_layers_get_named_activations_too():
    model = build_cnn(input_shape=(8, 8, 1), num_classes=2, filters=2, depth=1, dense=[4], activation=LEAKY)
    assert model.get_layer("dense1").activation is keras.activations.linear
    assert model.get_layer("dense1_act").get_config()[SLOPE] == 0.25
    text = describe(build_vgg(input_shape=(32, 32, 1), num_classes=2, filters=2, dense=[4], normalization=NORM, activation=LEAKY)).methods
    assert f"has GroupNormalization (groups 2) and the activation LeakyReLU ({SLOPE} 0.25)." in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"normalization": {"keras.layers.GroupNormalization": {"group": 2}}},
            r"^normalization.keras.layers.GroupNormalization.group: unknown",
        ),
        (
            {"normalization": "keras.layers.GroupNorm"},
            r"^normalization.keras.layers.GroupNorm: expected a name in keras.layers. .* GroupNormalization\?",
        ),
        ({"normalization": "keras.activations.relu"}, r"^normalization.keras.activations.relu.x: missing; expected a value."),
        ({"normalization": {"keras.layers.GroupNormalization": {"groups": 3}}}, r"^normalization: expected a layer for maps of shape"),
        (
            {"normalization": "keras.layers.Flatten"},
            r"^normalization: expected a layer for maps of .*, which keeps their shape. Received: ker",
        ),
        (
            {"activation": {"keras.layers.Dense": {"units": 3}}},
            r"^activation: expected a layer for maps of .*, which makes \(.*, 3\) of it",
        ),
        (
            {"activation": {"keras.layers.ReLU": {"name": "x"}}},
            r"^activation.keras.layers.ReLU.name: expected none, since every layer gets",
        ),
        (
            {"activation": {"keras.layers.LeakyReLU": {SLOPE: None}}},
            r"^activation.keras.layers.LeakyReLU: expected arguments that it",
        ),
        ({"activation": "keras.losses.Huber"}, r"^activation.keras.losses.Huber: expected an activation. Received: Huber, a loss."),
    ],
)
def test_what_is_refused(settings, message):
    with pytest.raises(ArgumentError, match=message):
        small_unet(**settings)
