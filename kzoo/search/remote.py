"""The oracle of a search that another process leads, as the tuner of a worker sees it."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from .outcome import RECIPE
from .plan import Plan
from .tuner import outcome_of
from .wire import Line

if TYPE_CHECKING:
    from .worker import Beats


class RemoteOracle(keras_tuner.Oracle):
    """Asks the chief for trials and tells it how they ended.

    Args:
        plan: of the search, on this machine.
        line: to the chief.
        beats: told at which trial this worker is.
    """

    def __init__(self, plan: Plan, line: Line, beats: "Beats"):
        super().__init__()
        self.plan, self.line, self.beats = plan, line, beats
        self.attempts: Counter[str] = Counter()

    def create_trial(self, tuner_id: str) -> Trial:  # noqa: ARG002
        told = self.line.insist("Ask")
        trial = Trial.from_state(told["trial"])
        if trial.status == "RUNNING":
            self.attempts[trial.trial_id] = told["attempt"]
            self.beats.begin(trial.trial_id)
        return trial

    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> None:
        """Nothing: the score is told when the trial ends."""

    def end_trial(self, trial: Trial) -> None:
        self.beats.rest()
        recipe = self.plan.trial_folder(trial.trial_id) / RECIPE
        self.line.insist(
            "End",
            status=trial.status,
            reason=trial.message,
            outcome=asdict(outcome_of(self.plan, trial)),
            recipe=recipe.read_text() if recipe.exists() else None,
        )

    def is_over(self, trial_id: str) -> bool:  # noqa: ARG002
        """False: the chief tells of ends."""
        return False
