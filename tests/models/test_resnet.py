"""Residual networks: published integers beyond the presets, twins, and what each argument changes."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_resnet, profile
from kzoo.layers.channels import PadChannels
from kzoo.stack import ops

from .cells import random, run, scramble
from .keras_twins import largest_difference

CIFAR = {"input_shape": (32, 32, 3), "num_classes": 10, "block": "basic", "filters": 16, "stem": "3x3"}
SMALL = {"input_shape": (32, 32, 3), "num_classes": 10, "blocks": (1, 1), "filters": 8, "stem": "3x3"}


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers]


def trainable(**options) -> int:
    return profile(build_resnet(**options)).trainable


@pytest.mark.parametrize("preset", ["resnet50_v1", "resnet50_keras", "resnet50_v2"])
def test_equal_to_keras(preset, monkeypatch):
    """Also at a size that no stride divides."""
    assert largest_difference(preset, monkeypatch, size=65) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["resnet101_v1", "resnet152_v1", "resnet101_v2", "resnet152_v2"])
def test_deep_ones_equal_to_keras(preset, monkeypatch):
    assert largest_difference(preset, monkeypatch, size=65) < 1e-5


@pytest.mark.parametrize(("n", "published"), [(3, 0.27), (5, 0.46), (7, 0.66), (9, 0.85), (18, 1.7)])
def test_cifar_networks_of_table_6(n, published):
    assert round(trainable(**CIFAR, blocks=(n, n, n), shortcut="A") / 1e6, 1 if n == 18 else 2) == published


def test_projections_add_what_the_ledger_says():
    """Two 1 x 1 convolutions, 16 x 32 and 32 x 64, with a norm each: 2,752."""
    assert trainable(**CIFAR, blocks=(3, 3, 3)) - trainable(**CIFAR, blocks=(3, 3, 3), shortcut="A") == 16 * 32 + 32 * 64 + 2 * (32 + 64)


def test_projections_everywhere():
    """Option C projects in the second block of each stage, too."""
    more = trainable(**{**SMALL, "blocks": (2, 2)}, shortcut="C") - trainable(**{**SMALL, "blocks": (2, 2)}, shortcut="B")
    assert more == sum(c * c + 2 * c for c in (32, 64))


def test_the_parameter_free_shortcut_by_hand():
    """With a branch of zeros the block is its shortcut: every other pixel, and zeros in half of the new channels on either side."""
    model = build_resnet(**{**CIFAR, "blocks": (1, 1), "num_classes": 0, "pooling": None}, shortcut="A")
    for layer in model.layers:
        if "conv2_norm" in layer.name:
            layer.gamma.assign(np.zeros(layer.gamma.shape))
    stem = keras.Model(model.inputs, model.get_layer("stem_conv_act").output)
    x = random(1, 32, 32, 3)
    expected = np.pad(run(stem, x)[:, ::2, ::2], [(0, 0), (0, 0), (0, 0), (8, 8)])
    np.testing.assert_allclose(run(model, x), expected, atol=1e-6)


def test_odd_channels_go_behind():
    assert ops.convert_to_numpy(PadChannels(5)(np.ones((1, 1, 2)))).tolist() == [[[0, 1, 1, 0, 0]]]


def test_stride_placement_moves_the_stride_only():
    """The paper's placement costs 6 % fewer MACs and has the larger field: 3,858.0 against 4,089.2 M, 483 against 427."""
    one, three = (build_resnet(**{**SMALL, "blocks": (1, 1)}, stride_placement=place) for place in ("1x1", "3x3"))
    assert one.get_layer("stage2_block1_conv1").strides == three.get_layer("stage2_block1_conv2").strides == (2, 2)
    assert one.get_layer("stage2_block1_conv2").strides == three.get_layer("stage2_block1_conv1").strides == (1, 1)
    assert one.count_params() == three.count_params()
    last = build_resnet(**{**SMALL, "blocks": (2, 2)}, stride_placement="last_block")
    assert {layer.name for layer in last.layers if getattr(layer, "strides", (1, 1)) == (2, 2)} == {
        "stage1_block2_shortcut_subsample",
        "stage1_block2_conv2",
    }


def test_the_d_variant_averages_before_its_projection():
    model = build_resnet(**SMALL, shortcut="D")
    assert isinstance(model.get_layer("stage2_block1_shortcut_pool"), keras.layers.AveragePooling2D)
    assert model.get_layer("stage2_block1_shortcut").strides == (1, 1)


def test_pre_activation():
    """Norm and activation stand before the convolutions and close the network; nothing follows the additions."""
    model = build_resnet(**SMALL, block_order="norm-act-conv")
    found = names(model)
    assert found.index("stage1_block1_preact_norm") < found.index("stage1_block1_preact_conv1")
    assert not any(name.endswith("_out") for name in found)
    assert found[-4:-1] == ["head_norm", "head_act", "pool"]
    assert not model.get_layer("stem_conv").use_bias
    residual = build_resnet(**SMALL, block_order="norm-act-conv", bias="residual")
    assert {layer.name for layer in residual.layers if getattr(layer, "use_bias", False) and layer.name != "head"} == {
        "stem_conv",
        *(f"stage{stage}_block1_{layer}" for stage in (1, 2) for layer in ("shortcut", "preact_conv3")),
    }


def test_squeeze_and_excitation_by_hand():
    """Per block of C channels: C x C/r + C/r and C/r x C + C."""
    extra = trainable(**SMALL, se_reduction=4) - trainable(**SMALL)
    assert extra == sum(2 * c * (c // 4) + c // 4 + c for c in (32, 64))
    model = scramble(build_resnet(**SMALL, se_reduction=4))
    inner = keras.Model(model.inputs, [model.get_layer(f"stage1_block1_{name}").output for name in ("conv3_norm", "se_expand", "se")])
    branch, gate, scaled = (ops.convert_to_numpy(value) for value in inner(random(2, 32, 32, 3)))
    assert gate.shape == (2, 1, 1, 32)
    np.testing.assert_allclose(scaled, branch * gate, rtol=1e-5)


def test_groups_divide_the_kernels():
    grouped = build_resnet(**SMALL, cardinality=4)
    assert grouped.get_layer("stage1_block1_conv2").kernel.shape == (3, 3, 2, 8)


def test_the_deep_stem():
    model = build_resnet(**{**SMALL, "stem": "deep", "stem_filters": 6, "input_shape": (64, 64, 3)})
    kernels = [model.get_layer(f"stem_conv{number}").kernel.shape for number in (1, 2, 3)]
    assert kernels == [(3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 6)]
    assert model.get_layer("stem_pool").output.shape == (None, 16, 16, 6)


def test_regularization_has_no_weights_and_grows_with_depth():
    model = build_resnet(**{**SMALL, "blocks": (2, 2)}, stochastic_depth=0.4, block_dropout=0.3, dropout=0.2)
    assert [layer.rate for layer in model.layers if layer.name.endswith("_depth")] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [layer.rate for layer in model.layers if layer.name.endswith("_dropout")] == pytest.approx([0.3] * 4 + [0.2])
    plain = build_resnet(**{**SMALL, "blocks": (2, 2)})
    assert model.count_params() == plain.count_params()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": "basic", "expansion": 2}, r'expansion: expected 4, since block="basic" has none. Received: 2'),
        ({"block": "basic", "cardinality": 4}, "cardinality: expected 1, since"),
        ({"block": "basic", "inner_width": 2.0}, "inner_width: expected 1, since"),
        ({"block": "basic", "stride_placement": "1x1"}, "stride_placement: expected 3x3 or last_block"),
        ({"bias": "residual"}, 'bias: expected auto or always for block_order="conv-norm-act"'),
        ({"cardinality": 3}, "cardinality: expected a divisor of the bottlenecks' filters, 8 in stage1_block1. Received: 3"),
        ({"blocks": 2}, r"blocks: expected a list with one value per stage, such as \[2, 2, 2\]. Received: 2"),
        ({"filters": [8, 16, 32]}, r"filters: expected one value or 2 \(one per stage, blocks=\[1, 1\]\). Received: 3 values"),
        ({"stem": "5x5"}, "stem: expected one of 7x7, 3x3, deep. Received: 5x5"),
        ({"shortcut": "a"}, "shortcut: expected one of A, B, C, D. Received: a"),
        ({"se_reduction": -1}, "se_reduction: expected an integer of at least 0"),
        ({"inner_width": 0}, "inner_width: expected a number above 0"),
        ({"inner_width": float("nan")}, "inner_width: expected a number above 0. Received: nan"),
        ({"inner_width": 0.5, "normalization": "group"}, "inner_width: expected multiples of 8, .* Received: 4. Use 8"),
        ({"stem_filters": 12, "normalization": "group"}, "stem_filters: expected multiples of 8, .* Received: 12. Use 16"),
        ({"stem": "deep", "normalization": "group"}, "stem_filters: expected multiples of 8, .* Received: 4. Use 8"),
        (
            {"filters": [16, 4], "shortcut": "A"},
            "shortcut: expected B, C or D where maps become narrower, from 64 to 16",
        ),
        ({"stochastic_depth": 1}, "stochastic_depth: expected a rate from 0 to below 1"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_resnet(**{**SMALL, **options})
