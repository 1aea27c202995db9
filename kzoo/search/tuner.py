"""keras-tuner's tuner, whose trials are trained by kzoo."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from ..errors import TrainingError
from ..tracking.journal import BusyError
from ..tracking.reason import short_reason
from .leases import worker_name
from .oracles import ORACLES
from .outcome import Outcome, read_outcome
from .plan import Plan, has_oracle
from .sound import Sound
from .trial import Round, train_trial

PAUSE = 1.0
"""Seconds between two requests where the oracle has nothing to do for the moment."""


def make_oracle(plan: Plan, resume: bool = True) -> Sound:
    """The oracle of a search over the feasible points of its space, taken up where its files say that it was left."""
    search, advice = plan.space.search, plan.advice
    options: dict[str, Any] = {}
    if advice.tuner == "hyperband":
        options = {
            "max_epochs": plan.space.recipe.training.epochs,
            "factor": search.hyperband.factor,
            "hyperband_iterations": search.hyperband.iterations,
        }
    oracle = ORACLES[advice.tuner](
        space=plan.space,
        feasible=lambda values: plan.judge.judge(values).kind,
        trials=advice.trials,
        folder=plan.folder,
        direction=plan.direction,
        **options,
    )
    if resume and has_oracle(plan):
        oracle.reload()
    return oracle


def nothing(*_: Any) -> None:
    """Told of something, does nothing."""


class Tuner(keras_tuner.Tuner):
    """Trains what an oracle proposes, here or in another process, until there is nothing more.

    Args:
        plan: of the search.
        oracle: of the search, `Sound` in its own process and `RemoteOracle` in a worker's.
        began: told of each trial that begins, by its id and its values.
        ended: told of each outcome, once the trial is not to be repeated.
        at_most: trials after which to return although there may be more; None for no limit.
        name: of this worker, by which the oracle knows who is at a trial.
    """

    def __init__(
        self,
        plan: Plan,
        oracle: Any,
        began: Callable[[str, Mapping[str, Any]], None] = nothing,
        ended: Callable[[Outcome], None] = nothing,
        at_most: int | None = None,
        name: str | None = None,
    ):
        self.plan, self.began, self.ended, self.at_most = plan, began, ended, at_most
        self.trained = 0
        self._asked_in_vain = False
        super().__init__(oracle=oracle, directory=str(plan.folder.parent), project_name=plan.folder.name)
        self.tuner_id = name or worker_name()

    def search(self) -> bool:
        """Trains; returns whether the search is over, False after `at_most` trials."""
        try:
            super().search()
        except _EnoughError:
            return False
        return True

    def pre_create_trial(self) -> None:
        if self.trained == self.at_most:
            raise _EnoughError
        if self._asked_in_vain:
            time.sleep(PAUSE)
        self._asked_in_vain = True

    def on_trial_begin(self, trial: Trial) -> None:
        self._asked_in_vain = False
        self.began(trial.trial_id, own_values(trial))

    def run_trial(self, trial: Trial, *_, **__) -> Outcome:
        values = trial.hyperparameters.values
        stage = Round(values["tuner/epochs"], values.get("tuner/trial_id")) if "tuner/epochs" in values else None
        return train_trial(self.plan, trial.trial_id, own_values(trial), stage, self.oracle.attempts[trial.trial_id])

    def _try_run_and_update_trial(self, trial: Trial, *_, **__) -> None:
        """As keras-tuner's, but the reason for a failure is a line, and what would fail again is not tried again.

        A run that another process holds is no failure: it ends this one, and the trial waits to be trained again.
        """
        try:
            outcome = self.run_trial(trial)
            self.oracle.update_trial(trial.trial_id, {"score": outcome.score})
            trial.status = "COMPLETED"
        except Exception as error:
            if isinstance(error.__cause__, BusyError):
                raise
            trial.status, trial.message = "FAILED" if isinstance(error, TrainingError) else "INVALID", short_reason(error)
            outcome_of(self.plan, trial).write(self.plan.trial_folder(trial.trial_id))

    def on_trial_end(self, trial: Trial) -> None:
        self.trained += 1
        self.oracle.end_trial(trial)
        if self.oracle.is_over(trial.trial_id):
            self.ended(outcome_of(self.plan, trial))

    def save(self) -> None:
        """Nothing: a tuner has no state, and the oracle writes its own."""

    def reload(self) -> None:
        """Nothing, likewise."""

    def _populate_initial_space(self) -> None:
        """Nothing: the space is known, and no network is built to find it."""


def outcome_of(plan: Plan, trial: Trial) -> Outcome:
    """What became of a trial that has ended."""
    found = read_outcome(plan.trial_folder(trial.trial_id)) or Outcome(trial.trial_id, own_values(trial))
    return found if trial.status == "COMPLETED" else replace(found, status="failed", reason=trial.message)


def own_values(trial: Trial) -> dict[str, Any]:
    """The values of the space's hyperparameters, without what Hyperband notes beside them."""
    return {name: value for name, value in trial.hyperparameters.values.items() if not name.startswith("tuner/")}


class _EnoughError(Exception):
    """The trials of this process are done."""
