"""MobileNet v2: its twin, its rounding of filters, and what each argument changes."""

import keras
import pytest

from kzoo import ArgumentError, build_mobilenet_v2, build_preset
from kzoo.models import PRESETS, taps
from kzoo.models.mobilenet_v2 import by_eight

from .keras_twins import largest_difference

SMALL = {
    **{"input_shape": (32, 32, 3), "num_classes": 10, "filters": (8, 16), "blocks": (1, 2), "strides": (1, 2)},
    **{"expansion": (1, 6), "stem_filters": 8, "last_filters": 32},
}


def test_equal_to_keras(monkeypatch):
    """Also at sizes that are odd in every stage: 65, 33, 17, 9, 5, 3."""
    assert largest_difference("mobilenet_v2", monkeypatch, size=65) < 1e-5


@pytest.mark.parametrize("width", [0.35, 0.56, 1.3])
def test_filters_are_rounded_as_in_keras(width):
    twin = keras.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=width, weights=None, classes=7)
    ours = build_preset("mobilenet_v2", input_shape=(32, 32, 3), small_input=True, num_classes=7, width=width)
    assert ours.count_params() == twin.count_params()


@pytest.mark.parametrize(("filters", "rounded"), [(3, 8), (8, 8), (11.2, 16), (12, 16), (19, 24), (20, 24), (33.6, 32), (44.8, 48)])
def test_rounding_by_hand(filters, rounded):
    assert by_eight(filters) == rounded


def test_narrow_maps_have_no_activation_and_carry_the_residuals():
    """Table 1: expansion with ReLU6, depthwise with ReLU6, a linear projection; only the second block of a stage keeps its shape."""
    model = build_mobilenet_v2(**SMALL)
    names = [layer.name for layer in model.layers]
    assert [name for name in names if name.startswith("stage2_block2")] == [
        *(f"stage2_block2_expand{part}" for part in ("", "_norm", "_act")),
        *(f"stage2_block2_depthwise{part}" for part in ("", "_norm", "_act")),
        *(f"stage2_block2_project{part}" for part in ("", "_norm")),
        "stage2_block2_add",
    ]
    assert [name for name in names if name.endswith("_add")] == ["stage1_block1_add", "stage2_block2_add"]
    assert "stage1_block1_expand" not in names


def test_expansion_is_of_the_narrow_map():
    model = build_mobilenet_v2(**{**SMALL, "expansion": (1, 3)})
    assert model.get_layer("stage2_block1_expand").kernel.shape == (1, 1, 8, 24)
    assert model.get_layer("stage2_block2_expand").kernel.shape == (1, 1, 16, 48)


def test_width_widens_the_last_convolution_only_upwards():
    last = [build_mobilenet_v2(**SMALL, width=width).get_layer("last_conv").kernel.shape[-1] for width in (0.5, 1.0, 2.0)]
    assert last == [32, 32, 64]


def test_published_costs():
    """Table 4 of the paper: 300 M multiplications."""
    assert round(PRESETS["mobilenet_v2"].macs / 1e6, -1) == 300


def test_the_maps_it_offers():
    model = build_mobilenet_v2(**SMALL, features_only=True)
    assert [tuple(tap) for tap in taps(model)] == [("stage1", 8, (2, 2)), ("last", 32, (4, 4))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": -1}, "width: expected a number above 0. Received: -1"),
        ({"blocks": (1, 2, 3)}, r"blocks: expected one value or 2 \(one per stage, filters=\[8, 16\]\). Received: 3 values"),
        ({"blocks": (1, 0)}, "blocks: expected an integer of at least 1. Received: 0"),
        ({"expansion": 0}, "expansion: expected an integer of at least 1. Received: 0"),
        ({"strides": (1, 2, 2)}, "strides: expected one value or 2 .* Received: 3 values"),
        ({"last_filters": 0}, "last_filters: expected an integer of at least 1"),
        ({"filters": "16"}, "filters: expected a list with one value per stage"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_mobilenet_v2(**{**SMALL, **options})
