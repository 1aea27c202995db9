"""keras-tuner's four oracles, each with what it lacks beside what `Sound` mends in all of them."""

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

import keras_tuner
import numpy as np

from .sound import Sound, Values
from .space import Space

CANDIDATES = 512
"""Random points among which Bayesian search chooses where its own proposal cannot be used."""

RESTARTS = 20
"""Of the search for the Gaussian process's length scale, as keras-tuner has it."""


class RandomOracle(Sound, keras_tuner.oracles.RandomSearchOracle):
    """Random search."""


class GridOracle(Sound):
    """All points in the order of the file; its place is kept in the files. keras-tuner's own takes ten values of an integer log range."""

    def __init__(self, *, space: Space, **options):
        super().__init__(space=space, **options)
        self._points, self._place = space.points(), 0

    def propose(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002
        for values in self._points:
            self._place += 1
            if self._is_new(values):
                return {"status": "RUNNING", "values": values}
        return {"status": "STOPPED"}

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "place": self._place}

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        self._place = state["place"]
        self._points = islice(self._points, self._place, None)


class HyperbandOracle(Sound, keras_tuner.oracles.HyperbandOracle):
    """Hyperband.

    A failed trial is a finished one, worse than all others, so that the best of its round go on all the same; and where no further point
    is found, a bracket shrinks to those that it has. keras-tuner waits for more in both cases, and promotes none.
    """

    def propose(self, trial_id: str) -> dict[str, Any]:
        for bracket in self._brackets:
            values = self._first_round(bracket) or self._promoted(bracket)
            if values is not None:
                bracket["rounds"][values["tuner/round"]].append({"past_id": values.get("tuner/trial_id"), "id": trial_id})
                return {"status": "RUNNING", "values": values}
        if self._current_bracket == 0 and self._current_iteration + 1 == self.hyperband_iterations:
            return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}
        self._increment_bracket_num()
        self._start_new_bracket()
        return self.propose(trial_id)

    def _start_new_bracket(self) -> None:
        super()._start_new_bracket()
        bracket = self._brackets[-1]
        bracket["sizes"] = [self._get_size(bracket["bracket_num"], number) for number in range(len(bracket["rounds"]))]

    def _first_round(self, bracket: dict[str, Any]) -> dict[str, Any] | None:
        """A new point, while the bracket's first round is not full."""
        drawn, sizes = len(bracket["rounds"][0]), bracket["sizes"]
        if drawn >= sizes[0]:
            return None
        values = self._random_values()
        if values is None:
            bracket["sizes"] = [min(size, math.ceil(drawn / self.factor**number)) for number, size in enumerate(sizes)]
            return None
        return {**values, **self._stage(bracket, 0)}

    def _promoted(self, bracket: dict[str, Any]) -> dict[str, Any] | None:
        """The best trial of a round that is sure to be among those that go on."""
        coming = bracket["sizes"][0]
        for number, size in enumerate(bracket["sizes"][1:], 1):
            before = [self.trials[entry["id"]] for entry in bracket["rounds"][number - 1]]
            failed = sum(trial.status == "FAILED" for trial in before)
            gone_on = [entry["past_id"] for entry in bracket["rounds"][number]]
            ready = [trial for trial in before if trial.status == "COMPLETED" and trial.trial_id not in gone_on]
            if ready and len(gone_on) < size and len(ready) + failed > coming - size:
                best = (max if self.objective.direction == "max" else min)(ready, key=lambda trial: trial.score)
                return {**best.hyperparameters.values, "tuner/trial_id": best.trial_id, **self._stage(bracket, number)}
            coming = min(size, coming - failed)
        return None

    def _stage(self, bracket: dict[str, Any], number: int) -> dict[str, int]:
        """What keras-tuner notes beside the values of a trial."""
        name = bracket["bracket_num"]
        before = self._get_epochs(name, number - 1) if number else 0
        return {
            "tuner/epochs": self._get_epochs(name, number),
            "tuner/initial_epoch": before,
            "tuner/bracket": name,
            "tuner/round": number,
        }


class BayesianOracle(Sound, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian search by a Gaussian process; a proposal that was tried before gives way to the best of many random points."""

    def __init__(self, **options):
        super().__init__(**options)
        self.gpr = self._make_gpr()  # keras-tuner's was made before the seed was known

    def _make_gpr(self):
        return super()._make_gpr().set_params(n_restarts_optimizer=RESTARTS)

    def propose(self, trial_id: str) -> dict[str, Any]:
        self._random_state = np.random.RandomState([self.seed, len(self.start_order)])
        proposal = super().propose(trial_id)
        values = proposal.get("values")
        if values is None or self._is_new(values):
            return proposal
        values = self._most_promising()
        return {"status": "STOPPED"} if values is None else {"status": "RUNNING", "values": values}

    def _most_promising(self) -> Values | None:
        """Of many random points, the new one of which the Gaussian process expects most."""
        points = {self._compute_values_hash(values): values for values in (self._draw() for _ in range(CANDIDATES))}
        candidates = list(points.values())
        mean, deviation = self.gpr.predict(np.array([self._vector(values) for values in candidates]), return_std=True)
        order = np.argsort(mean - self.beta * deviation, kind="stable")
        return next((candidates[n] for n in order if self._is_new(candidates[n])), None) or self._random_values()

    def _vector(self, values: Values) -> list[float]:
        """A point as the Gaussian process sees it: from 0 to 1 along each hyperparameter, those that are inactive at their default."""
        return [hp.value_to_prob(values.get(hp.name, hp.default)) for hp in self._nonfixed_space()]

    def _vectorize_trials(self):
        """Without the trials that wait to be repeated, which have neither a score nor a worker."""
        everything, ongoing = self.trials, {trial.trial_id for trial in self.ongoing_trials.values()}
        self.trials = {name: t for name, t in everything.items() if name in ongoing or self.is_over(name)}
        try:
            return super()._vectorize_trials()
        finally:
            self.trials = everything


ORACLES = {"random": RandomOracle, "grid": GridOracle, "hyperband": HyperbandOracle, "bayesian": BayesianOracle}
