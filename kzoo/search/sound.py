"""What kzoo mends in keras-tuner's oracles: seeds that count, no duplicates, nothing infeasible, whole files, an end that comes."""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras_tuner
from keras_tuner.engine.trial import Trial
from keras_tuner.src.engine import oracle as private

from .hyperparameters import to_keras_tuner
from .kept import keep, needed
from .outcome import Direction

if TYPE_CHECKING:
    from .space import Space

Values = Mapping[str, Any]

ORACLE, TRIAL = "oracle.json", "trial.json"

LOST = "worker lost"

FAILURES = 3
"""Failed trials in a row that end a search."""
DRAWS = 1000
"""Random draws before a space counts as exhausted."""


class Sound(keras_tuner.Oracle):
    """What kzoo mends in every oracle of keras-tuner 1.4, for a space that is known from the start.

    - A seed of 0 is a seed, and a search that is resumed draws on as it would have drawn.
    - No point is tried twice, and none that `feasible` refuses is tried at all, nor counted as a trial or a failure.
    - Its files are whole whenever the process is killed, and after a reload every trial that was not over is run again, and no other.
    - Exceptions leave no lock behind, three failures end the search in order, and no worker is sent home while another one's trial may
      still come back.
    """

    def __init__(
        self,
        *,
        space: "Space",
        feasible: Callable[[Values], str | None],
        trials: int | None,
        folder: Path,
        direction: Direction,
        **options,
    ):
        self.feasible = feasible
        """Why a point is refused, in a word; None if it can be tried."""
        self.folder = folder
        self.limit = trials
        self.given_up: list[str] = []
        """The reasons of three failures in a row, after which nothing more is tried."""
        self.exhausted = False
        """Whether the last request was answered with the end of the search."""
        self.drained = False
        """Whether a thousand draws in a row have found no further point."""
        self.left: dict[str, str] = {}
        """By worker: the trial that it was at when it was lost or the search was left, and that nobody else has begun since."""
        self.attempts: Counter[str] = Counter()
        """How often each trial was handed out."""
        self._forgiven = 0
        self._lost: Counter[str] = Counter()
        self.end_order: list[str] = []
        self._judged: dict[str, str | None] = {}
        super().__init__(
            objective=keras_tuner.Objective("score", direction),
            hyperparameters=to_keras_tuner(space),
            tune_new_entries=False,
            allow_new_entries=False,
            max_retries_per_trial=space.search.retries,
            max_consecutive_failed_trials=FAILURES,
            **options,
        )
        self.seed = self._seed_state = space.search.seed
        self.max_trials = None
        self.verbose = 0

    def create_trial(self, tuner_id: str) -> Trial:
        mine = self.ongoing_trials.get(tuner_id)
        with _whole(self):
            trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING" and trial is not mine:
            self._hand_out(trial.trial_id)
        self.exhausted = trial.status == "STOPPED"
        if trial.status == "STOPPED" and self.ongoing_trials:
            trial.status = "IDLE"
            self.tuner_ids.add(tuner_id)
        return trial

    def _hand_out(self, trial_id: str) -> None:
        self.attempts[trial_id] += 1
        self.left = {worker: trial for worker, trial in self.left.items() if trial != trial_id}
        self.save()

    def update_trial(self, trial_id, metrics, step=0) -> Trial:
        if self.is_over(trial_id):
            return self.trials[trial_id]
        with _whole(self):
            return super().update_trial(trial_id, metrics, step=step)

    def end_trial(self, trial: Trial) -> None:
        """Enters how a trial ended; a worker that comes too late, after another one has ended its trial, changes nothing."""
        if self.is_over(trial.trial_id):
            return
        with _whole(self):
            super().end_trial(trial)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """What a new trial shall try, or that the search is over, in keras-tuner's form."""
        if self.given_up or (self.limit is not None and len(self.trials) >= self.limit):
            return {"status": "STOPPED"}
        return self.propose(trial_id)

    def propose(self, trial_id: str) -> dict[str, Any]:
        """The proposal of keras-tuner's own oracle."""
        return super().populate_space(trial_id)

    def _random_values(self) -> Values | None:
        """A feasible point that was not tried; None once a thousand draws in a row have found none."""
        values = next((values for _ in range(DRAWS) if self._is_new(values := self._draw())), None)
        self.drained = values is None
        return values

    def _draw(self) -> Values:
        """A point drawn by keras-tuner's own sampling of each hyperparameter that is active."""
        drawn = keras_tuner.HyperParameters()
        for hyperparameter in self.hyperparameters.space:
            drawn.merge([hyperparameter])
            if drawn.is_active(hyperparameter):
                drawn.values[hyperparameter.name] = hyperparameter.random_sample(self._seed_state)
                self._seed_state += 1
        return drawn.values

    def _is_new(self, values: Values) -> bool:
        """Whether a point has not been tried and is feasible; each is judged once."""
        if self._duplicate(values):
            return False
        key = self._compute_values_hash(values)[:12]
        if key not in self._judged:
            self._judged[key] = self.feasible(values)
        return self._judged[key] is None

    @property
    def rejected(self) -> Counter[str]:
        """How many points were refused, by reason."""
        return Counter(filter(None, list(self._judged.values())))

    def _check_consecutive_failures(self) -> None:
        last = [self.trials[name] for name in self.end_order[self._forgiven :]][-FAILURES:]
        if len(last) == FAILURES and all(trial.status == "FAILED" for trial in last):
            self.given_up = [f"trial {trial.trial_id}: {trial.message or 'unknown'}" for trial in last]

    def take_back(self, tuner_id: str, lost: bool = True) -> str | None:
        """Queues the trial of a worker that is gone once more, or fails it after it was lost twice; returns the trial's id."""
        trial = self.ongoing_trials.pop(tuner_id, None)
        self.tuner_ids.discard(tuner_id)
        if trial is None:
            return None
        self.left[tuner_id] = trial.trial_id
        self._lost[trial.trial_id] += lost
        if self._lost[trial.trial_id] < 2:
            self._retry_queue.insert(0, trial.trial_id)
        else:
            trial.status, trial.message = "FAILED", LOST
            self.end_order.append(trial.trial_id)
            self._check_consecutive_failures()
        self._save_trial(trial)
        self.save()
        return trial.trial_id

    def adopt(self, tuner_id: str, trial_id: str) -> bool:
        """Whether a trial is that of the worker which says so; one that it left and that nobody has begun since becomes its own again."""
        if self.left.get(tuner_id) == trial_id and trial_id in self._retry_queue and tuner_id not in self.ongoing_trials:
            del self.left[tuner_id]
            self._retry_queue.remove(trial_id)
            self.trials[trial_id].status = "RUNNING"
            self.ongoing_trials[tuner_id] = self.trials[trial_id]
            self.tuner_ids.add(tuner_id)
        ongoing = self.ongoing_trials.get(tuner_id)
        return ongoing is not None and ongoing.trial_id == trial_id

    @property
    def waiting(self) -> bool:
        """Whether a trial is to be trained again."""
        return bool(self._retry_queue)

    def is_over(self, trial_id: str) -> bool:
        """Whether a trial has been completed or has failed for good."""
        return trial_id in self.end_order

    def get_state(self) -> dict[str, Any]:
        refused = {key: kind for key, kind in self._judged.items() if kind is not None}
        return {**super().get_state(), "refused": refused, "lost": self._lost, "attempts": self.attempts}

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        self._judged = dict(state["refused"])
        self._lost, self.attempts = Counter(state["lost"]), Counter(state["attempts"])

    def save(self) -> None:
        keep(self.folder / ORACLE, json.dumps(self.get_state()))

    def reload(self) -> None:
        """Takes the search up where its files say that it was left.

        Raises:
            InputError: they cannot be read.
        """
        state = needed(self.folder / ORACLE)
        started = state["start_order"]
        self.trials = {name: Trial.from_state(needed(self._trial_file(name))) for name in started}
        self.set_state({**state, "ongoing_trials": {}})
        over = [name for name in started if self.trials[name].status in ("COMPLETED", "FAILED")]
        self.end_order = [name for name in self.end_order if name in over]
        self.end_order += [name for name in over if name not in self.end_order]
        self.left = {tuner: name for tuner, name in state["ongoing_trials"].items() if name not in over}
        self._retry_queue = [name for name in reversed(started) if name not in over]
        self._forgiven = len(self.end_order)

    def _save_trial(self, trial: Trial) -> None:
        keep(self._trial_file(trial.trial_id), json.dumps(trial.get_state()))

    def _trial_file(self, trial_id: str) -> Path:
        return self.folder / "trials" / trial_id / TRIAL

    def _get_trial_dir(self, trial_id: str) -> str:
        return str(self.folder / "trials" / trial_id)


@contextlib.contextmanager
def _whole(oracle: keras_tuner.Oracle):
    """Frees keras-tuner's lock after an exception, which otherwise stays taken, so that the next request would wait for ever."""
    try:
        yield
    except BaseException:
        mine = private.THREADS[oracle] == threading.current_thread().name
        if mine:
            private.THREADS[oracle] = None
            private.LOCKS[oracle].release()
        raise
