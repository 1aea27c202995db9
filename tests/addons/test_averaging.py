"""Averages are those of tensorflow-addons, in `fit` as by hand, and statistics of batch normalization follow them."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError
from kzoo.training.averaging import update_statistics
from kzoo.training.callbacks import SWA

from . import cases
from .trajectories import follow, golden, optimizer

GOLDEN = {name.removeprefix("swa/"): row for name, row in golden("optimizers").items() if name.startswith("swa/")}


@pytest.mark.parametrize("name", cases.SWA)
def test_averages_are_those_of_addons(name):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.set_weights(cases.start())
    model.compile(optimizer(*cases.INNER["momentum"]), "mse")
    callback = SWA(**cases.SWA[name])
    callback.set_model(model)
    callback.on_train_begin()
    follow(model.optimizer, lambda: callback.on_train_batch_end(0), model.trainable_variables)
    callback.on_train_end()
    np.testing.assert_allclose(np.concatenate([w.ravel() for w in model.get_weights()]), GOLDEN[name], atol=1e-5)


class Recorded(keras.callbacks.Callback):
    """The kernel after every step."""

    def on_train_begin(self, logs=None):  # noqa: ARG002
        self.kernels = []

    def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002
        self.kernels.append(self.model.get_weights()[0])


def network(*layers) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


def test_a_fit_ends_with_the_average():
    model, seen, averaged = network(), Recorded(), SWA(start_averaging=2, average_period=3)
    x = cases.random(20, 3)
    model.fit(x, x[:, 0], batch_size=2, epochs=2, callbacks=[seen, averaged], verbose=0)
    assert averaged.count == 6
    np.testing.assert_allclose(model.get_weights()[0], np.mean(seen.kernels[2::3], axis=0), atol=1e-6)


def test_a_training_that_ends_before_is_left_alone():
    model, seen = network(), Recorded()
    model.fit(np.ones((4, 3)), np.ones(4), batch_size=2, callbacks=[seen, SWA(start_averaging=10)], verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], seen.kernels[-1])


def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, averaged = network(), SWA(average_period=1)
        model.fit(np.ones((8, 3)), np.full(8, 1e4), batch_size=1, callbacks=[averaged], verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert averaged.count == int(model.optimizer.iterations) < 8
    assert np.isfinite(model.get_weights()[0]).all()


def test_statistics_are_the_average_over_the_batches():
    model = network(keras.layers.BatchNormalization(momentum=0.9))
    batches = [cases.random(16, 3, seed=seed) * 3 + 1 for seed in range(4)]
    update_statistics(model, batches)
    norm = model.layers[0]
    np.testing.assert_allclose(norm.moving_mean, np.mean([b.mean(0) for b in batches], axis=0), atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, np.mean([b.var(0) for b in batches], axis=0), atol=1e-4)
    assert norm.momentum == 0.9


def test_a_fit_with_batches_counts_them_at_its_end():
    model = network(keras.layers.Dense(2, use_bias=False), keras.layers.BatchNormalization())
    x = cases.random(16, 3)
    model.fit(x, x[:, 0], callbacks=[SWA(average_period=1, batches=[(x, x[:, 0])])], epochs=3, verbose=0)
    np.testing.assert_allclose(model.layers[1].moving_mean, (x @ model.get_weights()[0]).mean(0), atol=1e-5)


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="average_period: expected at least 1"):
        SWA(average_period=0)
    with pytest.raises(ArgumentError, match="start_averaging: expected"):
        SWA(start_averaging=-1)
    with pytest.raises(ArgumentError, match="batches: expected at least one"):
        update_statistics(network(), [])
