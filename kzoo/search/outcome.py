"""What became of a trial: one small JSON file in the trial's folder, from which rankings, tables and figures are made."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .kept import keep, kept

OUTCOME, RECIPE = "outcome.json", "recipe.yaml"
"""In a trial's folder: what became of it, and everything that its training was told, defaults included."""

Status = Literal["running", "completed", "pruned", "failed"]
Direction = Literal["max", "min"]
"""Whether a high score is good, or a low one."""


@dataclass(frozen=True)
class Outcome:
    """A trial as it stands.

    Attributes:
        trial: its id within the search, `"0007"`; ids sort in the order in which trials began.
        values: its hyperparameters by name, those that are active: `{"filters_0": 16, "downsampling": "max_pool"}`.
        status: `running`, `completed`, `pruned` (ended early as hopeless; its score is that of its best epoch so far) or `failed`.
        score: of the objective at the best epoch, the mean over the executions; None until there is one.
        scores: one per execution, each with its own seed.
        curve: the objective after each epoch, of the first execution.
        epochs: trained in this trial, over all executions; not those of the trial that it continues.
        seconds: of training, likewise.
        parameters, macs, memory: of the network; memory in bytes, of a training step.
        reason: why it failed, such as `NaN at epoch 3`, or was ended.
        run_id: of the child run in MLflow, where that is known.
        promoted_from: the trial whose point this one trains further (Hyperband).
        attempts: how often it was begun: more than once after an interruption or a failure.
        other: further metrics of the best epoch: `{"best/foreground_iou": 0.91}`, means over the executions.
    """

    trial: str
    values: Mapping[str, Any]
    status: Status = "running"
    score: float | None = None
    scores: tuple[float, ...] = ()
    curve: tuple[float, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    parameters: int | None = None
    macs: int | None = None
    memory: int | None = None
    reason: str | None = None
    run_id: str | None = None
    promoted_from: str | None = None
    attempts: int = 1
    other: Mapping[str, float] = field(default_factory=dict)

    @property
    def spread(self) -> float | None:
        """The standard deviation of the score over executions; None with fewer than two."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else None

    def write(self, folder: Path) -> None:
        """Writes `outcome.json` into the trial's folder."""
        keep(folder / OUTCOME, json.dumps(asdict(self), indent=1))


def read_outcomes(folder: Path) -> list[Outcome]:
    """The outcomes of all trials under a search's folder, in the order in which the trials began; unreadable ones are left out."""
    every = (read_outcome(path) for path in sorted((folder / "trials").glob("*")))
    return [outcome for outcome in every if outcome is not None]


def read_outcome(trial_folder: Path) -> Outcome | None:
    """The outcome in a trial's folder, if there is one that can be read."""
    return told_outcome(kept(trial_folder / OUTCOME) or {})


def told_outcome(values: Mapping[str, Any]) -> Outcome | None:
    """The outcome that was written as `asdict`, if it is one."""
    try:
        return Outcome(**{**values, "scores": tuple(values["scores"]), "curve": tuple(values["curve"])})
    except (TypeError, KeyError):
        return None


def ranked(outcomes: Sequence[Outcome], direction: Direction) -> list[Outcome]:
    """Those with a score, each point once, the best first; among equals the earlier one."""
    scored = [outcome for outcome in points_once(outcomes) if has_score(outcome)]
    return sorted(scored, key=lambda o: (sign_of(direction) * (o.score or 0.0), o.trial))


def points_once(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Of trials that continue one another (Hyperband) the last with a score, with the epochs and seconds of all of them.

    >>> first = Outcome("0000", {}, "completed", 0.5, epochs=1)
    >>> second = Outcome("0001", {}, "completed", 0.6, epochs=2, promoted_from="0000")
    >>> [(o.trial, o.epochs) for o in points_once([first, second])]
    [('0001', 3)]
    """
    whole: dict[str, Outcome] = {}
    for outcome in sorted(outcomes, key=lambda o: o.trial):
        before = whole.pop(outcome.promoted_from or "", None) if has_score(outcome) else None
        whole[outcome.trial] = outcome if before is None else _together(outcome, before)
    return list(whole.values())


def _together(outcome: Outcome, before: Outcome) -> Outcome:
    return replace(outcome, epochs=before.epochs + outcome.epochs, seconds=before.seconds + outcome.seconds)


def has_score(outcome: Outcome) -> bool:
    """Whether a trial has ended with a score that is a number."""
    return outcome.status in ("completed", "pruned") and outcome.score is not None and math.isfinite(outcome.score)


def sign_of(direction: Direction) -> int:
    """What makes good scores low."""
    return -1 if direction == "max" else 1
