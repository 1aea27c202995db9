"""Xception: equal to keras.applications, its convolutions in two ways, and what each argument changes."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_preset, build_xception
from kzoo.models.weights import find_application
from kzoo.models.xception import keras_name

from .cells import random, run, scramble
from .keras_twins import largest_difference

SMALL = {"num_classes": 3, "stem_filters": (4, 8), "filters": (8, 12, 16), "middle_blocks": 2, "exit_filters": (16, 24, 32)}


def small(size: int = 39, **options) -> keras.Model:
    return build_xception(**{"input_shape": (size, size, 2), **SMALL, **options})


def test_equal_to_keras_whatever_its_session_has_named_before(monkeypatch):
    keras.layers.Conv2D(1, 1), keras.layers.BatchNormalization()
    assert largest_difference("xception", monkeypatch, size=79) < 1e-5


def test_every_layer_has_a_name_in_keras_also_with_other_borders_and_heads():
    """Four shortcuts without names of their own; all others by the block's number in figure 5."""
    model = build_preset("xception", input_shape=(79, 79, 1), padding="same", num_classes=7, dropout=0.0)
    assert find_application(model).application == "Xception"
    names = [layer.name for layer in model.layers if layer.weights]
    theirs = {keras_name(name) for name in names}
    shortcuts = {f"{kind}{n}" for kind in ("conv2d", "batch_normalization") for n in ("", "_1", "_2", "_3")}
    blocks = {f"block{n}_sepconv{c}" for n in range(2, 15) for c in ((1, 2, 3) if 5 <= n <= 12 else (1, 2))} | {
        *("block1_conv1", "block1_conv2")
    }
    assert theirs == shortcuts | blocks | {f"{name}_bn" for name in blocks} | {"predictions"}
    assert len(theirs) == len(names)


def test_sizes_of_figure_5():
    """Before every reduction: 299 - 149 - 147 in the stem, then 74, 37, 19 and 10."""
    features = build_preset("xception", **{key: SMALL[key] for key in ("stem_filters", "filters", "exit_filters")}, features_only=True)
    assert [output.shape[1:] for output in features.outputs] == [(147, 147, 8), (74, 74, 12), (37, 37, 16), (19, 19, 16), (10, 10, 32)]


def test_activations_stand_before_the_convolutions_but_for_the_first_and_the_last_two():
    names = [layer.name for layer in small().layers]
    places = {name: names.index(name) for name in names}
    assert "stage1_block1_conv1_act" not in places
    assert places["stage1_block1_conv2_act"] < places["stage1_block1_conv2"] < places["stage1_block1_conv2_norm"]
    assert places["stage4_block3_conv1_act"] < places["stage4_block3_conv1"]
    for number in (1, 2):
        assert places[f"stage5_conv{number}"] < places[f"stage5_conv{number}_norm"] < places[f"stage5_conv{number}_act"]


def test_without_shortcuts():
    """Section 4.6; by hand: projections 8 x 8, 8 x 12, 12 x 16 and 16 x 16 with a norm of four numbers per channel."""
    plain = small(residual=False)
    assert not any(isinstance(layer, keras.layers.Add) for layer in plain.layers)
    assert small().count_params() - plain.count_params() == 8 * 8 + 8 * 12 + 12 * 16 + 16 * 16 + 4 * (8 + 12 + 16 + 16)


def test_a_linear_intermediate_activation_changes_nothing():
    """The depthwise and the pointwise halves, as layers of their own, are the separable convolution."""
    whole = scramble(small())
    halves = small(intermediate_activation="linear")
    assert halves.count_params() == whole.count_params()
    for layer in whole.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.SeparableConv2D):
            halves.get_layer(f"{layer.name}_depthwise").set_weights(weights[:1])
            weights = weights[1:]
        if weights:
            halves.get_layer(layer.name).set_weights(weights)
    x = random(2, 39, 39, 2)
    np.testing.assert_allclose(run(halves, x), run(whole, x), atol=1e-5)


def test_an_intermediate_activation_stands_between_the_halves():
    model = small(intermediate_activation="elu")
    assert model.get_layer("stage2_block1_conv1_depthwise_act").activation is keras.activations.elu
    assert model.get_layer("stage2_block1_conv1").input is model.get_layer("stage2_block1_conv1_depthwise_act").output


def test_volumes_are_convolved_in_two_halves():
    """By hand: 27 weights per channel, then a matrix; a signal's separable convolution has 3 per channel."""
    volume, signal = (small(input_shape=shape, small_input=True) for shape in [(8, 8, 8, 2), (8, 2)])
    depthwise, pointwise = (volume.get_layer(f"stage2_block1_conv2{end}") for end in ("_depthwise", ""))
    assert (depthwise.count_params(), pointwise.count_params()) == (27 * 12, 12 * 12)
    assert signal.get_layer("stage2_block1_conv2").count_params() == 3 * 12 + 12 * 12
    assert volume.output_shape == signal.output_shape == (None, 3)


@pytest.mark.parametrize(("padding", "size"), [("valid", 39), ("valid", 40), ("same", 40)])
def test_sizes_are_the_same_for_all_downsamplings(size, padding):
    kinds = (None, "max_pool", "avg_pool", "strided_conv", "blur_pool")
    shapes = {small(size, padding=padding, num_classes=0, pooling=None, downsampling=kind).output_shape[1] for kind in kinds}
    assert shapes == {2}


def test_arguments():
    model = small(kernel_size=(5, 3), middle_blocks=1, filters=[8, 16], padding="same")
    assert model.get_layer("stage1_block1_conv1").kernel_size == (5, 3)
    assert [layer.name for layer in model.layers if layer.name.endswith(("_out", "_pool"))] == [
        *("stage1_pool", "stage1_block1_out", "stage2_pool", "stage2_block1_out"),
        *("stage3_block1_out", "stage3_pool", "stage3_block2_out"),
    ]
    assert model.get_layer("stage4_conv2").filters == 32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stem_filters": (4,)}, r"stem_filters: expected 2 widths. Received: 1 values, \[4\]"),
        ({"exit_filters": (4, 8)}, r"exit_filters: expected 3 widths. Received: 2 values, \[4, 8\]"),
        ({"filters": 8}, "filters: expected a list with one value per stage"),
        ({"filters": (8, 0)}, "filters: expected an integer of at least 1. Received: 0"),
        ({"middle_blocks": 0}, "middle_blocks: expected an integer of at least 1. Received: 0"),
        ({"intermediate_activation": "relue"}, "intermediate_activation: expected the name of a function in keras.activations"),
        ({"padding": "full"}, "padding: expected one of same, valid. Received: full"),
        ({"normalization": "group"}, "stem_filters: expected multiples of 8, the groups"),
        ({"kernel_size": (3, 3, 3)}, r"kernel_size: expected an integer or one per spatial axis \(2\)"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        small(**options)
