"""Inception v3: equal to keras.applications, torchvision's integers, sizes, and what each argument changes."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_inception_v3, build_preset, describe, load, profile, save
from kzoo.models import PRESETS, main_output
from kzoo.models.inception_v3 import keras_name
from kzoo.models.weights import find_application, named_layers
from kzoo.stack import ops

from .cells import random, run
from .keras_twins import largest_difference

SMALL = {"num_classes": 3, "blocks": (1, 1, 1), "pool_filters": 32, "factor_filters": 128, "width": 1 / 16}
DOWNSAMPLINGS = ["max_pool", "avg_pool", "strided_conv", "blur_pool"]


def small(size: int = 107, **options) -> keras.Model:
    return build_inception_v3(**{"input_shape": (size, size, 2), **SMALL, **options})


def test_equal_to_keras_whatever_its_session_has_named_before(monkeypatch):
    """Two more convolutions and a norm shift all automatic names of the twin."""
    keras.layers.Conv2D(1, 1), keras.layers.Conv2D(1, 1), keras.layers.BatchNormalization()
    assert largest_difference("inception_v3", monkeypatch, size=107) < 1e-5


def test_automatic_names_count_from_the_first_of_the_model():
    keras.layers.Conv2D(1, 1)
    image = keras.Input((8, 8, 1))
    first, second, named = keras.layers.Conv2D(2, 1), keras.layers.Conv2D(3, 1), keras.layers.Conv2D(4, 1, name="block1_conv1")
    model = keras.Model(image, first(second(named(image))))
    found = named_layers(model)
    assert (found["conv2d"], found["conv2d_1"], found["block1_conv1"]) == (first, second, named)
    assert first.name != "conv2d"


def test_every_layer_has_a_name_in_keras_also_with_other_borders_and_heads():
    model = build_preset("inception_v3", input_shape=(107, 107, 1), padding="same", auxiliary_heads=True, num_classes=7)
    assert find_application(model).application == "InceptionV3"
    names = {layer.name for layer in model.layers if layer.weights and not layer.name.startswith("auxiliary")}
    expected = {f"{kind}_{n}" if n else kind for kind in ("conv2d", "batch_normalization") for n in range(94)}
    assert {keras_name(name) for name in names} == {*expected, "predictions"}
    assert len(names) == 2 * 94 + 1


def test_sizes_of_table_1():
    features = build_preset("inception_v3", width=1 / 16, features_only=True)
    assert [output.shape[1] for output in features.outputs] == [147, 71, 35, 17, 8]
    assert PRESETS["inception_v3"].total == 23_851_784


def test_the_gammas_are_what_torchvision_has_more():
    """One per channel of every norm: half of the 34,432 statistics."""
    plain, scaled = profile(small()), profile(small(scale=True))
    assert scaled.trainable - plain.trainable == (plain.total - plain.trainable) // 2
    assert PRESETS["inception_v3_torchvision"].trainable - PRESETS["inception_v3"].trainable == 34_432 // 2


@pytest.mark.parametrize(("padding", "size"), [("valid", 107), ("valid", 108), ("same", 108)])
def test_sizes_are_the_same_for_all_downsamplings(size, padding):
    """The branches of a reduction must agree, or they could not be joined."""
    shapes = {small(size, padding=padding, num_classes=0, pooling=None, downsampling=kind).output_shape for kind in (None, *DOWNSAMPLINGS)}
    assert len(shapes) == 1
    if padding == "same":
        assert shapes == {(None, 4, 4, 128)}


def test_convolutions_are_factorized_into_one_per_axis():
    """Figures 6 and 7: lines along every axis, and twice in the longer branch."""
    kernels = {}
    for shape in [(107, 2), (107, 107, 2), (16, 16, 16, 2)]:
        model = small(input_shape=shape, small_input=len(shape) == 4, factor_kernel=5)
        branches = {f"stage4_block1_branch{n}_conv" for n in (2, 3)} | {"stage5_block1_branch2_conv"}
        for branch in branches:
            layers = sorted((layer.name, layer.kernel_size) for layer in model.layers if layer.name[:-1] == branch)
            kernels[len(shape) - 1, branch[:6], branch[-6]] = [size for _, size in layers]
    assert kernels[1, "stage4", "2"] == [(1,), (5,)]
    assert kernels[1, "stage4", "3"] == [(1,), (5,), (5,)]
    assert kernels[2, "stage4", "2"] == [(1, 1), (1, 5), (5, 1)]
    assert kernels[2, "stage4", "3"] == [(1, 1), (5, 1), (1, 5), (5, 1), (1, 5)]
    assert kernels[2, "stage5", "2"] == [(1, 1), (1, 3), (3, 1)]
    assert kernels[3, "stage4", "2"] == [(1, 1, 1), (1, 1, 5), (1, 5, 1), (5, 1, 1)]
    assert len(kernels[3, "stage4", "3"]) == 7


def test_arguments():
    model = small(blocks=(2, 3, 1), pool_filters=[32, 64], factor_filters=[128, 160, 192], dropout=0.5)
    assert [layer.name for layer in model.layers if layer.name.endswith("_concat") and "branch" not in layer.name] == [
        *("stage3_block1_concat", "stage3_block2_concat", "stage4_reduce_concat", "stage4_block1_concat", "stage4_block2_concat"),
        *("stage4_block3_concat", "stage5_reduce_concat", "stage5_block1_concat"),
    ]
    widths = {layer.name: layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    assert [widths[f"stage3_block{n}_branch4_conv1"] for n in (1, 2)] == [2, 4]
    assert [widths[f"stage4_block{n}_branch3_conv2"] for n in (1, 2, 3)] == [8, 10, 12]
    assert model.get_layer("head_dropout").rate == 0.5


def test_an_auxiliary_head_stands_behind_the_second_resolution():
    """Figure 8 at 299 pixels: 17 positions, averaged to 5, convolved to 1."""
    model = build_inception_v3(input_shape=(299, 299, 3), **SMALL, auxiliary_heads=True)
    shapes = [model.get_layer(f"auxiliary_{name}").output.shape[1:] for name in ("pool", "conv1", "conv2", "mean", "head")]
    assert shapes == [(5, 5, 48), (5, 5, 8), (1, 1, 48), (48,), (3,)]
    assert model.get_layer("auxiliary_pool").input is model.get_layer("stage4_block1_concat").output


def test_its_loss_weighs_0_4(tmp_path):
    model = small(auxiliary_heads=True, classifier_activation=None)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    x, y = random(4, 107, 107, 2), np.arange(4) % 3
    logits = [ops.convert_to_numpy(output).astype("float64") for output in model(x, training=False)]
    terms = [np.log(np.exp(output).sum(-1)) - output[range(4), y] for output in logits]
    by_hand = (terms[0] + 0.4 * terms[1]).mean()
    assert model.evaluate(x, y, verbose=0, return_dict=True)["loss"] == pytest.approx(by_hand, rel=1e-4)
    save(model, tmp_path / "inception.keras")
    assert load(tmp_path / "inception.keras").evaluate(x, y, verbose=0, return_dict=True)["loss"] == pytest.approx(by_hand, rel=1e-4)
    main = main_output(model)
    np.testing.assert_allclose(run(main, x), logits[0], rtol=1e-5)
    assert describe(main).arguments["auxiliary_heads"] is False


def test_sizes_may_be_unknown():
    assert small(input_shape=(None, None, 2), auxiliary_heads=True).output_shape == [(None, 3), (None, 3)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": (1, 1)}, r"blocks: expected three numbers, one per resolution. Received: \[1, 1\]"),
        ({"blocks": (1, 1, 0)}, "blocks: expected an integer of at least 1. Received: 0"),
        ({"pool_filters": [32, 64]}, r"pool_filters: expected one value or 1 \(one per stage, 1 modules\). Received: 2 values"),
        ({"factor_filters": 0}, "factor_filters: expected an integer of at least 1. Received: 0"),
        ({"factor_kernel": 0}, "factor_kernel: expected an integer of at least 1. Received: 0"),
        ({"width": "half"}, "width: expected a number above 0. Received: 'half'"),
        ({"scale": True, "normalization": "layer"}, 'scale: expected false for normalization="layer", which keeps its own'),
        ({"padding": "symmetric"}, "padding: expected one of same, valid. Received: symmetric"),
        ({"auxiliary_heads": True, "features_only": True}, "auxiliary_heads: expected false for features_only=True"),
        ({"auxiliary_heads": True, "num_classes": 0}, "auxiliary_heads: expected false for num_classes=0"),
        ({"normalization": "group"}, "width: expected multiples of 8, the groups"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        small(**options)
