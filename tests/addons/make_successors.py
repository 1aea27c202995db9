"""Writes what tensorflow-addons gives where the guide calls the successor equal, in an environment with its last stack.

    python -m tests.addons.make_successors

kzoo is not imported here. The files lie under `tests/addons/golden` and are read by the tests beside this file: `successors.npz`, and
`model.h5`, a network of addons as Keras 2.15 saves it.
"""

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

from .cases import random
from .guide import EXAMPLE, begin, code
from .make_golden import FOLDER, follow
from .originals import IMAGES, LABELS, ORIGINALS, SCORES, weights


def original(expression: str, values: dict) -> np.ndarray:
    made = eval(expression, {"tf": tf, "tfa": tfa, "np": np}, values)
    if isinstance(made, tf.keras.optimizers.legacy.Optimizer):
        return follow(made)
    if isinstance(made, tf.keras.layers.Layer) and not isinstance(made, tf.keras.metrics.Metric):
        return output(made, values["x"])
    if isinstance(made, tf.keras.losses.Loss):
        return np.sum(made(values["y_true"], values["y_pred"]))
    if isinstance(made, tf.keras.metrics.Metric):
        made.update_state(values["y_true"], values["y_pred"])
        made = made.result()
    return np.array(made)


def output(layer, x: np.ndarray) -> np.ndarray:
    layer.build(x.shape)
    layer.set_weights(weights([tuple(w.shape) for w in layer.weights]))
    return np.array(layer(x, training=True))


def trained_by_focal_loss() -> np.ndarray:
    """The weights after one step of `fit`."""
    model = tf.keras.Sequential([tf.keras.layers.Dense(4, activation="sigmoid", use_bias=False, input_shape=(4,))])
    model.set_weights(weights([(4, 4)]))
    model.compile(tf.keras.optimizers.legacy.SGD(0.1), tfa.losses.SigmoidFocalCrossEntropy())
    model.fit(SCORES, LABELS, batch_size=len(LABELS), verbose=0)
    return model.get_weights()[0]


def network() -> np.ndarray:
    """The output of a network that is saved."""
    inputs = tf.keras.Input((12, 10, 3))
    x = tf.keras.layers.Conv2D(4, 3)(inputs)
    x = tfa.layers.InstanceNormalization()(x)
    x = tf.keras.layers.Activation(tfa.activations.gelu)(x)
    x = tfa.layers.SpectralNormalization(tf.keras.layers.Conv2D(2, 3))(x)
    x = tf.keras.layers.GlobalAveragePooling2D()(tf.keras.layers.BatchNormalization()(x))
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(2)(x))
    model.set_weights([abs(random(*w.shape, seed=50 + place)) for place, w in enumerate(model.weights)])
    model.compile(tfa.optimizers.RectifiedAdam(), "mse")
    model.save(FOLDER / "model.h5")
    return np.array(model(IMAGES / 255))


def example() -> np.ndarray:
    """All weights after the training that the guide shows as it was."""
    names = {"images": EXAMPLE[0], "masks": EXAMPLE[1], "begin": begin}
    exec(code("before"), names)
    return np.concatenate([w.ravel() for w in names["model"].get_weights()])


if __name__ == "__main__":
    average = follow(tfa.optimizers.MovingAverage(tf.keras.optimizers.legacy.SGD(1e-2), average_decay=0.9), averaged=True)
    arrays = {name: original(*case) for name, case in ORIGINALS.items()}
    arrays |= {"focal_loss": trained_by_focal_loss(), "moving_average": average, "network": network(), "example": example()}
    np.savez_compressed(FOLDER / "successors.npz", **arrays)
    print(f"successors: {len(arrays)} arrays")
