"""MobileNet v1: its twin, the cost of its blocks, and what each argument changes."""

import keras
import pytest

from kzoo import ArgumentError, build_mobilenet, profile
from kzoo.models import PRESETS, taps
from kzoo.stack import ops

from .cells import random
from .keras_twins import largest_difference

SMALL = {"input_shape": (32, 32, 3), "num_classes": 10, "filters": (8, 16, 16), "strides": (1, 2, 1), "stem_filters": 8}


def test_equal_to_keras(monkeypatch):
    assert largest_difference("mobilenet", monkeypatch) < 1e-5


def test_odd_sizes_are_rounded_up():
    """keras.applications rounds the last one down, 33 to 16, where "same" padding gives 17."""
    ours = build_mobilenet(input_shape=(65, 65, 3), num_classes=0, pooling=None, filters=(64, 128), strides=(1, 2))
    theirs = keras.applications.MobileNet(input_shape=(65, 65, 3), weights=None, include_top=False)
    assert ours.output_shape == (None, 17, 17, 128)
    assert theirs.get_layer("conv_pw_2").output.shape == (None, 16, 16, 128)


def test_tables_4_and_6():
    """Millions of multiplications and of parameters, by width."""
    names = ("mobilenet", "mobilenet_075", "mobilenet_050", "mobilenet_025")
    assert [(round(PRESETS[n].macs / 1e6), round(PRESETS[n].trainable / 1e6, 1)) for n in names] == [
        (569, 4.2),
        (325, 2.6),
        (149, 1.3),
        (41, 0.5),
    ]


@pytest.mark.parametrize("width", [0.3, 1.5])
def test_filters_are_cut_off_as_in_keras(width):
    twin = keras.applications.MobileNet(input_shape=(64, 64, 3), alpha=width, weights=None, classes=7)
    assert build_mobilenet(input_shape=(64, 64, 3), num_classes=7, width=width).count_params() == twin.count_params()


def test_a_block_costs_a_ninth_and_one_in_n_of_a_convolution():
    """Section 3.1: depthwise and pointwise together, 1 / N + 1 / k^2 of the MACs."""
    rows = {layer.name: layer for layer in profile(build_mobilenet(input_shape=(64, 64, 3), num_classes=10)).layers}
    for number, (before, after) in {2: (64, 128), 7: (512, 512)}.items():
        depthwise, pointwise = rows[f"block{number}_depthwise"], rows[f"block{number}_pointwise"]
        rows_, columns, _ = depthwise.output_shape
        whole = 9 * before * after * rows_ * columns
        assert (depthwise.macs + pointwise.macs) / whole == pytest.approx(1 / after + 1 / 9)


def test_strides_per_block_and_axis():
    model = build_mobilenet(**{**SMALL, "strides": ((2, 1), 1, 2)}, features_only=True)
    assert [(tap.name, tap.channels, tap.strides) for tap in taps(model)] == [
        ("stem", 8, (2, 2)),
        ("block2", 16, (4, 2)),
        ("block3", 16, (8, 4)),
    ]


def test_width_scales_all_filters():
    model = build_mobilenet(**SMALL, width=0.5)
    kernels = [model.get_layer(name).kernel.shape[-2:] for name in ("stem_conv", "block1_pointwise", "block3_pointwise")]
    assert kernels == [(3, 4), (4, 4), (8, 8)]
    assert model.get_layer("block3_depthwise").weights[0].shape == (3, 3, 8, 1)


def test_activations_are_limited():
    model = build_mobilenet(**SMALL)
    act = keras.Model(model.input, model.get_layer("stem_conv_act").output)
    assert float(ops.max(act(random(2, 32, 32, 3) * 1e6))) == 6


def test_volumes_are_convolved_by_groups():
    model = build_mobilenet(**{**SMALL, "input_shape": (16, 16, 16, 1)})
    assert model.get_layer("block2_depthwise").kernel.shape == (3, 3, 3, 1, 8)
    assert profile(model).status == "complete"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width: expected a number above 0. Received: 0"),
        ({"width": "1"}, "width: expected a number above 0. Received: '1'"),
        ({"filters": 64}, "filters: expected a list with one value per stage"),
        ({"strides": (1, 2)}, r"strides: expected one value or 3 .* Received: 2 values"),
        ({"strides": (1, 0, 1)}, "strides: expected an integer of at least 1. Received: 0"),
        ({"stem_filters": 0}, "stem_filters: expected an integer of at least 1"),
        ({"normalization": "group", "width": 0.5}, "filters: expected multiples of 8, .* Received: 4"),
        ({"input_shape": (7, 7, 3), "strides": 2}, "input_shape: expected larger sizes: block2 gets 2 along axis 1 and leaves 1"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_mobilenet(**{**SMALL, **options})
