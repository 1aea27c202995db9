"""Metrics by hand."""

import keras
import numpy as np
import pytest

from kzoo.data import IGNORE
from kzoo.training.metrics import Accuracy, IoU

TRUTH = np.array([[[0, 0, 1, 1], [2, 2, 2, IGNORE]]])
GUESS = np.array([[[0, 1, 1, 1], [2, 0, 2, 0]]])
SCORES = np.eye(3, dtype="float32")[GUESS]


def result(metric, *batches):
    for truth, scores in batches:
        metric.update_state(truth, scores)
    return float(metric.result())


def test_iou_per_class_and_mean():
    ious = [1 / 3, 2 / 3, 2 / 3]
    assert result(IoU(3, range(3)), (TRUTH, SCORES)) == pytest.approx(np.mean(ious))
    assert result(IoU(3, range(1, 3)), (TRUTH, SCORES)) == pytest.approx(np.mean(ious[1:]))
    assert result(IoU(3, [0]), (TRUTH, SCORES)) == pytest.approx(ious[0])


def test_iou_is_of_the_data_set_not_the_mean_over_batches():
    halves = [(TRUTH[:, :1], SCORES[:, :1]), (TRUTH[:, 1:], SCORES[:, 1:])]
    assert result(IoU(3, range(3)), *halves) == result(IoU(3, range(3)), (TRUTH, SCORES))


@pytest.mark.parametrize(("from_logits", "scores"), [(False, [0.2, 0.6, 0.7, 0.4]), (True, [-1.0, 0.3, 2.0, -0.1])])
def test_one_sigmoid_map(from_logits, scores):
    truth, scores = np.array([[0, 1, 0, 1]]), np.array(scores, "float32").reshape(1, 4, 1)
    assert result(IoU(2, [1], from_logits), (truth, scores)) == pytest.approx(1 / 3)
    assert result(Accuracy(from_logits), (truth, scores)) == pytest.approx(0.5)


def test_accuracy_of_pixels_and_images():
    assert result(Accuracy(), (TRUTH, SCORES)) == pytest.approx(5 / 7)
    assert result(Accuracy(), (np.array([0, 2]), SCORES[0, 0, :2])) == pytest.approx(0.5)


@pytest.mark.parametrize("metric", [IoU(3, (1, 2), from_logits=True, name="fg"), Accuracy(from_logits=True)])
def test_round_trip(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    assert again.from_logits
