"""keras-tuner's four oracles, each with what it lacks beside what `Sound` mends in all of them."""

from collections.abc import Mapping
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial

from .sound import Sound, Values

CANDIDATES = 512
"""Random points among which Bayesian search chooses where its own proposal cannot be used."""


class RandomOracle(Sound, keras_tuner.oracles.RandomSearchOracle):
    """Random search."""


class GridOracle(Sound, keras_tuner.oracles.GridSearchOracle):
    """Grid search in keras-tuner's order, its place kept in the files, so that it can be resumed."""

    _place: Values | None = None
    """The point that was considered last."""

    def propose(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002
        while (values := self._next()) is not None:
            self._place = values
            if self._is_new(values):
                return {"status": "RUNNING", "values": dict(values)}
        return {"status": "STOPPED"}

    def _next(self) -> Values | None:
        if self._place is not None:
            return self._get_next_combination(dict(self._place))
        space = self.get_space()
        return {hp.name: hp.default for hp in space.space if space.is_active(hp)}

    def end_trial(self, trial: Trial) -> None:
        super().end_trial(trial)
        self._populate_next: list[str] = []

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "place": self._place}

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        self._place = state["place"]


class HyperbandOracle(Sound, keras_tuner.oracles.HyperbandOracle):
    """Hyperband."""


class BayesianOracle(Sound, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian search by a Gaussian process; a proposal that was tried before gives way to the best of many random points."""

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
