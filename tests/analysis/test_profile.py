"""The profile as a whole: totals, status, JSON, properties."""

import json

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import kzoo
from kzoo.analysis import Facts, Window, rule
from kzoo.errors import ArgumentError
from kzoo.training.record import cost_metrics

from .executor import multiplications


def small_unet(**options):
    return kzoo.build_unet(**{"input_shape": (16, 16, 1), "num_classes": 2, "filters": 2, "depth": 2, **options})


def test_totals_counted_by_hand():
    """Kernels from the input to the output, four numbers per normalized channel of which two are learned.

    1134 = 18 + 36 + 72 + 144 + 288 + 576 at the encoder; 704 = 128 + 288 + 144 + 32 + 72 + 36 + 4 behind it; 40 channels; 8 biases.
    """
    profile = kzoo.profile(small_unet(normalization="batch"), batch_size=7)
    assert (profile.total, profile.trainable) == (1134 + 704 + 8 + 160, 1134 + 704 + 8 + 80)
    per_sample = 256 * 54 + 64 * 216 + 16 * 864 + 16 * 128 + 64 * 432 + 64 * 32 + 256 * 112
    assert (profile.macs, profile.flops) == (7 * per_sample, 14 * per_sample)
    assert profile.weight_bytes == 4 * 2006


BUILT = [
    {"downsampling": "strided_conv", "upsampling": "nearest"},
    {"downsampling": "blur_pool", "upsampling": "pixel_shuffle", "normalization": "batch"},
    {"upsampling": "bilinear", "skip": "attention"},
    {"blocks": [1, 2, 3], "filters": [3, 5, 4], "kernel_size": [3, 5, 1], "skip": "none"},
    {"padding": "valid", "input_shape": (44, 60, 2)},
    {"input_shape": (64, 3)},
    {"input_shape": (8, 8, 8, 1), "strides": [2, 1]},
]


@pytest.mark.parametrize("options", BUILT, ids=str)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_macs_and_parameters_are_those_of_a_real_run(options, batch_size):
    model = small_unet(**options)
    profile = kzoo.profile(model, batch_size=batch_size)
    assert profile.macs == multiplications(model, model.input_shape[1:], batch_size)
    assert (profile.total, profile.weight_bytes) == (model.count_params(), sum(weight.nbytes for weight in model.get_weights()))
    assert sum(row.total for row in profile.layers) == model.count_params()


@pytest.mark.parametrize("shape", [(20, 4, 1), (4, 100, 1), (32, 32, 1)])
def test_another_input_shape_costs_what_a_run_at_that_shape_costs(shape):
    model = small_unet(input_shape=(None, None, 1))
    assert kzoo.profile(model, shape).macs == multiplications(model, shape)


def test_row_of_a_layer():
    row = next(row for row in kzoo.profile(small_unet()).layers if row.name == "encoder2_conv1")
    assert (row.kind, row.stage, row.inputs, row.detail) == ("Conv2D", "encoder2", ("encoder1_down",), "3x3, 4")
    assert (row.output_shape, row.macs, row.trainable, row.total) == ((8, 8, 4), 64 * 9 * 2 * 4, 76, 76)
    field = row.receptive_field
    assert (field.smallest, field.largest, field.stride, field.centre) == ((10, 10), (10, 10), (2, 2), (0.5, 0.5))
    assert (row.activation_bytes, row.known) == (8 * 8 * 4 * 4, True)


def test_json_holds_everything_and_is_plain(tmp_path):
    profile = kzoo.profile(small_unet())
    text = profile.to_json(tmp_path / "profile.json")
    values = json.loads(text)
    assert json.loads((tmp_path / "profile.json").read_text()) == values
    assert values["macs"] == profile.macs
    assert values["receptive_fields"][0] | {"output": "head", "input": "image"} == values["receptive_fields"][0]
    assert values["layers"][0]["name"] == "encoder1_conv1"
    assert values["legal_sizes"][0] == {"smallest": 4, "period": 4, "residues": [0], "largest": None}
    assert set(values) > {"status", "trainable", "total", "inference", "training", "upsamplings", "misaligned", "warnings"}


class Mystery(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 5))

    def call(self, x):
        return x @ self.kernel


def with_custom_layer(layer):
    return keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(3, 3), layer, layers.Conv2D(2, 3)])


def test_an_unknown_layer_makes_the_profile_partial():
    profile = kzoo.profile(with_custom_layer(Mystery(name="mystery")))
    assert (profile.status, profile.unknown) == ("partial", ("mystery",))
    assert profile.receptive_field is None
    assert profile.layers[1].macs is None
    assert profile.layers[1].total == 15
    assert (profile.macs, profile.flops) == (None, None)
    assert profile.known_macs == 36 * 9 * 2 * 3 + 16 * 9 * 5 * 2
    assert "at least 3.38 k for a batch of 1" in profile.summary()
    assert profile.warnings[0].startswith("no rule for Mystery: MACs are known of the other layers only")


def test_no_zero_where_the_only_costly_layer_has_no_rule():
    profile = kzoo.profile(keras.Sequential([keras.Input((8, 2)), layers.LSTM(3)]))
    assert (profile.macs, profile.known_macs, profile.total) == (None, 0, 4 * 3 * (2 + 3 + 1))
    values = cost_metrics(profile, batch_size=2)
    assert "cost/macs" not in values
    assert values["cost/parameters_total"] == 72


def test_a_layer_without_weights_and_rule_leaves_the_macs_known():
    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Resizing(6, 6), layers.Conv2D(3, 3)])
    profile = kzoo.profile(model)
    assert (profile.status, profile.macs, profile.known_macs) == ("partial", 16 * 9 * 2 * 3, 16 * 9 * 2 * 3)


class Blur(layers.Layer):
    def call(self, x):
        return x[:, 1:-1, 1:-1]

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] - 2, shape[2] - 2, shape[3])


def test_a_rule_teaches_a_custom_layer():
    @rule(Blur)
    def blur(call):
        assert call.input_shape == (None, 6, 6, 3)
        return Facts(macs=7, moves=(Window(3), Window(3)))

    profile = kzoo.profile(with_custom_layer(Blur()))
    assert (profile.status, profile.receptive_field.largest) == ("complete", (7, 7))
    assert profile.layers[1].macs == 7


class OwnConv(layers.Conv2D):
    def call(self, x):
        return super().call(x) * 2


class NamedConv(layers.Conv2D):
    pass


def test_a_subclass_with_a_call_of_its_own_is_unknown():
    assert kzoo.profile(with_custom_layer(OwnConv(2, 3))).status == "partial"
    assert kzoo.profile(with_custom_layer(NamedConv(2, 3))).status == "complete"


def test_rules_are_for_classes():
    with pytest.raises(ArgumentError, match=r"rule: expected layer classes, as in @rule\(MyLayer\)"):
        rule("Conv2D")


@pytest.mark.parametrize("batch_size", [0, 1.5, True])
def test_batch_size_is_checked(batch_size):
    with pytest.raises(ArgumentError, match="batch_size: expected an integer of at least 1"):
        kzoo.profile(small_unet(), batch_size=batch_size)


MODEL = small_unet()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 40))
def test_parameters_and_field_do_not_depend_on_the_input_size(rows, columns):
    one, other = kzoo.profile(MODEL), kzoo.profile(MODEL, (4 * rows, 4 * columns, 1))
    assert (one.trainable, one.total, one.receptive_field) == (other.trainable, other.total, other.receptive_field)


def test_paths_of_a_unet():
    profile = kzoo.profile(small_unet())
    assert profile.shortest_path == (9, 9)
    assert profile.longest_path == (44, 44)
