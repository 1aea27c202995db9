"""The metrics give what those of tensorflow-addons and scikit-learn give, for samples and for maps, whole and in batches."""

import keras
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

from kzoo import ArgumentError
from kzoo.training.metrics import CohenKappa, MatthewsCorrelationCoefficient

from . import cases
from .trajectories import golden, metric_values, numpy

GOLDEN = golden("metrics")


def test_values_are_those_of_addons():
    found = metric_values()
    assert set(found) == set(GOLDEN)
    for name, value in found.items():
        np.testing.assert_allclose(value, GOLDEN[name], atol=1e-6, err_msg=name)
    assert len({round(float(value), 5) for value in found.values()}) == 22  # two classes have no distances


def maps():
    rng = np.random.default_rng(3)
    classes = rng.integers(0, 3, (4, 8, 8))
    scores = np.eye(3)[np.where(rng.random(classes.shape) < 0.6, classes, rng.integers(0, 3, classes.shape))]
    return np.where(rng.random(classes.shape) < 0.2, 255, classes), scores


@pytest.mark.parametrize("weightage", [None, "linear", "quadratic"])
def test_kappa_of_maps_without_the_ignored_pixels(weightage):
    classes, scores = maps()
    metric = CohenKappa(3, weightage=weightage, sparse_labels=True, ignore_class=255)
    metric.update_state(classes, scores)
    valid = classes != 255
    expected = cohen_kappa_score(classes[valid], scores.argmax(-1)[valid], weights=weightage)
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_correlation_of_maps_without_the_ignored_pixels():
    classes, scores = maps()
    metric = MatthewsCorrelationCoefficient(3, sparse_labels=True, ignore_class=255)
    metric.update_state(classes, scores)
    valid = classes != 255
    assert float(metric.result()) == pytest.approx(matthews_corrcoef(classes[valid], scores.argmax(-1)[valid]), abs=1e-6)


@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
def test_correlation_of_one_probability_per_sample(shape):
    labels, scores = np.array([0, 1, 1, 0, 1, 0]), np.array([0.2, 0.9, 0.4, 0.7, 0.8, 0.1])
    metric = MatthewsCorrelationCoefficient(2, sparse_labels=len(shape) == 1)
    metric.update_state(labels.reshape(shape), scores[:, None])
    assert float(metric.result()) == pytest.approx(matthews_corrcoef(labels, scores > 0.5), abs=1e-6)


def test_nothing_seen_and_one_class_only():
    kappa, correlation = CohenKappa(3, sparse_labels=True), MatthewsCorrelationCoefficient(3, sparse_labels=True)
    assert float(kappa.result()) == float(correlation.result()) == 0
    kappa.update_state([1, 1], [1, 1])
    assert np.isnan(float(kappa.result()))
    correlation.update_state(np.full(7, 1), np.eye(3)[[0, 1, 1, 2, 2, 2, 0]])
    assert float(correlation.result()) == 0


def test_large_counts_do_not_overflow():
    metric = MatthewsCorrelationCoefficient(2)
    metric.conf_mtx.assign([[3e10, 1e10], [1e10, 3e10]])
    assert float(metric.result()) == pytest.approx(0.5)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_compiled_model_is_saved_with_them(policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, activation="softmax")])
        metrics = [CohenKappa(4, weightage="quadratic", sparse_labels=True), MatthewsCorrelationCoefficient(4, sparse_labels=True)]
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=metrics)
        x, y = cases.random(32, 6), np.arange(32) % 4
        model.fit(x, y, batch_size=8, verbose=0)
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        found, predicted = again.evaluate(x, y, batch_size=8, return_dict=True, verbose=0), again.predict(x, verbose=0).argmax(-1)
    finally:
        keras.config.set_dtype_policy("float32")
    assert found["cohen_kappa"] == pytest.approx(cohen_kappa_score(y, predicted, weights="quadratic"), abs=1e-6)
    assert found["MatthewsCorrelationCoefficient"] == pytest.approx(matthews_corrcoef(y, predicted), abs=1e-6)
    assert found == pytest.approx(model.evaluate(x, y, batch_size=8, return_dict=True, verbose=0), abs=1e-3)


def test_predictions_of_other_classes_are_errors():
    with pytest.raises(ArgumentError, match=r"y_pred: expected scores of 3 classes. Received: 4."):
        CohenKappa(3, sparse_labels=True).update_state([0, 1], np.eye(4)[:2])
    with pytest.raises(ArgumentError, match=r"y_true: expected one-hot vectors of 3 classes. Received: shape \(2,\)."):
        MatthewsCorrelationCoefficient(3).update_state([0, 1], np.eye(3)[:2])


@pytest.mark.parametrize("pair", [([3], [0]), ([0], [3]), ([-1], [0])])
def test_what_is_no_class_is_an_error_or_left_out(pair):
    metric = CohenKappa(3, sparse_labels=True)
    if keras.backend.backend() == "tensorflow":
        with pytest.raises(Exception, match="segment_ids"):
            metric.update_state(*pair)
    else:
        metric.update_state(*pair)
    assert numpy(metric.conf_mtx).sum() == 0


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match=r"weightage: expected one of linear, quadratic. Received: square"):
        CohenKappa(3, weightage="square")
    for metric in (CohenKappa, MatthewsCorrelationCoefficient):
        with pytest.raises(ArgumentError, match=r"num_classes: expected at least 2. Received: 1"):
            metric(1)
