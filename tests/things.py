"""What a user's own module may hold: objects that recipes of the tests name by path."""

import keras
import numpy as np

from kzoo.stack import KERAS_3, ops

OPTIMIZERS = "kzoo.training.optimizers" if KERAS_3 else "tensorflow_addons.optimizers"
LOOKAHEAD, RADAM = f"{OPTIMIZERS}.Lookahead", f"{OPTIMIZERS}.RectifiedAdam"
"""The successors, and in the addons environment the originals, which take the same arguments."""

SLOPE = "negative_slope" if KERAS_3 else "alpha"
"""What `keras.layers.LeakyReLU` calls its only argument."""


class OneMinusTruth(keras.losses.Loss):
    """1 - the mean score of the true class."""

    def __init__(self, num_classes, power=1.0, class_weights=None, name="one_minus_truth"):
        super().__init__(name=name)
        self.num_classes, self.power, self.class_weights = num_classes, power, class_weights

    def call(self, y_true, y_pred):
        return 1 - ops.sum(ops.one_hot(ops.cast(y_true, "int32"), self.num_classes) * y_pred, axis=-1) ** self.power


def error_rate(y_true, y_pred, scale=1.0):
    """A plain function of labels and predictions."""
    wrong = ops.not_equal(ops.cast(y_true, "int32"), ops.argmax(y_pred, axis=-1))
    return scale * ops.cast(wrong, "float32")


class Unnamed(keras.metrics.Mean):
    """A metric whose name cannot be given."""

    def __init__(self):
        super().__init__()

    def update_state(self, y_true, y_pred, sample_weight=None):  # noqa: ARG002
        super().update_state(ops.max(y_pred))


def make_sgd(momentum=0.9):
    """An optimizer with a rate of its own."""
    return keras.optimizers.SGD(0.25, momentum=momentum)


def make_nothing():
    return None


class Steps(keras.callbacks.Callback):
    """Collects the weights after every step."""

    def __init__(self, note="log.csv"):
        super().__init__()
        self.note = note
        self.weights: list[list[np.ndarray]] = []

    def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002
        self.weights.append(self.model.get_weights())


class Patient(keras.callbacks.Callback):
    """Takes numbers only."""

    def __init__(self, patience=0):
        super().__init__()
        self.patience = 0 + patience


class Counter(keras.callbacks.Callback):
    """Says itself what it knows."""

    def __init__(self):
        super().__init__()
        self.epochs = object()
        self.count = 0

    def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
        self.count += 1

    def get_state(self):
        return {"count": np.array([self.count])}

    def set_state(self, state):
        self.count = int(state["count"][0])


class Stop(keras.callbacks.Callback):
    """Ends a training after its first epoch."""

    def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
        self.model.stop_training = True


@keras.saving.register_keras_serializable("tests")
class Scale(keras.layers.Layer):
    """One factor for all."""

    def __init__(self, start=1.0, **options):
        super().__init__(**options)
        self.start = start

    def build(self, input_shape):  # noqa: ARG002
        self.factor = self.add_weight(shape=(), initializer=keras.initializers.Constant(self.start))

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "start": self.start}


NUMBER = 3
