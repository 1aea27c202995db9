"""The training loop: an interrupted training goes on exactly, the best epoch is kept, a loss that is no number ends it."""

import sys

import numpy as np
import pytest

from kzoo import TrainingError, load_recipe
from kzoo.stack import config
from kzoo.training import Training, fit, prepare
from kzoo.training.fit import BEST, STATE, best_file
from kzoo.training.recipe import EarlyStopping
from kzoo.training.state import load_state
from tests.conftest import small_recipe


def prepared(**settings):
    return prepare(load_recipe(small_recipe(**settings)))


class InterruptionError(Exception):
    pass


def interrupt_after(epoch: int):
    def on_epoch(row):
        if row["epoch"] == epoch:
            raise InterruptionError

    return on_epoch


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_an_interrupted_training_equals_an_uninterrupted_one(tmp_path, precision):
    """Dropout, shuffling, schedule and Adam's moments included."""
    settings = {"model__dropout": 0.3, "training__schedule": "cosine", "training__epochs": 4, "training__precision": precision}
    training = load_recipe(small_recipe(**settings)).training

    dataset, model = prepared(**settings)
    whole = fit(model, dataset, training, tmp_path / "whole")

    dataset, first = prepared(**settings)
    with pytest.raises(InterruptionError):
        fit(first, dataset, training, tmp_path / "parts", interrupt_after(2))
    dataset, second = prepared(**settings)
    rows = []
    parts = fit(second, dataset, training, tmp_path / "parts", rows.append)

    assert [row["epoch"] for row in rows] == [3, 4]
    assert [row["epoch"] for row in parts.history] == [1, 2, 3, 4]
    for one, other in zip(whole.history, parts.history, strict=True):
        assert one["train/loss"] == pytest.approx(other["train/loss"], rel=1e-5)
        assert one["val/loss"] == pytest.approx(other["val/loss"], rel=1e-5)
    assert whole.best_epoch == parts.best_epoch
    for a, b in zip(model.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_model_holds_the_best_epoch(tmp_path):
    dataset, model = prepared()
    training = Training(epochs=6, batch_size=4, learning_rate=0.05, monitor="loss")
    fitted = fit(model, dataset, training, tmp_path)
    losses = [row["val/loss"] for row in fitted.history]
    assert fitted.best_epoch == 1 + int(np.argmin(losses))
    assert fitted.best["val/loss"] == min(losses)


def test_a_kill_between_the_best_weights_and_the_state_leaves_those_that_the_state_knows(tmp_path, monkeypatch):
    """Each epoch is better than the one before; after the second, the state is not written any more."""
    dataset, model = prepared()
    training = Training(epochs=2, batch_size=4, monitor="loss")

    def save_state(path, network, history, callbacks):
        if len(history) == 2:
            raise InterruptionError
        kept.append(network.get_weights())
        real(path, network, history, callbacks)

    kept, module = [], sys.modules["kzoo.training.fit"]
    real = module.save_state
    monkeypatch.setattr(module, "save_state", save_state)
    with pytest.raises(InterruptionError):
        fit(model, dataset, training, tmp_path)
    assert sorted(file.name for file in tmp_path.glob(BEST)) == ["best-1.npz", "best-2.npz"]
    dataset, again = prepared()
    fitted = fit(again, dataset, Training(epochs=1, batch_size=4, monitor="loss"), tmp_path)
    assert fitted.best_epoch == 1
    for a, b in zip(kept[0], again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    monkeypatch.undo()
    fitted = fit(prepared()[1], dataset, training, tmp_path)
    assert [file.name for file in tmp_path.glob(BEST)] == [f"best-{fitted.best_epoch}.npz"]


def test_early_stopping_waits_for_its_patience(tmp_path):
    dataset, model = prepared()
    training = Training(epochs=30, batch_size=4, learning_rate=1e-9, monitor="loss", early_stopping=EarlyStopping(2))
    history = fit(model, dataset, training, tmp_path).history
    best = 1 + int(np.argmin([row["val/loss"] for row in history]))
    assert len(history) == best + 2 < 30


def test_a_finished_training_is_not_trained_again(tmp_path):
    dataset, model = prepared()
    training = Training(epochs=2, batch_size=4)
    fit(model, dataset, training, tmp_path)
    dataset, again = prepared()
    rows = []
    fitted = fit(again, dataset, training, tmp_path, rows.append)
    assert rows == []
    assert len(fitted.history) == 2
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loss_that_is_no_number_names_the_epoch(tmp_path):
    dataset, model = prepared()
    rows = []
    with pytest.raises(TrainingError, match=r"^train/loss is nan at epoch 1\. What was logged is kept; start a new run with a lower"):
        fit(model, dataset, Training(epochs=3, batch_size=4, optimizer="sgd", learning_rate=1e30), tmp_path, rows.append)
    assert len(rows) == 1
    assert not (tmp_path / STATE).exists()


def test_a_state_of_another_network_is_refused(tmp_path):
    dataset, model = prepared()
    fit(model, dataset, Training(epochs=1, batch_size=4), tmp_path)
    dataset, other = prepared(model__filters=5)
    other.compile("adam", "mse")
    with pytest.raises(ValueError, match="was written by another network"):
        load_state(tmp_path / STATE, other)


def test_a_truncated_state_is_named(tmp_path):
    dataset, model = prepared()
    fit(model, dataset, Training(epochs=1, batch_size=4), tmp_path)
    (tmp_path / STATE).write_bytes((tmp_path / STATE).read_bytes()[:500])
    with pytest.raises(ValueError, match=rf"{STATE}: cannot be read"):
        fit(model, dataset, Training(epochs=2, batch_size=4), tmp_path)
    assert best_file(tmp_path, 1).exists()


def test_rows_hold_training_validation_speed_and_rate(tmp_path):
    dataset, model = prepared()
    row = fit(model, dataset, Training(epochs=1, batch_size=4, metrics=["mean_iou", "accuracy"]), tmp_path).history[0]
    assert set(row) == {
        "epoch",
        "train/loss",
        "train/mean_iou",
        "train/accuracy",
        "val/loss",
        "val/mean_iou",
        "val/accuracy",
        "train/learning_rate",
        "speed/images_per_second",
        "speed/seconds",
    }
    assert row["train/learning_rate"] == pytest.approx(1e-3)


def test_validation_numbers_are_those_of_a_plain_evaluation(tmp_path):
    dataset, model = prepared()
    fitted = fit(model, dataset, Training(epochs=2, batch_size=4), tmp_path)
    inputs = np.stack([dataset.validation.inputs(i, image) for i, image in enumerate(dataset.validation.images)])
    guesses, truth = model.predict(inputs, verbose=0).argmax(-1), np.stack(dataset.validation.targets)
    ious = [((guesses == k) & (truth == k)).sum() / ((guesses == k) | (truth == k)).sum() for k in (0, 1)]
    assert fitted.best["val/mean_iou"] == pytest.approx(np.mean(ious), rel=1e-5)


def test_valid_padding_trains_on_the_centre(tmp_path):
    dataset, model = prepared(model__padding="valid", model__blocks=1, data__size=46)
    assert model.output_shape[1:3] == (26, 26)
    history = fit(model, dataset, Training(epochs=1, batch_size=4), tmp_path).history
    assert np.isfinite(history[0]["val/loss"])


def test_precision_is_set_for_the_model_only():
    _, model = prepared(training__precision="mixed_bfloat16")
    assert model.get_layer("encoder1_conv1").compute_dtype == "bfloat16"
    assert config.dtype_policy().name == "float32"
