"""kzoo's optimizers and metrics on the cases, in the form in which the files hold what tensorflow-addons gave."""

from pathlib import Path

import keras
import numpy as np

from kzoo.training import metrics, optimizers

from . import cases

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-5


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as stored:
        return dict(stored)


def numpy(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(x)


def made(case: str) -> keras.optimizers.Optimizer:
    """The optimizer of a case of the file, such as `lookahead/adam`."""
    kind, name = case.split("/")
    if kind == "rectified":
        return optimizers.RectifiedAdam(**cases.RECTIFIED[name])
    inner, options = cases.LOOKAHEAD[name]
    return optimizers.Lookahead(optimizer(*cases.INNER[inner]), **options)


def optimizer(name: str, options: dict) -> keras.optimizers.Optimizer:
    return optimizers.RectifiedAdam(**options) if name == "RectifiedAdam" else getattr(keras.optimizers, name)(**options)


def follow(made: keras.optimizers.Optimizer, after_step=lambda: None, variables=None) -> np.ndarray:
    """All weights after every step, in one row."""
    variables = variables or [keras.Variable(w) for w in cases.start()]
    rows = []
    for step in range(cases.STEPS):
        grads = cases.gradients(step, [numpy(v) for v in variables])
        made.apply([keras.ops.convert_to_tensor(g) for g in grads], variables)
        after_step()
        rows.append(np.concatenate([numpy(v).ravel() for v in variables]))
    return np.array(rows)


def metric_values() -> dict[str, float]:
    """The values of all cases of metrics after all batches."""
    found = {}
    for weighted in (False, True):
        for name, options in cases.KAPPAS.items():
            found[f"kappa/{name}/{weighted}"] = _value(metrics.CohenKappa(**options), name.rsplit("_", 1)[0], weighted)
        found[f"matthews/{weighted}"] = _value(metrics.MatthewsCorrelationCoefficient(num_classes=4), "one_hot", weighted)
    return found


def _value(metric, kind: str, weighted: bool) -> float:
    for y_true, y_pred, weights in cases.batches(kind):
        metric.update_state(y_true, y_pred, weights if weighted else None)
    return float(metric.result())
