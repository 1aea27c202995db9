"""Heads at several resolutions under plain compile and fit: the loss by hand, the main head alone, files, training by recipe."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_unet, describe
from kzoo.models import DeeplySupervised, main_output
from kzoo.stack import ops

from .cells import path, random, run, tiny


def supervised(size: int | None = 19, **options) -> keras.Model:
    return tiny(size=size, depth=3, deep_supervision=2, **options)


def labels(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3, shape)


def test_every_head_has_its_own_resolution():
    model = supervised()
    assert isinstance(model, DeeplySupervised)
    assert model.output_shape == [(None, 19, 19, 3), (None, 10, 10, 3), (None, 5, 5, 3)]
    assert [layer.name for layer in model.layers if layer.name.endswith("head")] == ["head", "decoder2_head", "decoder3_head"]


def test_scales_follow_the_strides():
    model = tiny(3, 8, depth=3, strides=[(1, 2, 2), 2, 1], deep_supervision=2)
    assert model.scales == [(1, 1, 1), (1, 2, 2), (2, 4, 4)]
    assert [shape[1:4] for shape in model.output_shape] == [(8, 8, 8), (8, 4, 4), (4, 2, 2)]


@pytest.mark.parametrize("size", [19, None])
def test_the_loss_is_the_sum_over_halved_weights_of_subsampled_targets(size):
    """By hand: position p of scale s stands for pixel p * s + s // 2, or the last pixel where that lies outside."""
    model = supervised(size)
    x, y = random(2, 19, 19, 2), labels(2, 19, 19)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    maps = [ops.convert_to_numpy(m) for m in model(x, training=False)]
    places = [np.arange(19), [1, 3, 5, 7, 9, 11, 13, 15, 17, 18], [2, 6, 10, 14, 18]]
    terms = [-np.log(np.take_along_axis(m, y[:, at][:, :, at][..., None], -1)).mean() for m, at in zip(maps, places, strict=True)]
    assert scores["loss"] == pytest.approx(terms[0] + terms[1] / 2 + terms[2] / 4, rel=1e-5)
    assert scores["accuracy"] == pytest.approx((maps[0].argmax(-1) == y).mean())


def test_weights_of_pixels_reach_every_head():
    """Where the right half weighs nothing, its targets have no effect."""
    model = supervised(16)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = random(2, 16, 16, 2), labels(2, 16, 16)
    other, weights = y.copy(), np.ones((2, 16, 16))
    other[:, :, 8:] = (other[:, :, 8:] + 1) % 3
    weights[:, :, 8:] = 0
    first, second = (model.evaluate(x, t, sample_weight=weights, verbose=0, return_dict=True)["loss"] for t in (y, other))
    assert first == second
    assert model.evaluate(x, y, verbose=0, return_dict=True)["loss"] != model.evaluate(x, other, verbose=0, return_dict=True)["loss"]


def test_weights_of_the_losses_can_be_given():
    model = supervised(16)
    x, y = random(2, 16, 16, 2), labels(2, 16, 16)
    model.compile("sgd", "sparse_categorical_crossentropy", loss_weights=[1, 0, 0])
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(scores["head_loss"])


def test_every_weight_learns_by_fit():
    model = supervised(16, activation="elu")
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    before = [weight.copy() for weight in model.get_weights()]
    model.fit(random(4, 16, 16, 2), labels(4, 16, 16), batch_size=2, epochs=1, verbose=0)
    assert not [path(v) for v, b, a in zip(model.weights, before, model.get_weights(), strict=True) if np.array_equal(a, b)]


def test_the_main_head_alone_gives_equal_logits():
    model = supervised(classifier_activation=None)
    main = main_output(model)
    x = random(2, 19, 19, 2)
    np.testing.assert_array_equal(run(main, x), ops.convert_to_numpy(model(x, training=False)[0]))
    assert type(main) is not DeeplySupervised
    assert "decoder2_head" not in {layer.name for layer in main.layers}
    assert describe(main).arguments["deep_supervision"] == 0
    assert describe(main).parameters == main.count_params() < model.count_params()


def test_a_network_without_extra_heads_has_no_main_head():
    with pytest.raises(
        ArgumentError, match=r"model: expected a network built with deep_supervision or auxiliary_heads. Received: Functional."
    ):
        main_output(tiny())


def test_a_file_keeps_scales_and_compilation(tmp_path):
    model = supervised()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = random(2, 19, 19, 2), labels(2, 19, 19)
    expected = model.evaluate(x, y, verbose=0)
    model.save(tmp_path / "deep.keras")
    again = keras.saving.load_model(tmp_path / "deep.keras")
    assert again.scales == model.scales
    assert again.evaluate(x, y, verbose=0) == pytest.approx(expected)


def test_targets_without_positions_are_refused():
    model = supervised(16)
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ArgumentError, match=r"target: expected \(batch, \*spatial\) with 2 spatial axes. Received: \(2,\)."):
        model.train_on_batch(random(2, 16, 16, 2), np.zeros(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": ["mse"]}, "loss: expected one, or a list of 3, one per output. Received: ['mse']."),
        ({"loss": {"head": "mse"}}, "loss: expected one, or a list of 3, one per output. Received: {'head': 'mse'}."),
        ({"loss": "mse", "loss_weights": [1, 0.5]}, "loss_weights: expected one, or a list of 3, one per output. Received: [1, 0.5]."),
        (
            {"metrics": {"decoder2_head": ["mse"]}},
            "metrics: expected a flat list, of the main output's metrics. Received: {'decoder2",
        ),
        ({"metrics": [["mse"], ["mse"], ["mse"]]}, "metrics: expected a flat list, of the main output's metrics. Received: [['mse'], "),
    ],
)
def test_what_cannot_be_compiled_is_named(options, message):
    with pytest.raises(ArgumentError) as caught:
        supervised(16).compile("sgd", **options)
    assert str(caught.value).startswith(message)


def test_arrays_of_weights_and_positional_arguments():
    model = supervised(16)
    model.compile("sgd", "sparse_categorical_crossentropy", np.array([1.0, 0.0, 0.0]), ["accuracy"])
    scores = model.evaluate(random(1, 16, 16, 2), labels(1, 16, 16), verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(scores["head_loss"])


def test_a_clone_asks_for_its_scales():
    model = supervised(16)
    clone = keras.models.clone_model(model)
    clone.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    if not clone.scales:
        with pytest.raises(ArgumentError, match=r"Set clone.scales = model.scales."):
            clone.train_on_batch(random(1, 16, 16, 2), labels(1, 16, 16))
    clone.scales = model.scales
    clone.train_on_batch(random(1, 16, 16, 2), labels(1, 16, 16))


def test_several_targets_are_refused():
    model = supervised(16)
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    with pytest.raises(ArgumentError, match=r"target: expected one, at full resolution, .* Received: 3."):
        model.train_on_batch(random(1, 16, 16, 2), [labels(1, 16, 16)] * 3)


def test_one_map_with_plain_fit():
    """The example of the issue: binary masks, one line of compile, one of fit."""
    model = build_unet(input_shape=(16, 16, 1), num_classes=1, filters=4, depth=2, deep_supervision=1)
    model.compile("adam", "binary_crossentropy")
    masks = (random(4, 16, 16, 1) > 0).astype("float32")
    history = model.fit(random(4, 16, 16, 1, seed=1), masks, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
