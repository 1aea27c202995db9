"""What is computed in both environments: the cases by name, and the numbers that go in. NumPy only, since both import it."""

import numpy as np

STEPS = 50
BATCHES = 3

RECTIFIED: dict[str, dict] = {
    "plain": {"learning_rate": 1e-2},
    "without_amsgrad": {"learning_rate": 1e-2, "beta_2": 0.8},
    "betas": {"learning_rate": 1e-2, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-5},
    "threshold": {"learning_rate": 1e-2, "sma_threshold": 10.0},
    "warm_up": {"learning_rate": 1e-2, "total_steps": 40, "warmup_proportion": 0.25, "min_lr": 1e-4},
    "decay": {"learning_rate": 1e-2, "weight_decay": 1e-1},
    "decay_and_warm_up": {"learning_rate": 1e-2, "weight_decay": 1e-1, "total_steps": 100, "warmup_proportion": 0.1, "min_lr": 1e-3},
    "amsgrad": {"learning_rate": 1e-2, "beta_2": 0.8, "amsgrad": True},
    "all": {
        "learning_rate": 1e-2,
        "beta_2": 0.9,
        "weight_decay": 1e-2,
        "amsgrad": True,
        "total_steps": 45,
        "warmup_proportion": 0.5,
        "min_lr": 1e-3,
    },
    "clipnorm": {"learning_rate": 1e-2, "clipnorm": 0.5},
}
INNER: dict[str, tuple[str, dict]] = {
    "sgd": ("SGD", {"learning_rate": 5e-2}),
    "momentum": ("SGD", {"learning_rate": 1e-2, "momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", {"learning_rate": 1e-2}),
    "rectified": ("RectifiedAdam", {"learning_rate": 1e-2}),
    "rectified_all": ("RectifiedAdam", RECTIFIED["all"]),
}
LOOKAHEAD: dict[str, tuple[str, dict]] = {
    **{inner: (inner, {}) for inner in INNER},
    "often": ("adam", {"sync_period": 2, "slow_step_size": 0.8}),
    "seldom": ("momentum", {"sync_period": 11, "slow_step_size": 0.1}),
    "clipvalue": ("sgd", {"clipvalue": 0.3}),
}
SWA: dict[str, dict] = {
    "from_the_first": {"start_averaging": 0, "average_period": 10},
    "later": {"start_averaging": 7, "average_period": 4},
    "every_step": {"start_averaging": 20, "average_period": 1},
}
SCHEDULES: dict[str, tuple[str, dict]] = {
    "triangular": ("TriangularCyclicalLearningRate", {}),
    "triangular2": ("Triangular2CyclicalLearningRate", {}),
    "exponential": ("ExponentialCyclicalLearningRate", {"gamma": 0.97}),
    "exponential_by_cycle": ("ExponentialCyclicalLearningRate", {"gamma": 0.5, "scale_mode": "cycle"}),
    "scaled": ("CyclicalLearningRate", {"scale_fn": "halved"}),
    "scaled_by_step": ("CyclicalLearningRate", {"scale_fn": "halved", "scale_mode": "iterations"}),
}
RATES = {"initial_learning_rate": 1e-4, "maximal_learning_rate": 1e-2, "step_size": 7}
PYRAMIDS: dict[str, dict] = {
    "whole": {"bins": [1, 2, 3]},
    "pairs": {"bins": [[1, 2], [3, 1], [4, 5]]},
    "channels_first": {"bins": [2, [3, 2]], "data_format": "channels_first"},
}
UNPOOLINGS: dict[str, dict] = {
    "default": {},
    "same": {"pool_size": (2, 4), "strides": (2, 4), "padding": "SAME"},
    "valid": {"pool_size": 2, "strides": 2, "padding": "VALID"},
    "wider_steps": {"pool_size": 2, "strides": 3, "padding": "VALID"},
    "gaps": {"pool_size": 1, "strides": 2, "padding": "SAME"},
}
POOLINGS: dict[str, dict] = {
    **UNPOOLINGS,
    "overlap": {"pool_size": 3, "strides": 2, "padding": "SAME"},
    "overlap_valid": {"pool_size": (3, 2), "strides": (1, 2), "padding": "VALID"},
}
KAPPAS: dict[str, dict] = {
    f"{kind}_{weightage}": {**options, "weightage": weightage}
    for kind, options in {
        "binary": {"num_classes": 2},
        "sparse": {"num_classes": 4, "sparse_labels": True},
        "one_hot": {"num_classes": 4},
        "regression": {"num_classes": 4, "sparse_labels": True, "regression": True},
    }.items()
    for weightage in (None, "linear", "quadratic")
}


def halved(x):
    """A scale of one's own: half as much in every cycle, or at every step."""
    return 0.5 ** (x * 0.5)


def random(*shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def start() -> list[np.ndarray]:
    """The weights that every trajectory starts from."""
    return [random(4, 3, seed=1), random(3, seed=2)]


def gradients(step: int, weights: list[np.ndarray]) -> list[np.ndarray]:
    """Those of a noisy quadratic bowl, so that they depend on the weights as those of a network do."""
    rng = np.random.default_rng(100 + step)
    return [((1 + np.arange(w.size).reshape(w.shape) / 4) * (w - 1) + rng.normal(size=w.shape)).astype("float32") for w in weights]


def batches(kind: str) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Labels, predictions and weights of samples; the predictions are right about two times in three."""
    rng = np.random.default_rng(len(kind))
    found = []
    for _ in range(BATCHES):
        classes = rng.integers(0, 2 if kind == "binary" else 4, 16)
        guesses = np.where(rng.random(16) < 2 / 3, classes, rng.integers(0, 2 if kind == "binary" else 4, 16))
        found.append((*_shaped(kind, classes, guesses, rng), rng.random(16).astype("float32")))
    return found


def _shaped(kind: str, classes, guesses, rng):
    noise = rng.random((16, 4)).astype("float32") * 0.4
    if kind == "binary":
        return classes, (guesses * 0.5 + noise[:, 0]).astype("float32")
    if kind == "regression":
        return classes, (guesses[:, None] + noise[:, :1]).astype("float32")
    return (np.eye(4, dtype="float32")[classes] if kind == "one_hot" else classes), np.eye(4, dtype="float32")[guesses] + noise
