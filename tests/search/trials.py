"""Outcomes of searches that were never run."""

import numpy as np

from kzoo.search.outcome import Outcome


def outcome(trial: int, score: float | None = None, status: str = "completed", **settings) -> Outcome:
    values = settings.pop("values", {"filters": 8})
    return Outcome(f"{trial:03}", values, status, score=score, **settings)


def function_of(count: int, function, noise: float = 0.1, seed: int = 0) -> list[Outcome]:
    """A search over four numbers `a` to `d`, its score a function of them."""
    random = np.random.default_rng(seed)
    found = []
    for trial in range(count):
        values = {name: float(random.uniform()) for name in "abcd"}
        found.append(outcome(trial, float(function(**values) + noise * random.normal()), values=values))
    return found


def long_search(count: int = 60) -> list[Outcome]:
    """Completed, pruned and failed trials with three executions each, one hyperparameter active under a condition."""
    random = np.random.default_rng(0)
    found = []
    for trial in range(count):
        upsampling = "nearest" if trial % 3 else "transposed_conv"
        values = {"model.filters": int(2 ** random.integers(2, 6)), "model.upsampling": upsampling}
        if upsampling == "transposed_conv":
            values["model.kernel"] = int(random.choice([2, 4]))
        scores = tuple(0.7 + 0.03 * np.log2(values["model.filters"]) + 0.01 * random.normal(size=3))
        cost = {"epochs": 30, "seconds": 3.0 * values["model.filters"], "macs": 10**7 * values["model.filters"], "parameters": 10**4}
        if trial % 9 == 4:
            found.append(outcome(trial, None, "failed", values=values, reason=f"NaN at epoch {trial % 2 + 3}", **cost))
        else:
            status = "pruned" if trial % 7 == 3 else "completed"
            found.append(outcome(trial, float(np.mean(scores)), status, values=values, scores=scores, **cost))
    return found
