"""What a profile refuses or marks, where a number would be wrong."""

import io
import re

import keras
import numpy as np
import pytest
from rich.console import Console

import kzoo
from kzoo import ArgumentError
from kzoo.analysis.summary import totals


def test_a_size_at_which_the_skips_do_not_meet():
    model = kzoo.build_unet(input_shape=(None, None, 1), num_classes=2, filters=2, padding="valid")
    with pytest.raises(ArgumentError, match=r"input_shape: layer decoder\d_concat cannot take .*the maps differ in size"):
        kzoo.profile(model, (256, 256, 1))


def test_no_zero_where_the_macs_are_not_known():
    model = kzoo.build_unet(input_shape=(None, None, 1), num_classes=2, filters=2, depth=1)
    console = Console(record=True, width=160, file=io.StringIO())
    console.print(kzoo.profile(model).stage_table())
    rows = [[cell.strip() for cell in line.split("│")] for line in console.export_text().splitlines()]
    assert [row[5] for row in rows if len(row) > 5 and row[1] in ("encoder1", "bottleneck", "decoder1")] == ["?"] * 3


def test_macs_of_a_partial_profile_are_a_lower_bound():
    @keras.saving.register_keras_serializable("kzoo_tests")
    class Mystery(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, Mystery()(keras.layers.Conv2D(2, 3)(inputs)))
    found = kzoo.profile(model)
    assert found.status == "partial"
    assert dict(totals(found))["MACs"] == f"at least {6 * 6 * 9 * 2} for a batch of 1"


OPTIMIZER = "optimizer: expected one of adadelta, adagrad, adam, .*, sgd, sgd_momentum, or how many values it keeps per trainable weight."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, r"batch_size: expected an integer of at least 1\. Received: 0\."),
        ({"optimizer": -1}, f"{OPTIMIZER} Received: -1."),
        ({"optimizer": "adamm"}, f"{OPTIMIZER} Received: 'adamm'. Did you mean adam\\?"),
        ({"precision": 16}, r"precision: expected the name of a Keras dtype policy, such as float32 or mixed_bfloat16\. Received: 16\."),
        ({"input_shape": 16}, r"input_shape: expected sizes without the batch axis, as in \(8, 8, 1\)\. Received: 16\."),
    ],
)
def test_arguments(options, message):
    model = kzoo.build_cnn(input_shape=(8, 8, 1), num_classes=2, filters=2)
    with pytest.raises(ArgumentError) as caught:
        kzoo.profile(model, **options)
    assert re.fullmatch(message, str(caught.value))


@pytest.mark.parametrize("received", ["x", None, 3, keras.layers.Dense(1)], ids=str)
@pytest.mark.parametrize(
    "function",
    [
        kzoo.profile,
        kzoo.draw,
        kzoo.draw_receptive_field,
        kzoo.plot_filters,
        kzoo.plot_feature_maps,
        kzoo.analysis.legal_sizes,
        lambda model: kzoo.analysis.input_window(model, (0, 0)),
        lambda model: kzoo.analysis.effective_field(model, np.zeros((1, 8, 8, 1))),
        lambda model: kzoo.shift_consistency(model, np.zeros((1, 8, 8, 1))),
    ],
)
def test_what_is_no_model_is_named(function, received):
    with pytest.raises(ArgumentError, match=r"^model: expected a built functional or sequential keras.Model. Received: \w+\.$"):
        function(received)


def test_integers_of_numpy_are_integers():
    model = kzoo.build_cnn(input_shape=(8, 8, 1), num_classes=2, filters=2)
    assert kzoo.profile(model, batch_size=np.int32(4)).to_json() == kzoo.profile(model, batch_size=4).to_json()
    assert len(kzoo.plot_feature_maps(model, count=np.int64(2)).axes) == 2
