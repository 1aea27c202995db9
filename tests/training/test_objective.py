"""Words of a recipe as Keras objects: schedules by value, and what a task does not have."""

import numpy as np
import pytest

from kzoo import ArgumentError, build_cnn
from kzoo.data import digit_scenes, digits
from kzoo.training import Training
from kzoo.training.objective import check_objective, compile_model, monitored


@pytest.fixture(scope="module")
def single_digits():
    return digits()


def rates(single_digits, steps, **options):
    model = build_cnn(input_shape=(8, 8, 1), num_classes=10, filters=2)
    compile_model(model, Training(learning_rate=0.1, **options), single_digits, steps_per_epoch=10)
    schedule = model.optimizer._learning_rate
    return [float(schedule(step)) if callable(schedule) else float(schedule) for step in steps]


def test_schedules(single_digits):
    assert rates(single_digits, [0, 50], epochs=10) == pytest.approx([0.1, 0.1])
    assert rates(single_digits, [0, 50, 100], epochs=10, schedule="cosine") == pytest.approx([0.1, 0.05, 0.0], abs=1e-7)
    assert rates(single_digits, [0, 10, 20, 90], epochs=10, warmup_epochs=2) == pytest.approx([0.0, 0.05, 0.1, 0.1])
    warm = rates(single_digits, [10, 20, 60, 100], epochs=10, warmup_epochs=2, schedule="cosine")
    assert warm == pytest.approx([0.05, 0.1, 0.05, 0.0], abs=1e-7)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "nadam", "lion"])
def test_optimizers(single_digits, optimizer):
    model = build_cnn(input_shape=(8, 8, 1), num_classes=10, filters=2)
    compile_model(model, Training(optimizer=optimizer, learning_rate=0.01, weight_decay=0.02), single_digits, 10)
    assert type(model.optimizer).__name__.lower() == optimizer
    assert model.optimizer.weight_decay == 0.02
    assert float(np.asarray(model.optimizer.learning_rate)) == pytest.approx(0.01)


def test_what_classification_does_not_have(single_digits):
    for training, argument in (
        (Training(loss="dice"), "loss"),
        (Training(metrics=["mean_iou"]), "metrics"),
        (Training(monitor="mean_iou"), "monitor"),
    ):
        with pytest.raises(ArgumentError) as caught:
            check_objective(training, single_digits)
        assert caught.value.argument == argument


def test_class_weights_fit_the_classes_and_the_loss(single_digits):
    scenes = digit_scenes(scenes=1, validation_scenes=1)
    check_objective(Training(class_weights=[1] * 10), single_digits)
    for training, message in (
        (Training(class_weights=[1, 2]), r"class_weights: expected one number per class \(11\), not all 0. Received: \[1, 2\]."),
        (Training(class_weights=[0] * 11), "class_weights: expected one number per class"),
        (Training(class_weights=[1] * 11, loss="dice"), 'class_weights: expected null for loss="dice", which has no weights.'),
    ):
        with pytest.raises(ArgumentError, match=message):
            check_objective(training, scenes)
    model = build_cnn(input_shape=(8, 8, 1), num_classes=10, filters=2)
    compile_model(model, Training(class_weights=range(10)), single_digits, 10)
    assert model.loss.class_weights == list(range(10))


def test_the_monitored_metric(single_digits):
    scenes = digit_scenes(scenes=1, validation_scenes=1)
    assert monitored(Training(), scenes) == "mean_iou"
    assert monitored(Training(), single_digits) == "accuracy"
    assert monitored(Training(metrics=[]), scenes) == "loss"
    assert monitored(Training(monitor="loss"), scenes) == "loss"
