"""Networks of equal cost: every pair of cells within two per cent, by parameters and by MACs."""

import pytest

from kzoo import ArgumentError, build, build_unet, describe, match, profile

PLAIN = {"builder": "unet", "input_shape": (64, 64, 1), "num_classes": 2, "filters": 8, "depth": 3}


@pytest.mark.parametrize("by", ["parameters", "macs"])
@pytest.mark.parametrize(
    "change",
    [
        {"downsampling": "strided_conv", "upsampling": "nearest"},
        {"downsampling": "strided_conv_widen", "skip": "add"},
        {"normalization": "batch", "decoder_filters": [6, 8, 12]},
        {"normalization": "group", "filters": [16, 32, 64, 128]},
        {"convolution": "separable"},
    ],
)
def test_the_second_network_costs_what_the_first_costs(change, by):
    found = match(PLAIN, {**PLAIN, **change}, by=by)
    first, second = build(PLAIN), build(found.config)
    costs = [m.count_params() if by == "parameters" else profile(m).macs for m in (first, second)]
    assert costs == [found.target, found.cost]
    assert abs(costs[1] / costs[0] - 1) < 0.02
    kept = {name: value for name, value in {**PLAIN, **change}.items() if "filters" not in name}
    assert {name: found.config[name] for name in kept} == kept
    assert describe(second).arguments["filters"] == found.config["filters"]


def test_equal_networks_keep_their_widths():
    found = match(PLAIN, PLAIN)
    assert found.config["filters"] == [8, 16, 32, 64]
    assert (found.factor, found.deviation) == (1, 0)


def test_two_stages_in_opposite_directions():
    """Under a group norm no single step comes near enough: [8, 16, 16, 32, 56] does."""
    group = {"builder": "unet", "input_shape": (128, 128, 1), "num_classes": 2, "filters": 8, "normalization": "group"}
    assert abs(match("tiny_unet", group).deviation) < 0.02


@pytest.mark.parametrize("filters", [8.5, 0, -3, "8"])
def test_faulty_widths_are_the_builders_own_error(filters):
    with pytest.raises(ArgumentError, match=r"^filters: expected"):
        match(PLAIN, {**PLAIN, "filters": filters})


def test_presets_descriptions_and_classifiers():
    tiny = match("tiny_unet", describe(build_unet(input_shape=(128, 128, 1), num_classes=2, filters=4)))
    assert abs(tiny.deviation) < 0.02
    cnn = {"builder": "cnn", "input_shape": (28, 28, 1), "num_classes": 10, "pooling": "avg", "dense": ()}
    found = match(cnn, {**cnn, "downsampling": "strided_conv"}, by="macs")
    assert abs(profile(build(found.config)).macs / profile(build(cnn)).macs - 1) < 0.02


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PLAIN, PLAIN, "flops"), "by: expected one of parameters, macs. Received: flops."),
        (
            (PLAIN, {**PLAIN, "input_shape": (None, 8, 1)}, "macs"),
            'input_shape: expected fixed sizes for by="macs". Received: (None, 8, 1).',
        ),
        (({"filters": 8}, PLAIN, "macs"), "builder: missing; expected one of "),
        ((PLAIN, 3, "macs"), "configuration: expected a preset's name, a description, or a mapping with builder in it. Received: 3."),
        (("unet_2105", PLAIN, "macs"), "preset: expected one of attention_unet, "),
    ],
)
def test_errors(arguments, message):
    a, b, by = arguments
    with pytest.raises(ArgumentError) as caught:
        match(a, b, by=by)
    assert str(caught.value).startswith(message)


def test_what_no_width_can_reach_is_refused_with_the_nearest():
    small = {**PLAIN, "filters": 1, "depth": 1}
    with pytest.raises(ArgumentError, match=r"b: expected widths that cost within 2.0% of 120 parameters. The nearest is .* with filters="):
        match(small, {**PLAIN, "filters": 8, "normalization": "group"})
