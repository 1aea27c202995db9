"""How a space is searched: the section `search` of its file."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from ..domains import Positive, Seed

Tuner = Literal["random", "grid", "hyperband", "bayesian"]
DRAWING = ("random", "bayesian")
"""Tuners that need to be told when to stop."""

TRIALS = 40


@dataclass(frozen=True)
class Hyperband:
    """Hyperband's brackets; a trial is trained for at most the epochs of the recipe.

    Args:
        factor: int, of several trials the best one in `factor` goes on, for `factor` times as many epochs.
        iterations: int, how often all brackets are run.
    """

    factor: Annotated[int, Field(ge=2)] = 3
    iterations: Positive = 1


@dataclass(frozen=True)
class Search:
    """How a space is searched.

    Args:
        tuner: `random`, `grid` (all points), `hyperband` (many short trainings of which the best go on; Li et al. 2018) or `bayesian`
            (a Gaussian process proposes the next point).
        trials: int or null: 40 for `random` and `bayesian`, all points for `grid`; `hyperband` takes none, since its brackets say it.
        objective: a validation metric of the recipe, or `loss`; null for the one that the recipe monitors.
        executions: int, trainings per trial, each with a seed of its own; the score is their mean.
        seed: int, of the points that are drawn. Weights and batches have the recipe's `training.seed`, the same in every trial.
        retries: int, how often a trial is repeated that failed by itself.
        stop_hopeless: bool, whether a trial is ended whose best score so far is below the median of the others at the same epoch.
        hyperband: its `factor` and `iterations`.
    """

    tuner: Tuner = "random"
    trials: Positive | None = None
    objective: str | None = None
    executions: Positive = 1
    seed: Seed = 0
    retries: Annotated[int, Field(ge=0)] = 0
    stop_hopeless: bool = True
    hyperband: Hyperband = field(default_factory=Hyperband)


def check_search(search: Search, epochs: int) -> list[str]:
    """Settings without effect, and brackets that the epochs do not fill; each begins with its path."""
    problems = []
    if search.tuner == "hyperband" and search.trials is not None:
        problems.append(f"search.trials: expected null for tuner: hyperband, whose brackets say how many. Received: {search.trials}.")
    if search.tuner != "hyperband" and search.hyperband != Hyperband():
        problems.append(f"search.hyperband: expected only with tuner: hyperband. Received: tuner: {search.tuner}. Leave it out.")
    if search.tuner == "hyperband" and epochs < search.hyperband.factor:
        problems.append(
            f"search.tuner: expected training.epochs of at least {search.hyperband.factor} for hyperband, so that a trial can go on. "
            f"Received: {epochs}. Set more epochs, or tuner: random."
        )
    return problems
