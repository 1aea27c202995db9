"""ShuffleNet v2: table 5, the two units by hand, and what each argument changes."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_preset, build_shufflenet_v2, profile
from kzoo.models import PRESETS, taps
from kzoo.stack import ops

from .cells import random, scramble

SMALL = {"input_shape": (64, 64, 3), "num_classes": 10, "filters": 8, "blocks": (2, 1), "stem_filters": 6, "last_filters": 16}


def test_sizes_of_table_5():
    rows = {layer.name: layer for layer in profile(build_preset("shufflenet_v2_x1_0")).layers}
    ends = ["stem_conv", "stem_pool", "stage2_block4_shuffle", "stage3_block8_shuffle", "stage4_block4_shuffle", "last_conv"]
    sizes = [(112, 24), (56, 24), (28, 116), (14, 232), (7, 464), (7, 1024)]
    assert [(rows[name].output_shape[0], rows[name].output_shape[-1]) for name in ends] == sizes


def test_millions_of_table_5():
    names = ("x0_5", "x1_0", "x1_5", "x2_0")
    assert [round(PRESETS[f"shufflenet_v2_{name}"].trainable / 1e6, 1) for name in names] == [1.4, 2.3, 3.5, 7.4]


def test_a_unit_leaves_half_of_the_channels_as_they_are():
    """Figure 3c; behind the shuffle they are the even channels, and what was convolved, after ReLU, the odd ones."""
    model = scramble(build_shufflenet_v2(**SMALL))
    names = ["stage2_block1_shuffle", "stage2_block2_shuffle", "stage2_block2_conv2_act"]
    outputs = keras.Model(model.input, [model.get_layer(name).output for name in names])(random(2, 64, 64, 3))
    before, after, convolved = map(ops.convert_to_numpy, outputs)
    np.testing.assert_array_equal(after[..., ::2], before[..., :4])
    np.testing.assert_array_equal(after[..., 1::2], convolved)
    assert model.get_layer("stage2_block2_conv1").kernel.shape == (1, 1, 4, 4)


def test_a_unit_with_a_stride_convolves_all_channels_twice():
    """Figure 3d; no activation follows a depthwise convolution."""
    model = build_shufflenet_v2(**SMALL)
    kernels = {
        "left_depthwise": (3, 3, 6, 1),
        "left_conv": (1, 1, 6, 4),
        "conv1": (1, 1, 6, 4),
        "depthwise": (3, 3, 4, 1),
        "conv2": (1, 1, 4, 4),
    }
    assert {name: model.get_layer(f"stage2_block1_{name}").weights[0].shape for name in kernels} == kernels
    names = {layer.name for layer in model.layers}
    assert {f"stage2_block1_{name}_norm" for name in kernels} <= names
    assert not any(name.endswith("depthwise_act") for name in names)


def test_information_crosses_the_halves():
    """How many of the 8 channels that enter reach each output channel.

    Behind one unit, 1 where nothing was convolved, 4 elsewhere. Behind two, what is convolved reads channels 4 to 7 of the first:
    1 + 4 + 1, since channels 5 and 7 have the same four.
    """
    sources = []
    for depth in (1, 2):
        model = scramble(build_shufflenet_v2(**{**SMALL, "blocks": (depth + 1,), "activation": "linear"}))
        inner = keras.Model(model.get_layer("stage2_block1_shuffle").output, model.get_layer(f"stage2_block{depth + 1}_shuffle").output)
        base = random(1, 8, 8, 8)
        changed = [np.where(np.arange(8) == channel, base + 1, base) for channel in range(8)]
        given = [np.abs(inner(x) - inner(base)).max((0, 1, 2)) > 0 for x in changed]
        sources.append(np.sum(given, axis=0))
    assert sources[0].tolist() == [1, 4] * 4
    assert sources[1].tolist() == [1, 6, 4, 6] * 2


def test_the_maps_it_offers():
    model = build_shufflenet_v2(**SMALL, features_only=True)
    assert [(tap.name, tap.channels, tap.strides[0]) for tap in taps(model)] == [
        ("stem", 6, 2),
        ("pooled", 6, 4),
        ("stage2", 8, 8),
        ("last", 16, 16),
    ]


def test_filters_double_or_are_given():
    assert [build_shufflenet_v2(**{**SMALL, "filters": f}).get_layer("stage3_block1_shuffle").output.shape[-1] for f in (8, (8, 20))] == [
        16,
        20,
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 7}, "filters: expected even numbers, since units work on halves. Received: 7"),
        ({"filters": (8, 16, 32)}, r"filters: expected one value or 2 .* Received: 3 values"),
        ({"blocks": (2, 0)}, "blocks: expected an integer of at least 1. Received: 0"),
        ({"stem_filters": 0}, "stem_filters: expected an integer of at least 1"),
        ({"last_filters": 0}, "last_filters: expected an integer of at least 1"),
        ({"normalization": "group", "stem_filters": 8}, "filters: expected multiples of 8, .* Received: 4"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_shufflenet_v2(**{**SMALL, **options})
