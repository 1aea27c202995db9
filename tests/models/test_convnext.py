"""ConvNeXt: its twin, published integers beyond the presets, and what each argument changes."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_convnext, profile
from kzoo.layers import LayerScale, StochasticDepth
from kzoo.models import PRESETS, taps

from .cells import random, run, scramble
from .classifiers import learns
from .keras_twins import largest_difference

SMALL = {"input_shape": (32, 32, 3), "num_classes": 10, "filters": 8, "blocks": (1, 2), "kernel_size": 3}


def parameters(filters: tuple[int, ...], blocks: tuple[int, ...], kernel: int = 7, classes: int = 1000) -> int:
    """Table 9 in closed form: patches, blocks of a depthwise and two dense convolutions, reductions, norms, head."""
    count = (48 + 3) * filters[0]
    for stage, (c, number) in enumerate(zip(filters, blocks, strict=True)):
        count += number * ((kernel**2 + 1 + 2) * c + 4 * c * (c + 1) + c * (4 * c + 1) + c)
        count += 2 * filters[stage - 1] + 4 * filters[stage - 1] * c + c if stage else 0
    return count + 2 * filters[-1] + (filters[-1] + 1) * classes


def test_equal_to_keras(monkeypatch):
    """Also at a size that no stride divides."""
    assert largest_difference("convnext_tiny", monkeypatch, size=65, include_preprocessing=False) < 1e-5


@pytest.mark.slow
def test_the_deep_one_equal_to_keras(monkeypatch):
    assert largest_difference("convnext_small", monkeypatch, include_preprocessing=False) < 1e-5


@pytest.mark.parametrize(
    ("filters", "blocks", "published"),
    [
        (96, (3, 3, 9, 3), 28_589_128),
        (96, (3, 3, 27, 3), 50_223_688),
        (128, (3, 3, 27, 3), 88_591_464),
        (192, (3, 3, 27, 3), 197_767_336),
    ],
)
def test_parameters_of_table_9(filters, blocks, published):
    """Tiny to large, as torchvision counts them; the builder has the closed form in small."""
    assert parameters(tuple(filters * 2**stage for stage in range(4)), blocks) == published
    small = build_convnext(input_shape=(32, 32, 3), num_classes=5, filters=(8, 12), blocks=(1, 2))
    assert small.count_params() == parameters((8, 12), (1, 2), classes=5)


def test_costs_of_table_1():
    assert [round(PRESETS[name].macs / 1e9, 1) for name in ("convnext_tiny", "convnext_small")] == [4.5, 8.7]


def test_the_gradient_reaches_every_weight():
    model = scramble(build_convnext(**SMALL, layer_scale=1.0, stochastic_depth=0.0))
    assert learns(model, random(8, 32, 32, 3), 10) == []


def test_a_block_begins_as_its_shortcut():
    """With factors of 1e-6 the stage passes on what enters it."""
    model = build_convnext(**SMALL)
    names = ["stem_conv_norm", "stage1_block1_add"]
    before, after = keras.Model(model.input, [model.get_layer(name).output for name in names])(random(2, 32, 32, 3))
    np.testing.assert_allclose(before, after, atol=1e-4)
    assert np.abs(before).max() > 0.1
    assert not np.array_equal(before, after)


def test_rates_of_stochastic_depth_grow_from_zero():
    model = build_convnext(**{**SMALL, "blocks": (2, 3)}, stochastic_depth=0.4)
    rates = {layer.name: layer.rate for layer in model.layers if isinstance(layer, StochasticDepth)}
    named = ["stage1_block2", "stage2_block1", "stage2_block2", "stage2_block3"]
    assert rates == {f"{name}_depth": pytest.approx(rate) for name, rate in zip(named, (0.1, 0.2, 0.3, 0.4), strict=True)}
    single = build_convnext(**{**SMALL, "blocks": (1,)}, stochastic_depth=0.4)
    assert not any(isinstance(layer, StochasticDepth) for layer in single.layers)


def test_without_layer_scale():
    plain = build_convnext(**SMALL, layer_scale=0)
    assert not any(isinstance(layer, LayerScale) for layer in plain.layers)
    assert build_convnext(**SMALL).count_params() - plain.count_params() == 8 + 2 * 16


def test_kernels_expansion_and_patches():
    model = build_convnext(**{**SMALL, "kernel_size": (3, 5)}, expansion=2, patch_size=(2, 4))
    assert model.get_layer("stem_conv").kernel.shape == (2, 4, 3, 8)
    assert model.get_layer("stage1_block1_depthwise").weights[0].shape == (3, 3, 8, 1)
    assert model.get_layer("stage2_block1_depthwise").weights[0].shape == (5, 5, 16, 1)
    assert model.get_layer("stage2_block1_expand").kernel.shape == (1, 1, 16, 32)
    assert model.get_layer("stage2_block2_add").output.shape == (None, 8, 4, 16)


@pytest.mark.parametrize(("normalization", "last"), [("batch", "Batch"), ("layer", "Layer"), ("instance", "Layer"), ("group", "Layer")])
def test_norms_are_replaced_and_the_last_one_has_no_positions(normalization, last):
    model = scramble(build_convnext(**SMALL, normalization=normalization, classifier_activation=None))
    assert type(model.get_layer("head_norm")).__name__ == f"{last}Normalization"
    kinds = {type(layer).__name__ for layer in model.layers if layer.name.endswith("_norm") and layer.name != "head_norm"}
    names = {"batch": "BatchNormalization", "layer": "LayerNormalization"}
    assert kinds == {names.get(normalization, "GroupNormalization")}
    assert np.ptp(run(model, random(4, 32, 32, 3)), axis=0).min() > 0


def test_biases_that_a_batch_norm_makes_redundant_are_left_out():
    model = build_convnext(**SMALL, normalization="batch")
    assert {layer.name for layer in model.layers if getattr(layer, "use_bias", None) is False} == {
        "stem_conv",
        *(f"{block}_depthwise" for block in ("stage1_block1", "stage2_block1", "stage2_block2")),
    }


def test_without_norms():
    names = {layer.name for layer in build_convnext(**SMALL, normalization="none").layers}
    assert not any(name.endswith("_norm") for name in names)


def test_small_images_keep_their_positions():
    """8 x 8: neither the patches nor the first reductions have a stride; four positions remain."""
    found = profile(build_convnext(input_shape=(8, 8, 1), num_classes=10, filters=4, blocks=(1, 1, 1, 1), small_input=True))
    assert found.receptive_field.stride == (2, 2)


def test_the_maps_it_offers():
    model = build_convnext(**SMALL, features_only=True)
    assert [tuple(tap) for tap in taps(model)] == [("stage1", 8, (4, 4)), ("stage2", 16, (8, 8))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expansion": 0}, "expansion: expected an integer of at least 1. Received: 0"),
        ({"layer_scale": -1}, "layer_scale: expected a number of at least 0. Received: -1"),
        ({"stochastic_depth": 1}, "stochastic_depth: expected a rate from 0 to below 1. Received: 1"),
        ({"patch_size": (4, 4, 4)}, r"patch_size: expected an integer or one per spatial axis \(2\). Received: 3 values"),
        ({"kernel_size": [3, 3, 3]}, "kernel_size: expected one value or 2 .* Received: 3 values"),
        ({"filters": (8, 16, 32)}, "filters: expected one value or 2 .* Received: 3 values"),
        ({"filters": 12, "normalization": "group"}, "filters: expected multiples of 8, .* Received: 12"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_convnext(**{**SMALL, **options})
