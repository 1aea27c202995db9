"""U-Net: published integers, every cell of the grid in three ranks, names, errors."""

import itertools
from typing import get_args

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_unet
from kzoo.layers.blocks import Downsampling, Normalization, Skip, Upsampling
from kzoo.models.unet import legal_sizes

ANY = (None, None, 1)
GRID = list(itertools.product(get_args(Downsampling), get_args(Upsampling)))


def tiny(rank: int = 2, size: int = 8, **options) -> keras.Model:
    settings = {"input_shape": (*[size] * rank, 2), "num_classes": 3, "filters": 4, "depth": 2, **options}
    return build_unet(**settings)


def test_the_network_of_the_paper():
    model = build_unet(input_shape=(572, 572, 1), num_classes=2, padding="valid")
    assert model.count_params() == 31_030_658
    assert model.output_shape == (None, 388, 388, 2)
    assert not model.compiled


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, 31_030_593),
        ({"num_classes": 2}, 31_030_658),
        ({"input_shape": (None, None, 3), "num_classes": 2}, 31_031_810),
        ({"normalization": "batch"}, 31_048_257),
        ({"filters": 32}, 7_759_521),
        ({"filters": [32, 64, 128, 256, 512], "input_shape": (None, None, 3)}, 7_760_097),
        ({"downsampling": "avg_pool"}, 31_030_593),
        ({"downsampling": "blur_pool"}, 31_030_593),
        ({"upsampling": "nearest"}, 34_512_193),
        ({"upsampling": "bilinear"}, 34_512_193),
        ({"downsampling": "strided_conv"}, 34_164_993),
        ({"downsampling": "strided_conv", "upsampling": "nearest"}, 37_646_593),
    ],
)
def test_published_parameters(options, parameters):
    assert build_unet(**{"input_shape": ANY, "num_classes": 1, **options}).count_params() == parameters


@pytest.mark.parametrize(("size", "depth", "output"), [(188, 4, 4), (572, 4, 388), (1020, 4, 836), (200, 2, 160), (100, 3, 12)])
def test_valid_sizes(size, depth, output):
    model = build_unet(input_shape=(size, size, 1), num_classes=1, filters=1, depth=depth, padding="valid")
    assert model.output_shape[1:3] == (output, output)


@pytest.mark.parametrize(("depth", "period", "remainder", "lost"), [(2, 4, 0, 40), (3, 8, 4, 88), (4, 16, 12, 184), (5, 32, 28, 376)])
def test_legal_sizes(depth, period, remainder, lost):
    assert legal_sizes([4] * (depth + 1), [2] * depth)[0] == period
    smallest = legal_sizes([4] * (depth + 1), [2] * depth)[1]
    assert smallest % period == remainder
    assert smallest - period - lost <= 0 < smallest - lost


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("down", "up"), GRID)
def test_every_cell_in_every_rank_is_saved_and_reloaded(down, up, rank, tmp_path):
    model = tiny(rank, downsampling=down, upsampling=up)
    x = np.random.default_rng(0).normal(size=(2, *[8] * rank, 2)).astype("float32")
    scores = model.predict(x, verbose=0)
    assert scores.shape == (2, *[8] * rank, 3)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    model.save(tmp_path / "unet.keras")
    again = keras.saving.load_model(tmp_path / "unet.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), scores)


@pytest.mark.parametrize(("down", "up"), GRID)
def test_every_weight_of_every_cell_learns(down, up):
    model = tiny(downsampling=down, upsampling=up, activation="elu")
    before = [w.copy() for w in model.get_weights()]
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 2)).astype("float32")
    model.train_on_batch(x, np.arange(128).reshape(2, 8, 8) % 3)
    still = [v.path for v, b, a in zip(model.weights, before, model.get_weights(), strict=True) if np.array_equal(a, b)]
    assert not still


@pytest.mark.parametrize("down", get_args(Downsampling))
def test_anisotropic_strides_halve_their_axes_only(down):
    model = tiny(3, downsampling=down, strides=[(1, 2, 2), (2, 2, 4)], depth=2, input_shape=(4, 8, 16, 1))
    assert model.get_layer("encoder1_down").output.shape[1:4] == (4, 4, 8)
    assert model.get_layer("encoder2_down").output.shape[1:4] == (2, 2, 2)
    assert model.output_shape[1:4] == (4, 8, 16)


@pytest.mark.parametrize("skip", get_args(Skip))
def test_skips(skip):
    model = tiny(skip=skip)
    merges = {"concat": keras.layers.Concatenate, "add": keras.layers.Add, "attention": keras.layers.Multiply, "none": ()}[skip]
    assert sum(isinstance(layer, merges) for layer in model.layers) == (2 if skip != "none" else 0)
    assert model.output_shape == (None, 8, 8, 3)


def test_attention_weights_gate_the_skip():
    """By hand: skip * sigmoid(psi(relu(W_x skip + W_g gate)))."""
    model = tiny(skip="attention", depth=1)
    layers = ("encoder1_conv2", "decoder1_up", "decoder1_gate")
    taps = keras.Model(model.input, [model.get_layer(name).output for name in layers])
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 2)).astype("float32")
    skip, gate, gated = (np.asarray(t) for t in taps.predict(x, verbose=0))
    key, (query, query_bias) = model.get_layer("decoder1_gate_x").get_weights()[0], model.get_layer("decoder1_gate_g").get_weights()
    psi, psi_bias = model.get_layer("decoder1_gate_psi").get_weights()
    hidden = np.maximum(skip @ key[0, 0] + gate @ query[0, 0] + query_bias, 0)
    np.testing.assert_allclose(gated, skip / (1 + np.exp(-(hidden @ psi[0, 0] + psi_bias))), atol=1e-5)


@pytest.mark.parametrize("normalization", get_args(Normalization))
def test_biases_are_left_out_where_a_norm_follows(normalization):
    model = tiny(normalization=normalization, filters=8)
    assert model.get_layer("encoder1_conv1").use_bias == (normalization == "none")
    assert any("_norm" in layer.name for layer in model.layers) == (normalization != "none")


def test_instance_norm_brings_every_map_to_mean_zero():
    model = tiny(normalization="instance", filters=8)
    tap = keras.Model(model.input, model.get_layer("encoder1_conv1_norm").output)
    maps = tap.predict(np.random.default_rng(0).normal(3, 2, size=(2, 8, 8, 2)), verbose=0)
    np.testing.assert_allclose(maps.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(maps.std((1, 2)), 1, atol=1e-2)


def test_dropout_per_stage():
    model = tiny(dropout=[0, 0.1, 0.5])
    assert {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {
        "encoder2_dropout": 0.1,
        "bottleneck_dropout": 0.5,
    }


@pytest.mark.parametrize(
    ("classes", "activation", "expected"), [(1, "auto", "sigmoid"), (3, "auto", "softmax"), (3, None, "linear"), (2, "sigmoid", "sigmoid")]
)
def test_head(classes, activation, expected):
    head = tiny(num_classes=classes, classifier_activation=activation).get_layer("head")
    assert head.activation.__name__ == expected


def test_head_is_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = tiny()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("encoder1_conv1").compute_dtype == "bfloat16"
    assert model.output.dtype == "float32"


def test_layer_names():
    names = [layer.name for layer in tiny(depth=1, upsampling="nearest", downsampling="strided_conv", normalization="batch").layers]
    convolutions = [f"{stage}_conv{i}" for stage in ("encoder1", "bottleneck", "decoder1") for i in (1, 2)]
    assert set(names) == {
        "image",
        "head",
        "decoder1_up",
        "decoder1_up_conv",
        "decoder1_concat",
        *(f"{name}{part}" for name in (*convolutions, "encoder1_down") for part in ("", "_norm", "_act")),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": [8, 16]}, "filters: expected one value or 3 (one per stage, depth=2). Received: 2 values, [8, 16]."),
        ({"blocks": 0}, "blocks: expected an integer of at least 1. Received: 0."),
        ({"depth": 0}, "depth: expected an integer of at least 1. Received: 0."),
        ({"num_classes": True}, "num_classes: expected an integer of at least 1. Received: True."),
        ({"dropout": 1.0}, "dropout: expected a rate from 0 to below 1. Received: 1.0."),
        (
            {"kernel_size": [(3, 3, 3), 3, 3]},
            "kernel_size: expected an integer or one per spatial axis (2). Received: 3 values, [3, 3, 3].",
        ),
        (
            {"downsampling": "maxpol"},
            "downsampling: expected one of max_pool, avg_pool, strided_conv, blur_pool. Received: maxpol. Did you mean max_pool?",
        ),
        ({"activation": "rellu"}, "activation: expected the name of a function in keras.activations. Received: rellu. Did you mean relu?"),
        ({"padding": "full"}, "padding: expected one of same, valid. Received: full."),
        (
            {"normalization": "group", "filters": 12},
            'filters: expected multiples of 8, the groups of normalization="group". Received: 12. Use 16, or another normalization.',
        ),
        (
            {"num_classes": 1, "classifier_activation": "softmax"},
            "classifier_activation: expected sigmoid, auto or None for num_classes=1, since softmax over one map is 1 everywhere. "
            "Received: softmax.",
        ),
        (
            {"input_shape": (33, 32, 1)},
            'input_shape: expected spatial sizes n with n % 4 == 0 and n >= 4 for padding="same" and depth=2; '
            "the nearest to 33 are 32 and 36. Received: (33, 32, 1).",
        ),
        (
            {"input_shape": (256, 256, 1), "padding": "valid", "depth": 4},
            'input_shape: expected spatial sizes n with n % 16 == 12 and n >= 188 for padding="valid" and depth=4; '
            "the nearest to 256 are 252 and 268. Received: (256, 256, 1).",
        ),
        ({"input_shape": (8,)}, "input_shape: expected (*spatial, channels) with one to three spatial axes, such as (256, 256, 1); "),
    ],
)
def test_errors_name_the_argument_the_expectation_and_the_remedy(options, message):
    with pytest.raises(ArgumentError) as caught:
        tiny(**options)
    assert str(caught.value).startswith(message)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="filter_count"):
        tiny(filter_count=3)


def test_channels_first_is_refused_with_the_remedy():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ArgumentError, match="channels_last"):
            tiny()
    finally:
        keras.config.set_image_data_format("channels_last")
