"""U-Net: published integers, every cell of the grid in three ranks and at odd sizes, every option, names, errors."""

import json
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_unet
from kzoo.layers.skips import Skip
from kzoo.layers.style import Norm
from kzoo.models.unet_plan import UNetDownsampling
from kzoo.stack import config
from tests.things import SLOPE

from .cells import CELLS, path, random, run, tiny

ANY = (None, None, 1)


def test_the_network_of_the_paper():
    model = build_unet(input_shape=(572, 572, 1), num_classes=2, padding="valid")
    assert model.count_params() == 31_030_658
    assert model.output_shape == (None, 388, 388, 2)
    assert getattr(model, "optimizer", None) is None


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
        ({"downsampling": "strided_first_conv"}, 31_030_593),
        ({"upsampling": "nearest", "upsampling_kernel": 2}, 31_030_593),
        ({"upsampling_kernel": 3}, 34_512_193),
        ({"upsampling": "nearest"}, 34_512_193),
        ({"upsampling": "bilinear"}, 34_512_193),
        ({"downsampling": "strided_conv", "downsampling_kernel": 2}, 32_424_193),
        ({"downsampling": "strided_conv", "downsampling_kernel": 2, "upsampling_kernel": 3}, 35_905_793),
        ({"downsampling": "strided_conv", "downsampling_kernel": 2, "upsampling": "nearest", "upsampling_kernel": 2}, 32_424_193),
        ({"downsampling": "strided_conv", "downsampling_kernel": 2, "upsampling": "nearest"}, 35_905_793),
        ({"downsampling": "strided_conv"}, 34_164_993),
        ({"downsampling": "strided_conv", "upsampling_kernel": 3}, 37_646_593),
        ({"downsampling": "strided_conv", "upsampling": "nearest", "upsampling_kernel": 2}, 34_164_993),
        ({"downsampling": "strided_conv", "upsampling": "nearest"}, 37_646_593),
    ],
)
def test_published_parameters(options, parameters):
    assert build_unet(**{"input_shape": ANY, "num_classes": 1, **options}).count_params() == parameters


@pytest.mark.parametrize(("size", "depth", "output"), [(188, 4, 4), (572, 4, 388), (1020, 4, 836), (200, 2, 160), (100, 3, 12)])
def test_valid_sizes(size, depth, output):
    model = build_unet(input_shape=(size, size, 1), num_classes=1, filters=1, depth=depth, padding="valid")
    assert model.output_shape[1:3] == (output, output)


def test_a_convolution_that_widens_replaces_what_the_next_stage_would_add():
    """By hand: 3 x 3 x (c x 2c) + 2c more for the extra one, 3 x 3 x c x 2c more in the stage's first, against the plain pooling."""
    extra = sum(9 * c * 2 * c + 2 * c + 9 * c * 2 * c for c in (64, 128, 256, 512))
    model = build_unet(input_shape=ANY, num_classes=1, downsampling="strided_conv_widen")
    assert model.count_params() == 31_030_593 + extra


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("down", "up"), CELLS)
def test_every_cell_in_every_rank_builds_learns_and_is_saved(down, up, rank, size, tmp_path):
    """At a legal size and at an odd one: shape, probabilities, a gradient for every weight, equal outputs after reloading."""
    model = tiny(rank, size, downsampling=down, upsampling=up, activation="elu")
    x, shape = random(2, *[size] * rank, 2), (2, *[size] * rank)
    scores = run(model, x)
    assert scores.shape == (*shape, 3)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)

    model.save(tmp_path / "unet.keras")
    np.testing.assert_array_equal(run(keras.saving.load_model(tmp_path / "unet.keras"), x), scores)

    before = [weight.copy() for weight in model.get_weights()]
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", run_eagerly=True)
    model.train_on_batch(x, np.arange(np.prod(shape)).reshape(shape) % 3)
    still = [path(v) for v, b, a in zip(model.weights, before, model.get_weights(), strict=True) if np.array_equal(a, b)]
    assert not still


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("down", "up"), CELLS)
def test_every_cell_takes_any_size_and_adds_no_layer_where_the_strides_divide_it(down, up, rank):
    """The same weights give the same outputs at run time, whether the size was known when the network was built or not."""
    cell = {"downsampling": down, "upsampling": up}
    fixed, legal, free = tiny(rank, 7, **cell), tiny(rank, 8, **cell), tiny(rank, None, **cell)
    assert {layer.name for layer in fixed.layers} - {layer.name for layer in legal.layers} == {"image_pad", "head_crop"}
    for model in (legal, free):
        model.set_weights(fixed.get_weights())
    x = random(1, *[7] * rank, 2)
    padded = np.pad(x, [(0, 0), *[(0, 1)] * rank, (0, 0)])
    cut = (slice(None), *[slice(7)] * rank)
    np.testing.assert_allclose(run(fixed, x), run(legal, padded)[cut], atol=1e-5)
    np.testing.assert_allclose(run(free, x), run(fixed, x), atol=1e-5)
    np.testing.assert_allclose(run(free, padded), run(legal, padded), atol=1e-5)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("down", "up"), CELLS)
def test_every_cell_under_mixed_precision(down, up, rank, tmp_path):
    """Computes in bfloat16, the head in float32; learns, and gives equal outputs after reloading.

    The bottleneck has 3 positions along each axis, since TensorFlow's gradient of a bfloat16 Conv3D is now and then NaN for 2 x 2 x 2.
    """
    config.set_dtype_policy("mixed_bfloat16")
    try:
        model = tiny(rank, 9, downsampling=down, upsampling=up)
    finally:
        config.set_dtype_policy("float32")
    assert model.get_layer("encoder1_conv1").compute_dtype == "bfloat16"
    x, shape = random(2, *[9] * rank, 2), (2, *[9] * rank)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", run_eagerly=True)
    before = model.get_layer("encoder1_conv1").get_weights()[0].copy()
    model.train_on_batch(x, np.arange(np.prod(shape)).reshape(shape) % 3)
    assert np.any(model.get_layer("encoder1_conv1").get_weights()[0] != before)
    scores = run(model, x)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    model.save(tmp_path / "unet.keras")
    np.testing.assert_array_equal(run(keras.saving.load_model(tmp_path / "unet.keras"), x), scores)


@pytest.mark.parametrize("down", get_args(UNetDownsampling))
def test_anisotropic_strides_halve_their_axes_only(down):
    model = tiny(3, downsampling=down, strides=[(1, 2, 2), (2, 2, 3)], depth=2, input_shape=(4, 8, 12, 1))
    assert model.get_layer("encoder2_conv1").output.shape[1:4] == (4, 4, 6)
    assert model.get_layer("bottleneck_conv1").output.shape[1:4] == (2, 2, 2)
    assert model.output_shape[1:4] == (4, 8, 12)


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


@pytest.mark.parametrize("normalization", get_args(Norm))
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


def test_strides_of_one_and_three_are_mirrored():
    """The list of an anisotropic volume: planes are merged from the second stage on, the last step keeps the size."""
    model = tiny(3, depth=4, strides=[(1, 2, 2), 2, (3, 1, 1), 1], input_shape=(6, 4, 4, 1))
    taps = [
        "encoder1_conv1",
        "encoder2_conv1",
        "encoder3_conv1",
        "encoder4_conv1",
        "bottleneck_conv1",
        *(f"decoder{n}_up" for n in (4, 3, 2, 1)),
    ]
    sizes = [model.get_layer(name).output.shape[1:4] for name in taps]
    assert sizes[:5] == [(6, 4, 4), (6, 2, 2), (3, 1, 1), (1, 1, 1), (1, 1, 1)]
    assert sizes[5:] == sizes[3::-1]


def test_encoder_and_decoder_apart():
    model = tiny(filters=[4, 6, 8], blocks=[1, 2, 3], decoder_filters=[5, 7], decoder_blocks=[3, 1], decoder_kernel_size=[5, 1])
    convolutions = {layer.name: (layer.filters, layer.kernel_size[0]) for layer in model.layers if "_conv" in layer.name}
    assert convolutions == {
        "encoder1_conv1": (4, 3),
        **{f"encoder2_conv{n}": (6, 3) for n in (1, 2)},
        **{f"bottleneck_conv{n}": (8, 3) for n in (1, 2, 3)},
        "decoder2_conv1": (7, 1),
        **{f"decoder1_conv{n}": (5, 5) for n in (1, 2, 3)},
    }
    assert model.get_layer("decoder2_up").filters == 7


def test_dilation_widens_the_stages_of_both_paths():
    model = tiny(dilation=[1, 2, (3, 1)])
    rates = {
        name: model.get_layer(f"{name}_conv1").dilation_rate for name in ("encoder1", "encoder2", "bottleneck", "decoder2", "decoder1")
    }
    assert rates == {"encoder1": (1, 1), "encoder2": (2, 2), "bottleneck": (3, 1), "decoder2": (2, 2), "decoder1": (1, 1)}


def test_separable_convolutions_in_the_stages():
    """By hand: 3 x 3 depthwise on c_in, 1 x 1 to c_out, biases; the up-samplings and the head are as before."""
    model = tiny(convolution="separable", depth=1)
    pairs = [(2, 4), (4, 4), (4, 8), (8, 8), (8, 4), (4, 4)]
    stages = sum(9 * a + a * b + b for a, b in pairs)
    assert model.count_params() == stages + (2 * 2 * 8 * 4 + 4) + (4 * 3 + 3)


ORDERS = {
    "conv-norm-act": ["encoder1_conv2", "encoder1_conv2_norm", "encoder1_conv2_act"],
    "norm-act-conv": ["encoder1_preact_conv2_norm", "encoder1_preact_conv2_act", "encoder1_preact_conv2"],
    "conv-act-norm": ["encoder1_postnorm_conv2", "encoder1_postnorm_conv2_norm"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_block_order_is_recorded_in_the_names(order):
    model = tiny(block_order=order, normalization="batch")
    names = [layer.name for layer in model.layers if "encoder1" in layer.name and "2" in layer.name]
    assert names == ORDERS[order]
    first = {"conv-norm-act": "linear", "norm-act-conv": "linear", "conv-act-norm": "relu"}
    conv = next(name for name in names if name.endswith("conv2"))
    assert model.get_layer(conv).activation.__name__ == first[order]


def test_preactivation_leaves_the_image_alone_and_closes_before_the_head():
    names = [layer.name for layer in tiny(block_order="norm-act-conv", normalization="batch").layers]
    assert names[:2] == ["image", "encoder1_preact_conv1"]
    assert names[-3:] == ["head_norm", "head_act", "head"]


def test_an_activation_layer_with_arguments():
    model = tiny(activation={"LeakyReLU": {"negative_slope": 0.01}})
    assert model.get_layer("encoder1_conv1_act").get_config()[SLOPE] == pytest.approx(0.01)
    assert model.get_layer("encoder1_conv1").activation.__name__ == "linear"


@pytest.mark.parametrize("size", [8, 16, None])
def test_a_prelu_has_one_slope_per_channel(size):
    model = tiny(size=size, activation={"PReLU": {}})
    assert model.get_layer("encoder1_conv1_act").get_weights()[0].shape == (1, 1, 4)


def test_sizes_that_no_skip_needs_are_legal_without_padding():
    """Nothing meets, so that a pooling may drop a last row: 19 - 4 = 15, 7, 3, 6, 2."""
    assert tiny(size=19, depth=1, skip="none", padding="valid").output_shape == (None, 2, 2, 3)


def test_a_stride_of_one_takes_no_window():
    model = tiny(strides=[1, 2], downsampling_kernel=[None, 3], upsampling_kernel=[(3, 3), 2])
    assert "encoder1_down" not in {layer.name for layer in model.layers}
    assert model.get_layer("decoder1_up").kernel_size == (3, 3)
    assert {layer.name for layer in tiny(size=None, strides=1).layers}.isdisjoint({"image_pad", "head_crop"})


def test_arrays_of_numpy_are_lists():
    model = tiny(filters=np.array([4, 6, 8]), l2=np.float32(0.5), dropout=np.float64(0.5), strides=(np.int64(2), 2))
    assert model.get_layer("encoder2_conv1").filters == 6


def test_spatial_dropout_in_the_decoder():
    model = tiny(3, dropout_kind="spatial", decoder_dropout=[0.1, 0.2])
    drops = {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.SpatialDropout3D)}
    assert drops == {"decoder1_dropout": 0.1, "decoder2_dropout": 0.2}


def test_l2_and_initializer_reach_every_kernel_but_the_heads():
    model = tiny(l2=0.25, initializer="ones", upsampling="nearest")
    kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel") and layer.name != "head"]
    assert all(np.all(kernel.numpy() == 1) for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(0.25 * sum(np.prod(kernel.shape) for kernel in kernels))
    assert len(model.losses) == len(kernels) == 12


def test_biases_can_be_kept():
    assert tiny(normalization="batch", bias="always").get_layer("encoder1_conv1").use_bias


def test_icnr_starts_as_nearest_interpolation():
    """Every 2 x 2 block of the shuffled map is constant before training."""
    model = tiny(upsampling="pixel_shuffle")
    maps = run(keras.Model(model.input, model.get_layer("decoder1_up").output), random(1, 8, 8, 2))
    np.testing.assert_array_equal(maps[:, ::2, ::2], maps[:, 1::2, 1::2])
    assert np.ptp(maps) > 0


def test_unpooling_puts_values_where_the_encoder_has_its_maxima():
    model = tiny(upsampling="max_unpool")
    taps = [model.get_layer(name).output for name in ("encoder1_conv2", "decoder1_up")]
    pooled, unpooled = (np.asarray(t) for t in keras.Model(model.input, taps)(random(1, 8, 8, 2)))
    windows = pooled.reshape(4, 2, 4, 2, 4).transpose(0, 2, 4, 1, 3).reshape(-1, 4)
    values = unpooled.reshape(4, 2, 4, 2, 4).transpose(0, 2, 4, 1, 3).reshape(-1, 4)
    assert np.all(np.count_nonzero(values, axis=1) == 1)
    unique = np.sum(windows == windows.max(1, keepdims=True), axis=1) == 1
    assert unique.sum() > 10
    np.testing.assert_array_equal(np.argmax(values != 0, axis=1)[unique], np.argmax(windows, axis=1)[unique])


def test_layer_names_are_those_of_the_golden_file():
    """Weights are found by names, so a change here breaks the files of users: it needs a new major version."""
    golden = json.loads(Path(__file__).with_name("unet_layer_names.json").read_text())
    assert len(golden) >= 8
    for entry in golden:
        assert [layer.name for layer in tiny(**entry["options"]).layers] == entry["names"]


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
            "downsampling: expected one of max_pool, avg_pool, strided_conv, strided_conv_widen, strided_first_conv, blur_pool. "
            "Received: maxpol. Did you mean max_pool?",
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
            {"input_shape": (2, 32, 1)},
            "input_shape: expected larger sizes for depth=2: encoder2 gets a map of size 1 along axis 1 and cannot divide it by 2. "
            "Received: (2, 32, 1). Use depth=1 or a larger input.",
        ),
        (
            {"input_shape": (40, 64, 1), "padding": "valid", "depth": 3},
            'input_shape: expected spatial sizes n with n % 8 == 4 and n >= 92 for padding="valid" and depth=3; '
            "the nearest to 40 is 92. Received: (40, 64, 1). bottleneck gets a map of size 1 and leaves nothing of it. "
            "depth=1 would fit.",
        ),
        (
            {"downsampling_kernel": 2, "strides": 3, "input_shape": (27, 27, 1)},
            "downsampling_kernel: expected at least the stride, 3, since a smaller window skips positions. Received: 2. "
            "Use 3 or more, or smaller strides.",
        ),
        (
            {"upsampling_kernel": [1, 2]},
            "upsampling_kernel: expected at least the stride, 2, since a smaller transposed kernel leaves gaps.",
        ),
        (
            {"kernel_size": [3, 4, 3]},
            'kernel_size: expected odd sizes with padding="same", where an even kernel shifts the map by half a pixel. Received: 4. '
            'Use 3 or 5, or padding="valid".',
        ),
        (
            {"upsampling": "max_unpool", "downsampling": "avg_pool"},
            'upsampling: expected downsampling="max_pool" for max_unpool, which puts values back where pooling took them from. '
            "Received: downsampling=avg_pool. Use max_pool, or another upsampling.",
        ),
        (
            {"upsampling": "max_unpool", "downsampling_kernel": 3},
            'downsampling_kernel: expected windows of the stride\'s size for upsampling="max_unpool". '
            "Received: [[3, 3], [3, 3]]. Leave it out.",
        ),
        (
            {"downsampling": "strided_first_conv", "downsampling_kernel": 3},
            'downsampling_kernel: expected None for downsampling="strided_first_conv", whose window is the next stage\'s kernel_size. '
            "Received: 3.",
        ),
        ({"downsampling": "strided_first_conv", "dilation": 2}, "dilation: expected 1 in stage 2, whose first convolution is strided by "),
        (
            {"downsampling": "strided_first_conv", "strides": 4, "input_shape": (16, 16, 1)},
            "kernel_size: expected at least the stride, 4, in stage 2",
        ),
        (
            {"decoder_filters": [4, 8, 16]},
            "decoder_filters: expected one value or 2 (one per stage, depth=2). Received: 3 values, [4, 8, 16].",
        ),
        ({"decoder_dropout": [0.5, 1.5]}, "decoder_dropout: expected a rate from 0 to below 1. Received: 1.5."),
        ({"block_order": "conv-act-norm"}, 'block_order: expected conv-norm-act or norm-act-conv for normalization="none".'),
        ({"deep_supervision": 2}, "deep_supervision: expected at most 1 extra heads for depth=2, since the decoder has 2 stages"),
        (
            {"deep_supervision": 1, "padding": "valid", "input_shape": (44, 44, 1)},
            'deep_supervision: expected 0 for padding="valid", where deeper maps show more of the image than the output. Received: 1. '
            'Use padding="same".',
        ),
        (
            {"activation": {"LeakyRelu": {}}},
            "activation: expected one of ReLU, LeakyReLU, PReLU, ELU, ScaledTanh. Received: LeakyRelu. Did you mean LeakyReLU?",
        ),
        ({"activation": {"LeakyReLU": {"slope": 1}}}, "activation: expected arguments of keras.layers.LeakyReLU. Received: {'slope': 1}"),
        ({"initializer": "he_norml"}, "initializer: expected the name of an initializer for kernels in keras.initializers, such as "),
        ({"initializer": "identity"}, "initializer: expected the name of an initializer for kernels in keras.initializers, such as "),
        ({"initializer": None}, "initializer: expected the name of an initializer for kernels in keras.initializers, such as he_normal. "),
        ({"activation": {"ReLU": {"name": "x"}}}, "activation: expected no name, since every layer gets its own. Received: {'name': 'x'}."),
        ({"normalization": "group", "filters": 8, "decoder_filters": 4}, "decoder_filters: expected multiples of 8, the groups of "),
        ({"input_shape": (True, 8, 1)}, "input_shape: expected (*spatial, channels) with one to three spatial axes, "),
        (
            {"input_shape": (44, 46, 1), "padding": "valid", "depth": 3},
            'input_shape: expected spatial sizes n with n % 8 == 4 and n >= 92 for padding="valid" and depth=3; the nearest to 44 is 92. '
            "Received: (44, 46, 1). bottleneck gets a map of size 2 and leaves nothing of it. depth=1 would fit.",
        ),
        (
            {"input_shape": (4, 4, 1), "normalization": "instance"},
            'input_shape: expected larger sizes for depth=2 and normalization="instance": the bottleneck\'s maps have one position each, ',
        ),
        ({"strides": 1, "downsampling_kernel": 3}, "downsampling_kernel: expected None, since every stride is 1. Received: 3."),
        (
            {"strides": [1, 2], "downsampling_kernel": [(3, 3), 2]},
            "downsampling_kernel: expected None or 1 where all strides are 1, since nothing is down-sampled there. Received: [3, 3].",
        ),
        ({"l2": -1}, "l2: expected a number of at least 0. Received: -1."),
        ({"filter_count": 3}, "filter_count: unknown; expected one of input_shape, num_classes, filters, "),
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


def test_a_separable_volume_is_refused():
    with pytest.raises(ArgumentError, match="convolution: expected standard for volumes"):
        tiny(3, convolution="separable")


def test_a_missing_argument_is_named():
    with pytest.raises(ArgumentError, match="num_classes: missing; expected an integer"):
        build_unet(input_shape=(8, 8, 1))


def test_channels_first_is_refused_with_the_remedy():
    config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ArgumentError, match="channels_last"):
            tiny()
    finally:
        config.set_image_data_format("channels_last")
