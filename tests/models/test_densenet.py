"""DenseNet: published integers beyond the presets, its twin, and what each argument changes."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_densenet, profile
from kzoo.models import taps
from kzoo.stack import ops

from .cells import random
from .keras_twins import largest_difference

CIFAR = {"input_shape": (32, 32, 3), "num_classes": 10, "stem": "3x3"}
SMALL = {**CIFAR, "blocks": (2, 3), "growth": 4}


def parameters(layers: int, growth: int, *, bottleneck: bool, classes: int = 10) -> int:
    """The CIFAR networks of table 2 in closed form: three blocks of `layers` layers; every norm has two weights per channel."""
    channels = 2 * growth if bottleneck else 16
    count = 27 * channels
    for stage in range(3):
        for _ in range(layers):
            inner = 4 * growth if bottleneck else channels
            count += 2 * channels + (channels * inner + 2 * inner if bottleneck else 0) + 9 * inner * growth
            channels += growth
        if stage < 2:
            kept = channels // 2 if bottleneck else channels
            count += 2 * channels + channels * kept
            channels = kept
    return count + 2 * channels + (channels + 1) * classes


def test_equal_to_keras(monkeypatch):
    """Also at a size that no stride divides."""
    assert largest_difference("densenet121", monkeypatch, size=65) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["densenet169", "densenet201"])
def test_deep_ones_equal_to_keras(preset, monkeypatch):
    assert largest_difference(preset, monkeypatch) < 1e-5


@pytest.mark.parametrize(("depth", "growth", "bottleneck", "published"), [
    (40, 12, False, 1.0),
    (100, 12, False, 7.0),
    (100, 24, False, 27.2),
    (100, 12, True, 0.8),
    (250, 24, True, 15.3),
    (190, 40, True, 25.6),
])  # fmt: skip
def test_millions_of_table_2(depth, growth, bottleneck, published):
    """The closed form is the paper's; the builder has it for two layers per block."""
    layers = (depth - 4) // (6 if bottleneck else 3)
    assert round(parameters(layers, growth, bottleneck=bottleneck) / 1e6, 1) == published
    plain = {} if bottleneck else {"bottleneck": 0, "compression": 1, "stem_filters": 16}
    shallow = build_densenet(**CIFAR, growth=growth, blocks=(2, 2, 2), **plain)
    assert profile(shallow).trainable == parameters(2, growth, bottleneck=bottleneck)


def test_a_layer_reads_all_maps_and_adds_its_own():
    model = build_densenet(**SMALL)
    names = ["stage1_block1_concat", "stage1_block2_concat"]
    first, second = keras.Model(model.input, [model.get_layer(name).output for name in names])(random(2, 32, 32, 3))
    assert (first.shape[-1], second.shape[-1]) == (8 + 4, 8 + 4 + 4)
    np.testing.assert_array_equal(second[..., :12], first)


def test_growth_per_stage_bottleneck_and_compression():
    model = build_densenet(**{**SMALL, "growth": (4, 6)}, bottleneck=3, compression=0.3)
    assert model.get_layer("stem_conv").kernel.shape == (3, 3, 3, 8)
    assert model.get_layer("stage1_block2_conv1").kernel.shape == (1, 1, 12, 12)
    assert model.get_layer("stage2_block1_conv2").kernel.shape == (3, 3, 18, 6)
    assert model.get_layer("transition1_conv").kernel.shape == (1, 1, 16, 4)


def test_without_bottlenecks():
    names = {layer.name for layer in build_densenet(**SMALL, bottleneck=0).layers}
    assert "stage1_block1_conv2" in names
    assert not any(name.endswith("conv1") for name in names)


def test_dropout_follows_every_convolution_but_the_stem():
    model = build_densenet(**SMALL, block_dropout=0.2, dropout=0.5)
    rates = {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    convolutions = {layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)} - {"stem_conv"}
    assert rates == {**{f"{name}_dropout": 0.2 for name in convolutions}, "head_dropout": 0.5}


def test_the_maps_it_offers():
    """What a block has gathered; the last one after norm and activation."""
    model = build_densenet(input_shape=(64, 64, 3), num_classes=0, blocks=(1, 1, 1), growth=4, features_only=True)
    assert [(tap.name, tap.channels, tap.strides[0]) for tap in taps(model)] == [
        ("stem", 8, 2),
        ("stage1", 12, 4),
        ("stage2", 10, 8),
        ("stage3", 9, 16),
    ]
    assert float(ops.min(model(random(1, 64, 64, 3))[-1])) >= 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"growth": 0}, "growth: expected an integer of at least 1. Received: 0"),
        ({"growth": [4, 4, 4]}, r"growth: expected one value or 2 \(one per stage, blocks=\[2, 3\]\). Received: 3 values"),
        ({"bottleneck": -1}, "bottleneck: expected an integer of at least 0. Received: -1"),
        ({"compression": 0}, "compression: expected a share above 0 and up to 1. Received: 0"),
        ({"compression": 1.5}, "compression: expected a share above 0 and up to 1. Received: 1.5"),
        ({"stem": "5x5"}, "stem: expected one of 7x7, 3x3. Received: 5x5"),
        ({"stem_filters": 0}, "stem_filters: expected an integer of at least 1"),
        ({"block_dropout": 1}, "block_dropout: expected a rate from 0 to below 1"),
        ({"normalization": "group"}, "growth: expected multiples of 8, the groups"),
        ({"normalization": "group", "growth": 8, "compression": 0.3}, "compression: expected multiples of 8, .* Received: 9"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_densenet(**{**SMALL, **options})
