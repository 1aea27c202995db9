"""Every preset against what it declares and against what its paper says."""

import pytest

from kzoo import ArgumentError, build_preset, describe, list_presets, profile
from kzoo.models import PRESETS


@pytest.mark.parametrize("name", list_presets())
def test_a_preset_is_what_it_declares(name):
    preset = PRESETS[name]
    model = build_preset(name)
    found = profile(model)
    field = found.receptive_field
    assert (found.trainable, found.total, found.macs) == (preset.trainable, preset.total, preset.macs)
    assert (min(field.smallest), max(field.largest)) == preset.receptive_field
    assert model.name == name
    assert describe(model).builder == preset.builder
    assert 1998 <= preset.year <= 2030
    assert preset.paper
    assert preset.variant
    assert preset.twin


def test_published_integers():
    """From the papers and from nnU-Net's own code: parameters, and MACs of the 2015 network, 150.43 G."""
    published = {"unet_2015": 31_030_658, "unet_2015_same": 31_030_658, "unet_32": 7_760_097, "nnunet_3d": 31_195_594}
    assert {name: PRESETS[name].trainable for name in published} == published
    assert round(PRESETS["unet_2015"].macs / 1e9, 2) == 150.43


def test_presets_are_listed_and_filtered():
    assert list_presets() == sorted(PRESETS)
    assert list_presets("nnunet_?d") == ["nnunet_2d", "nnunet_3d"]
    assert list_presets("nothing*") == []


def test_a_preset_with_other_values():
    model = build_preset("tiny_unet", input_shape=(33, 40, 3), num_classes=5, name="mine")
    assert model.output_shape == (None, 33, 40, 5)
    assert model.name == "mine"


def test_unknown_presets_and_overrides_are_named():
    with pytest.raises(ArgumentError, match=r"preset: expected one of attention_unet, .* Received: unet2015. Did you mean unet_2015\?"):
        build_preset("unet2015")
    with pytest.raises(ArgumentError, match=r"filtres: unknown; expected one of input_shape, .* Did you mean filters\?"):
        build_preset("tiny_unet", filtres=3)
