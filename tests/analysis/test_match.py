"""Networks of equal cost: every pair of cells within two per cent, by parameters and by MACs."""

from collections.abc import Sequence

import keras
import pytest

from kzoo import ArgumentError, build, build_unet, describe, match, profile
from kzoo.models import BUILDERS
from kzoo.models.identity import identified

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


SMALL = {"input_shape": (32, 32, 1), "num_classes": 4}
VGG = {"builder": "vgg", **SMALL, "filters": 8, "blocks": [1, 1, 2], "dense": [], "pooling": "avg"}
ENCODER = {"builder": "vgg", "filters": 8, "blocks": [1, 1, 2]}


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ({**VGG, "normalization": "batch", "downsampling": "strided_conv"}, 1),
        ({**VGG, "normalization": "group"}, 8),
        ({"builder": "resnet", **SMALL, "filters": 8, "blocks": [1, 1], "block": "basic", "stem": "3x3"}, 1),
        ({"builder": "resnet", **SMALL, "filters": [16, 32], "blocks": [1, 1], "cardinality": 4, "stem": "3x3"}, 4),
    ],
)
def test_classifiers_by_their_filters(changed, step):
    """One list entry per stage, in the steps that groups demand."""
    found = match(VGG, changed)
    assert abs(build(found.config).count_params() / build(VGG).count_params() - 1) < 0.02
    assert len(found.config["filters"]) == len(changed["blocks"])
    assert all(width % step == 0 for width in found.config["filters"])


@pytest.fixture
def builders(monkeypatch):
    """Builders whose widths go by other names."""

    def build_scaled(*, filters: Sequence[int], width: float = 1.0) -> keras.Model:
        model = keras.Sequential([keras.Input((8, 8, 1))])
        for number in filters:
            model.add(keras.layers.Conv2D(max(8, round(number * width / 8) * 8), 3, padding="same"))
        return model

    def build_growing(*, growth: int | Sequence[int], blocks: Sequence[int]) -> keras.Model:
        x = inputs = keras.Input((8, 8, 1))
        rates = [growth] * len(blocks) if isinstance(growth, int) else growth
        for rate, count in zip(rates, blocks, strict=True):
            for _ in range(count):
                x = keras.layers.Concatenate()([x, keras.layers.Conv2D(rate, 3, padding="same")(x)])
        return keras.Model(inputs, x)

    def build_even(*, filters: int = 10) -> keras.Model:
        if filters % 2:
            raise ArgumentError("filters", f"expected an even number. Received: {filters}.")
        return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(filters, 3), keras.layers.Conv2D(filters, 3)])

    def build_nested(*, filters: Sequence[Sequence[int]]) -> keras.Model:
        model = keras.Sequential([keras.Input((8, 8, 1))])
        for inner in filters:
            for number in inner:
                model.add(keras.layers.Conv2D(number, 3, padding="same"))
        return model

    def build_rigid(*, connections: int = 3) -> keras.Model:
        return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(connections, 3)])

    for builder in (build_scaled, build_growing, build_even, build_nested, build_rigid):
        monkeypatch.setitem(BUILDERS._functions, builder.__name__.removeprefix("build_"), identified(builder))


@pytest.mark.usefixtures("builders")
def test_a_factor_of_all_widths_is_scaled_alone():
    found = match({"builder": "scaled", "filters": [80, 160]}, {"builder": "scaled", "filters": [40, 80], "width": 1})
    assert found.config["filters"] == [40, 80]
    assert found.config["width"] == pytest.approx(2, abs=0.1)
    assert found.deviation == 0


@pytest.mark.usefixtures("builders")
def test_growth_is_scaled_per_stage():
    given = {"builder": "growing", "blocks": [4, 6]}
    found = match({**given, "growth": 16}, {**given, "blocks": [3, 3], "growth": 12})
    assert len(found.config["growth"]) == 2
    assert abs(found.deviation) < 0.02


@pytest.mark.usefixtures("builders")
def test_one_number_that_is_no_list_stays_one():
    found = match({"builder": "even", "filters": 20}, {"builder": "even"})
    assert found.config == {"builder": "even", "filters": 20}


@pytest.mark.usefixtures("builders")
def test_several_widths_per_stage():
    found = match({"builder": "nested", "filters": [[9, 18], [27]]}, {"builder": "nested", "filters": [[6, 12], [18]]})
    assert found.config["filters"] == [[9, 18], [27]]


@pytest.mark.parametrize(
    ("config", "builder"),
    [
        ({"builder": "rigid"}, "rigid"),
        ("lenet5_1998", "lenet"),
        ({"builder": "unet", "input_shape": (32, 32, 1), "num_classes": 2, "encoder": ENCODER}, "unet"),
    ],
)
@pytest.mark.usefixtures("builders")
def test_a_network_without_a_width_that_can_change_is_refused(config, builder):
    names = r"\(width, filters, decoder_filters, growth\)"
    message = rf"^b: expected a network with a width .*{names}. Received: {builder}, which has none as it is given.$"
    with pytest.raises(ArgumentError, match=message):
        match(PLAIN, config)


def test_behind_a_classifier_the_decoder_is_scaled():
    config = {"builder": "unet", "input_shape": (32, 32, 1), "num_classes": 2, "encoder": ENCODER, "decoder_filters": 8}
    target = {**config, "decoder_filters": [10, 20, 30]}
    found = match(target, config)
    assert abs(build(found.config).count_params() / build(target).count_params() - 1) < 0.02
    assert found.config["filters"] == 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PLAIN, PLAIN, "flops"), "by: expected one of parameters, macs. Received: flops."),
        (
            (PLAIN, {**PLAIN, "input_shape": (None, 8, 1)}, "macs"),
            'input_shape: expected fixed sizes for by="macs". Received: (None, 8, 1).',
        ),
        (({"filters": 8}, PLAIN, "macs"), "builder: missing; expected one of "),
        (
            (PLAIN, {**PLAIN, "weights": "imagenet"}, "macs"),
            "b: expected weights=None, since other widths need other weights. Received: imag",
        ),
        ((PLAIN, 3, "macs"), "configuration: expected a preset's name, a description, or a mapping with builder in it. Received: 3."),
        (("unet_2105", PLAIN, "macs"), "preset: expected one of "),
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
