"""One trial: a recipe with the values of one point, trained as a child run; interrupted, it goes on at its epoch in the same run."""

import math
import shutil
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import yaml

from ..analysis import profile
from ..data import Dataset
from ..errors import InputError
from ..files import write_atomically
from ..stack import clear_session
from ..tracking import Run
from ..tracking.journal import BusyError
from ..training import Fitted, Recipe, fit
from ..training.fit import BEST, STATE
from ..training.mosaic import sampler
from ..training.objective import counted_optimizer
from ..training.prepare import build_for
from ..training.record import AS_RESOLVED, MODEL, cost_metrics, resolved_for, save_predictor, speed
from ..training.state import History, read_history
from .hopeless import is_hopeless
from .outcome import RECIPE, Outcome, read_outcome, read_outcomes
from .plan import Plan

INACTIVE = "–"
"""The parameter of a hyperparameter that a trial does not have, so that all runs have the same parameters."""


HELD = 120.0
"""Seconds for which the run of a trial may be held by the worker that had it before."""


@dataclass(frozen=True)
class Round:
    """Hyperband's part of a trial: the epoch up to which it trains, and the trial whose training it continues."""

    epochs: int
    promoted_from: str | None = None


def train_trial(plan: Plan, trial: str, values: Mapping[str, Any], stage: Round | None = None, attempt: int = 1) -> Outcome:
    """Trains a trial, or what is left of it, and records it as a child run and as `outcome.json`.

    Raises:
        Exception: whatever ended the training; the run is FAILED with the reason then.
    """
    folder = plan.trial_folder(trial)
    before = read_outcome(folder)
    if before is not None and before.values != values:
        _remove_states(folder)
    elif before is not None and before.status in ("completed", "pruned"):
        return before
    promoted_from = None if stage is None else stage.promoted_from
    outcome = Outcome(trial, dict(values), promoted_from=promoted_from, attempts=attempt)
    run = _open_run(plan, outcome)
    outcome = replace(outcome, run_id=run.id)
    outcome.write(folder)
    with run:
        outcome = _Training(plan, run, folder, outcome, stage).outcome()
    outcome.write(folder)
    if stage is None:
        _remove_states(folder)
    return outcome


def _remove_states(folder: Path) -> None:
    for execution in folder.glob("execution_*"):
        shutil.rmtree(execution)


def _open_run(plan: Plan, outcome: Outcome) -> Run:
    """A trial's run; a worker that was silent and still holds it ends as soon as it learns that the trial was given away."""
    until = time.monotonic() + HELD
    while True:
        try:
            name, tags = _name(outcome.trial, outcome.values), _tags(plan, outcome)
            return plan.store.start(plan.experiment, name, tags, key=plan.key(outcome.trial), parent=plan.key())
        except InputError as error:
            if not isinstance(error.__cause__, BusyError) or time.monotonic() > until:
                raise


class _Training:
    """The executions of a trial, one after the other."""

    def __init__(self, plan: Plan, run: Run, folder: Path, outcome: Outcome, stage: Round | None):
        self.plan, self.run, self.folder, self.begun, self.stage = plan, run, folder, outcome, stage
        self.recipe = plan.recipe_of(outcome.values)
        self.dataset = plan.data_of(self.recipe)
        self.epochs = self.recipe.training.epochs if stage is None else stage.epochs
        self.hopeless = False
        self.taken: list[int] = []
        """Of each execution: the epochs that another trial has trained."""
        self.costs: dict[str, float] = {}

    @cached_property
    def others(self) -> list[Outcome]:
        """The outcomes of the trials that were over when they were first asked for."""
        return [outcome for outcome in read_outcomes(self.plan.folder) if outcome.trial != self.begun.trial]

    def outcome(self) -> Outcome:
        """Trains, logs and says what came of it."""
        fitted: list[Fitted] = []
        for number in range(self.plan.space.search.executions):
            fitted.append(self._execute(number, fitted))
            if self.hopeless:
                break
        outcome = self._summary(fitted)
        self._log_summary(outcome, fitted)
        return outcome

    def _execute(self, number: int, before: list[Fitted]) -> Fitted:
        """One training, with a seed of its own; the first shows its pictures, and may be given up as hopeless."""
        training = replace(self.recipe.training, seed=self.recipe.training.seed + number)
        clear_session()
        model = build_for(replace(self.recipe, training=training), self.dataset)
        state = self.folder / f"execution_{number}"
        self.taken.append(self._take_over(state))
        if number == 0:
            self._log_setup(model)
        self._log_missed(number, _history(state))
        shows = _Shows(self.run, model, self.dataset, self.recipe, self.epochs) if number == 0 else None

        def on_epoch(row: dict[str, float]) -> None:
            self._log_epoch(number, row)
            if shows:
                shows.at(int(row["epoch"]))

        fitted = fit(model, self.dataset, training, state, on_epoch, lambda history: self._is_enough(number, history))
        if shows:
            shows.draw_at(self.plan.space.recipe.training.epochs)
        if all(self._is_better(fitted, other) for other in before):
            save_predictor(model, self.folder / MODEL)
        return fitted

    def _take_over(self, state: Path) -> int:
        """Hyperband continues the trial that it promotes: its weights, its optimizer and its history; returns how many epochs those are.

        Where that trial was trained on a machine that does not share this folder, the point is trained from the first epoch.
        """
        source = self.stage and self.stage.promoted_from
        if not source:
            return 0
        origin = self.plan.trial_folder(source) / state.name
        if not (origin / STATE).exists():
            self.run.set_tags({"kzoo.began_anew": f"the state of trial {source} is not on this machine"})
            return 0
        if not (state / STATE).exists():
            state.mkdir(parents=True, exist_ok=True)
            for file in (*origin.glob(BEST), origin / STATE):
                write_atomically(state / file.name, file.read_bytes())
        return len(read_history(origin / STATE))

    def _is_enough(self, number: int, history: History) -> bool:
        if len(history) >= self.epochs:
            return True
        if self.stage is not None or number > 0 or not self.plan.space.search.stop_hopeless:
            return False
        curve = [row[self.plan.objective] for row in history]
        self.hopeless = is_hopeless(curve, self.others, self.plan.direction, self.epochs)
        return self.hopeless

    def _is_better(self, fitted: Fitted, other: Fitted) -> bool:
        a, b = fitted.best[self.plan.objective], other.best[self.plan.objective]
        return a > b if self.plan.direction == "max" else a < b

    def _summary(self, fitted: list[Fitted]) -> Outcome:
        objective = self.plan.objective
        scores = tuple(f.best[objective] for f in fitted)
        names = [key for key in fitted[0].best if key.startswith("val/")]
        own = [row for f, taken in zip(fitted, self.taken, strict=True) for row in f.history[taken:]]
        return replace(
            self.begun,
            status="pruned" if self.hopeless else "completed",
            score=statistics.fmean(scores),
            scores=scores,
            curve=tuple(row[objective] for row in fitted[0].history),
            epochs=len(own),
            seconds=sum(row["speed/seconds"] for row in own),
            parameters=self._cost("parameters_total"),
            macs=self._cost("macs"),
            memory=self._cost("training_bytes"),
            reason=f"hopeless after epoch {len(fitted[0].history)}" if self.hopeless else None,
            other={f"best/{key[4:]}": statistics.fmean(f.best[key] for f in fitted) for key in names},
        )

    def _cost(self, name: str) -> int | None:
        value = self.costs.get(f"cost/{name}")
        return None if value is None else int(value)

    def _log_setup(self, model: keras.Model) -> None:
        """What is known before the first epoch: the hyperparameters, as text and as numbers, the recipe and the costs.

        Every trial has the same parameters; one that is inactive has no number in `hp/`, nor has one that is text.
        """
        values = self.begun.values
        self.run.log_parameters({d.name: values.get(d.name, INACTIVE) for d in self.plan.space.dimensions})
        numbers = {f"hp/{key}": float(v) for key, v in values.items() if isinstance(v, int | float)}
        cost = profile(model, optimizer=counted_optimizer(self.recipe.training))
        self.costs = cost_metrics(cost, self.recipe.training.batch_size)
        self.run.log_metrics({**numbers, **self.costs}, step=0)
        self.run.set_tags({"kzoo.fingerprint": self.dataset.fingerprint})
        text = yaml.safe_dump(resolved_for(self.recipe, self.dataset, model), sort_keys=False)
        write_atomically(self.folder / RECIPE, text)
        self.run.log_text(text, AS_RESOLVED)

    def _log_missed(self, number: int, history: History) -> None:
        """Logs the epochs of an earlier attempt, or of the trial that was promoted; a run shows each step once."""
        if history and self.begun.attempts > 1:
            self.run.set_tags({"kzoo.resumed_at_epoch": str(len(history))})
        for row in history:
            self._log_epoch(number, row)

    def _log_epoch(self, number: int, row: Mapping[str, float]) -> None:
        self.run.log_metrics({f"{_prefix(number)}{key}": v for key, v in row.items() if key != "epoch"}, step=int(row["epoch"]))

    def _log_summary(self, outcome: Outcome, fitted: list[Fitted]) -> None:
        """The results, under the same names in every trial of as many executions."""
        metrics = {**outcome.other, "best/epoch": fitted[0].best_epoch, "search/score": outcome.score or 0.0}
        if outcome.spread is not None:
            metrics["search/spread"] = outcome.spread
        numbers = {**speed(fitted[0].history), "cost/seconds": outcome.seconds}
        self.run.log_metrics({**metrics, **numbers}, step=len(fitted[0].history))
        if outcome.reason:
            self.run.set_tags({"kzoo.reason": outcome.reason})
        self.run.log_file(self.folder / MODEL)


class _Shows:
    """What the network makes of the same validation images: at the first epoch, half-way, and as it is kept.

    The last is shown at the last step, whichever epoch was the best: MLflow compares the pictures of equal steps.
    """

    def __init__(self, run: Run, model: keras.Model, dataset: Dataset, recipe: Recipe, epochs: int):
        self.run, self.draw = run, sampler(model, dataset, recipe.training)
        self.steps = {1, math.ceil(epochs / 2)}

    def at(self, epoch: int) -> None:
        if epoch in self.steps:
            self.draw_at(epoch)

    def draw_at(self, epoch: int) -> None:
        for name, image in self.draw().items():
            self.run.log_image(image, f"predictions/{name}", step=epoch)


def _history(state: Path) -> History:
    """The history of a training that was interrupted; one whose files cannot be read begins anew."""
    try:
        return [read_history(file) for file in (*state.glob(BEST), state / STATE)][-1]
    except InputError:
        shutil.rmtree(state)
        return []


def _prefix(number: int) -> str:
    """The first execution's metrics bear the plain names, the others' are told apart."""
    return f"execution_{number}/" if number else ""


def _name(trial: str, values: Mapping[str, Any]) -> str:
    """A run's name: the trial and its values, as far as a line of MLflow's table shows them."""
    return f"{trial} {', '.join(f'{v:.3g}' if isinstance(v, float) else str(v) for v in values.values())}"[:80]


def _tags(plan: Plan, outcome: Outcome) -> dict[str, str]:
    tags = {
        "kzoo.search": plan.space.name,
        "kzoo.search_id": plan.id,
        "kzoo.trial": outcome.trial,
        "kzoo.attempt": str(outcome.attempts),
    }
    return tags if outcome.promoted_from is None else {**tags, "kzoo.promoted_from": outcome.promoted_from}
