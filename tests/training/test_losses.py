"""Losses against NumPy, for softmax maps and one sigmoid map, probabilities and logits."""

import keras
import numpy as np
import pytest

from kzoo.data import IGNORE
from kzoo.stack import ops
from kzoo.training.losses import Crossentropy, CrossentropyDice, Dice

RNG = np.random.default_rng(0)


def case(channels: int):
    logits = RNG.normal(size=(2, 5, 6, channels)).astype("float32")
    labels = RNG.integers(0, max(channels, 2), (2, 5, 6))
    labels[0, :2] = IGNORE
    if channels == 1:
        foreground = 1 / (1 + np.exp(-logits))
        return logits, foreground, np.concatenate([1 - foreground, foreground], -1), labels
    scores = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return logits, scores, scores, labels


def numpy_crossentropy(scores, labels):
    valid = labels != IGNORE
    picked = np.take_along_axis(scores, np.where(valid, labels, 0)[..., None], -1)[..., 0]
    return -np.log(picked[valid]).mean()


def numpy_dice(scores, labels):
    valid = labels != IGNORE
    coefficients = []
    for k in range(1, scores.shape[-1]):
        truth, score = (labels == k)[valid], scores[..., k][valid]
        coefficients.append((2 * (truth * score).sum() + 1) / (truth.sum() + score.sum() + 1))
    return 1 - np.mean(coefficients)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("from_logits", [False, True])
def test_against_numpy(channels, from_logits):
    logits, given, scores, labels = case(channels)
    y = logits if from_logits else given
    crossentropy, dice = numpy_crossentropy(scores, labels), numpy_dice(scores, labels)
    assert float(Crossentropy(from_logits)(labels, y)) == pytest.approx(crossentropy, rel=1e-5)
    assert float(Dice(from_logits)(labels, y)) == pytest.approx(dice, rel=1e-5)
    assert float(CrossentropyDice(from_logits)(labels, y)) == pytest.approx(crossentropy + dice, rel=1e-5)


def test_classification_too():
    scores, labels = np.array([[0.2, 0.8], [0.5, 0.5]], "float32"), np.array([1, 0])
    assert float(Crossentropy()(labels, scores)) == pytest.approx(-np.log([0.8, 0.5]).mean(), rel=1e-5)


def test_sample_weights_count():
    scores, labels = np.array([[0.2, 0.8], [0.5, 0.5]], "float32"), np.array([1, 0])
    weighted = Crossentropy()(labels, scores, sample_weight=np.array([1.0, 0.0]))
    assert float(weighted) == pytest.approx(-np.log(0.8) / 2, rel=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_classes_weigh_as_told(channels):
    """By hand: sum of weight x loss over sum of weights, over the pixels that count; twice the weights change nothing."""
    _, given, scores, labels = case(channels)
    weights = np.array([0.5, 2.0, 3.0])[: max(channels, 2)]
    valid = labels != IGNORE
    each = -np.log(np.take_along_axis(scores, np.where(valid, labels, 0)[..., None], -1)[..., 0])[valid]
    expected = np.average(each, weights=weights[labels[valid]])
    assert float(Crossentropy(class_weights=weights)(labels, given)) == pytest.approx(expected, rel=1e-5)
    assert float(Crossentropy(class_weights=2 * weights)(labels, given)) == pytest.approx(expected, rel=1e-5)
    both = float(CrossentropyDice(class_weights=weights)(labels, given))
    assert both == pytest.approx(expected + numpy_dice(scores, labels), rel=1e-5)


def test_class_weights_are_saved():
    again = keras.losses.deserialize(keras.losses.serialize(CrossentropyDice(class_weights=(1, 2))))
    assert again.parts[0].class_weights == [1.0, 2.0]


def test_nothing_but_ignored_pixels_gives_no_loss():
    _, given, _, labels = case(2)
    labels[:] = IGNORE
    assert float(Crossentropy()(labels, given)) == 0
    assert float(Dice()(labels, given)) == 0


@pytest.mark.parametrize("loss", [Crossentropy, Dice, CrossentropyDice])
def test_round_trip(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss(from_logits=True, ignore=7)))
    assert (type(again), again.from_logits, again.ignore, again.name) == (loss, True, 7, loss().name)


def test_half_precision_scores_do_not_overflow():
    """A Dice sum over 65,504 float16 pixels would."""
    labels = np.ones((1, 400, 400), int)
    scores = ops.cast(np.stack([np.zeros((1, 400, 400)), np.ones((1, 400, 400))], -1), "float16")
    assert float(Dice()(labels, scores)) == pytest.approx(0, abs=1e-5)
