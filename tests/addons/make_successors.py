"""Writes what tensorflow-addons gives where the guide calls the successor equal, in an environment with its last stack.

    python -m tests.addons.make_successors

kzoo is not imported here. The file lies under `tests/addons/golden` and is read by `test_successors.py`.
"""

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

from .make_golden import FOLDER, follow
from .originals import ORIGINALS, weights


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


if __name__ == "__main__":
    arrays = {name: original(*case) for name, case in ORIGINALS.items()}
    np.savez_compressed(FOLDER / "successors.npz", **arrays)
    print(f"successors: {len(arrays)} arrays")
