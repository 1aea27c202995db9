"""Stochastic weight averaging (Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization", UAI)."""

from collections.abc import Iterable

import keras
import numpy as np

from ..errors import ArgumentError
from ..stack import ops


@keras.saving.register_keras_serializable("kzoo")
class SWA(keras.callbacks.Callback):
    """Averages the weights at every so many steps, and gives the model the average when the training ends.

    The successor of `tensorflow_addons.optimizers.SWA`, with its arguments and averages, as a callback: it goes around no optimizer, so
    that any works, and `assign_average_vars` needs no call. Steps that loss scaling leaves out are not counted. Validation during the
    training is of the weights as they are. With several steps per execution, only those that end one can be averaged. In a recipe it is
    named `kzoo.training.callbacks.SWA`, and `batches` are those of the training unless it says otherwise; the run's model is the average,
    and a training that was interrupted goes on with the averages that it had.

    Args:
        start_averaging: int, steps before the first that is averaged: with m, the weights after step m + 1 are.
        average_period: int, steps from one that is averaged to the next: a cycle of the learning rate.
        batches: inputs of the model, as they are trained on, from which the statistics of batch normalization are counted anew for the
            average; tuples count by their first. Without them they stay those of the last step, which do not belong to the average.

    Raises:
        ArgumentError: `start_averaging` is negative or `average_period` is below 1.

    >>> weight = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    >>> model = keras.Sequential([keras.Input((1,)), weight])
    >>> model.compile(keras.optimizers.SGD(0.25), "mse")
    >>> swa = SWA(average_period=1)
    >>> history = model.fit(np.ones((2, 1)), np.ones((2, 1)), batch_size=1, callbacks=[swa], verbose=0)
    >>> swa.count, float(weight.kernel[0, 0])
    (2, 0.625)
    """

    def __init__(self, start_averaging: int = 0, average_period: int = 10, batches: Iterable | None = None):
        super().__init__()
        if start_averaging < 0:
            raise ArgumentError("start_averaging", f"expected a number of steps, 0 for none. Received: {start_averaging}.")
        if average_period < 1:
            raise ArgumentError("average_period", f"expected at least 1 step. Received: {average_period}.")
        self.start_averaging = start_averaging
        self.average_period = average_period
        self.batches = batches
        self.count = 0
        self.averages: list[np.ndarray] = []

    def on_train_begin(self, logs=None):  # noqa: ARG002
        self.count = 0
        self.averages = []
        self._last = int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002
        self._synchronize()
        step = int(self.model.optimizer.iterations)
        over = step - 1 - self.start_averaging
        if step != self._last and over >= 0 and over % self.average_period == 0:
            self._include()
        self._last = step

    def on_train_end(self, logs=None):  # noqa: ARG002
        if self.count:
            self.assign_averages()

    def assign_averages(self) -> None:
        """Sets the model's weights to the averages so far, and its statistics to those of `batches`."""
        for variable, average in zip(self.model.trainable_variables, self.averages, strict=True):
            variable.assign(average)
        if self.batches is not None:
            update_statistics(self.model, self.batches)

    def _include(self) -> None:
        found = [ops.convert_to_numpy(v).astype("float32") for v in self.model.trainable_variables]
        averages = self.averages or found
        self.averages = [(old * self.count + new) / (self.count + 1) for old, new in zip(averages, found, strict=True)]
        self.count += 1

    def _synchronize(self) -> None:
        """On JAX the model does not see the weights of a training while it lasts."""
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()

    def get_config(self) -> dict:
        return {"start_averaging": self.start_averaging, "average_period": self.average_period}


def update_statistics(model: keras.Model, batches: Iterable) -> None:
    """Counts the means and variances of all batch normalizations anew, as the plain average over batches.

    Args:
        model: the network whose weights were changed.
        batches: inputs, or tuples of which the first is the input.

    Raises:
        ArgumentError: there are no batches.
    """
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]
    momenta = [layer.momentum for layer in layers]
    count = 0
    for count, batch in enumerate(batches, start=1):
        for layer in layers:
            layer.momentum = (count - 1) / count
        model(batch[0] if isinstance(batch, list | tuple) else batch, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    if not count:
        raise ArgumentError("batches", "expected at least one batch of inputs. Received: none.")
