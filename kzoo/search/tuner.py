"""keras-tuner's tuner, whose trials are trained by kzoo."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from ..errors import TrainingError
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
        oracle: of the search; keras-tuner puts a client in its place where the environment names a chief.
        began: told of each trial that begins, by its id and its values.
        ended: told of each trial's outcome.
        failed: told why a trial failed, before the oracle hears of it.
        at_most: trials after which to return although there may be more; None for no limit.
        name: of this worker, by which the oracle knows who is at a trial.
    """

    def __init__(
        self,
        plan: Plan,
        oracle: keras_tuner.Oracle,
        began: Callable[[str, Mapping[str, Any]], None] = nothing,
        ended: Callable[[Outcome], None] = nothing,
        failed: Callable[[str, str], None] = nothing,
        at_most: int | None = None,
        name: str | None = None,
    ):
        self.plan, self.began, self.ended, self.failed, self.at_most = plan, began, ended, failed, at_most
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
        return train_trial(self.plan, trial.trial_id, own_values(trial), stage)

    def _try_run_and_update_trial(self, trial: Trial, *_, **__) -> None:
        """As keras-tuner's, but the reason for a failure is a line, and what would fail again is not tried again."""
        try:
            outcome = self.run_trial(trial)
            self.oracle.update_trial(trial.trial_id, {"score": outcome.score})
            trial.status = "COMPLETED"
        except Exception as error:
            trial.status, trial.message = "FAILED" if isinstance(error, TrainingError) else "INVALID", short_reason(error)

    def on_trial_end(self, trial: Trial) -> None:
        self.trained += 1
        if trial.message:
            self.failed(trial.trial_id, trial.message)
        self.oracle.end_trial(trial)
        outcome = read_outcome(self.plan.trial_folder(trial.trial_id))
        self.ended(outcome or Outcome(trial.trial_id, own_values(trial), "failed", reason=trial.message))

    def save(self) -> None:
        """Nothing: a tuner has no state, and the oracle writes its own."""

    def reload(self) -> None:
        """Nothing, likewise."""

    def _populate_initial_space(self) -> None:
        """Nothing: the space is known, and no network is built to find it."""


def own_values(trial: Trial) -> dict[str, Any]:
    """The values of the space's hyperparameters, without what Hyperband notes beside them."""
    return {name: value for name, value in trial.hyperparameters.values.items() if not name.startswith("tuner/")}


class _EnoughError(Exception):
    """The trials of this process are done."""
