"""Writes what tensorflow-addons gives for the cases, in an environment with its last stack (TensorFlow 2.15, Keras 2.15, addons 0.23).

    python -m tests.addons.make_golden

kzoo is not imported here. The files lie under `tests/addons/golden` and are read by the tests beside this file.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

from tests.addons import cases

FOLDER = Path(__file__).parent / "golden"


def optimizer(name: str, options: dict):
    return (tfa.optimizers.RectifiedAdam if name == "RectifiedAdam" else getattr(tf.keras.optimizers.legacy, name))(**options)


def follow(made, averaged: bool = False) -> np.ndarray:
    """All weights after every step, in one row; or the averages after the last."""
    variables = [tf.Variable(w) for w in cases.start()]
    rows = []
    for step in range(cases.STEPS):
        grads = cases.gradients(step, [v.numpy() for v in variables])
        made.apply_gradients([(tf.constant(g), v) for g, v in zip(grads, variables, strict=True)])
        rows.append(np.concatenate([v.numpy().ravel() for v in variables]))
    if averaged:
        made.assign_average_vars(variables)
        return np.concatenate([v.numpy().ravel() for v in variables])
    return np.array(rows)


def optimizers() -> dict:
    rectified = {f"rectified/{name}": follow(optimizer("RectifiedAdam", options)) for name, options in cases.RECTIFIED.items()}
    lookahead = {
        f"lookahead/{name}": follow(tfa.optimizers.Lookahead(optimizer(*cases.INNER[inner]), **options))
        for name, (inner, options) in cases.LOOKAHEAD.items()
    }
    swa = {
        f"swa/{name}": follow(tfa.optimizers.SWA(optimizer(*cases.INNER["momentum"]), **options), averaged=True)
        for name, options in cases.SWA.items()
    }
    return {**rectified, **lookahead, **swa}


def schedules() -> dict:
    made = {}
    for name, (kind, options) in cases.SCHEDULES.items():
        filled = {key: cases.halved if value == "halved" else value for key, value in options.items()}
        schedule = getattr(tfa.optimizers, kind)(**cases.RATES, **filled)
        made[name] = np.array([schedule(tf.constant(float(step))).numpy() for step in range(60)])
    return made


def layers() -> dict:
    shortcut, branch = cases.random(2, 5, 4, 3, seed=3), cases.random(2, 5, 4, 3, seed=4)
    found = {f"depth/{rate}": tfa.layers.StochasticDepth(rate)([shortcut, branch], training=False).numpy() for rate in (0.5, 0.8)}
    for name, options in cases.PYRAMIDS.items():
        shape = (2, 3, 11, 13) if "data_format" in options else (2, 11, 13, 3)
        found[f"pyramid/{name}"] = tfa.layers.SpatialPyramidPooling2D(**options)(cases.random(*shape, seed=5)).numpy()
    for name, options in cases.POOLINGS.items():
        sizes = {"pool_size": 2, "strides": 2, "padding": "SAME", **options}
        pooled, indices = tf.nn.max_pool_with_argmax(
            cases.random(2, 8, 8, 3, seed=6), sizes["pool_size"], sizes["strides"], sizes["padding"]
        )
        found[f"pooled/{name}"], found[f"indices/{name}"] = pooled.numpy(), indices.numpy()
        if name in cases.UNPOOLINGS:
            found[f"unpooled/{name}"] = tfa.layers.MaxUnpooling2D(**options)(pooled, indices).numpy()
    pooled, indices = tf.nn.max_pool_with_argmax(cases.random(2, 7, 9, 3, seed=6), 2, 2, "SAME")
    found["unpooled/v2"] = tfa.layers.MaxUnpooling2DV2((2, 7, 9, 3))(pooled, indices).numpy()
    return found


def value(metric, kind: str, weighted: bool) -> np.ndarray:
    for y_true, y_pred, weights in cases.batches(kind):
        metric.update_state(tf.constant(y_true), tf.constant(y_pred), tf.constant(weights) if weighted else None)
    return np.array(metric.result())


def metrics() -> dict:
    found = {}
    for weighted in (False, True):
        for name, options in cases.KAPPAS.items():
            kind = name.rsplit("_", 1)[0]
            found[f"kappa/{name}/{weighted}"] = value(tfa.metrics.CohenKappa(**options), kind, weighted)
        found[f"matthews/{weighted}"] = value(tfa.metrics.MatthewsCorrelationCoefficient(num_classes=4), "one_hot", weighted)
    return found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for make in (optimizers, schedules, layers, metrics):
        arrays = make()
        np.savez_compressed(FOLDER / f"{make.__name__}.npz", **arrays)
        print(f"{make.__name__}: {len(arrays)} arrays")
