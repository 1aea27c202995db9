"""From a space to its best trials: a search as one MLflow run with a child for each trial."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..defaults import LEASE, LISTEN, SEEDS
from ..errors import ArgumentError, TrainingError
from ..tracking import Store
from ..tracking.serve import pages_address
from .final import train_finalists
from .finalists import FinalistsReport
from .importance import Importances
from .lead import Lead
from .links import search_pages
from .loading import load_space
from .outcome import Direction, Outcome, ranked, read_outcomes
from .parent import Parent
from .plan import Plan, claimed, open_plan
from .progress import PRINTED, SearchProgress
from .ranking import ranking_table
from .sound import DRAWS, Sound
from .space import Space
from .tuner import Tuner, make_oracle
from .wording import counted


@dataclass(frozen=True)
class Found:
    """What `tune` returns.

    Attributes:
        name: of the search.
        folder: where the search keeps its state, and each trial its recipe and its model.
        run_id: of the search's MLflow run.
        objective: what was optimised, such as `val/mean_iou`.
        direction: `max` or `min`.
        outcomes: of all trials, in the order in which they began.
        importances: which hyperparameters mattered.
        finalists: how the best compare with several seeds each, where that was asked for and possible.
        pages: addresses in MLflow of its `ranking`, of the `table` and of the `charts` of its trials; none while MLflow does not answer.
    """

    name: str
    folder: Path
    run_id: str
    objective: str
    direction: Direction
    outcomes: tuple[Outcome, ...]
    importances: Importances
    finalists: FinalistsReport | None = None
    pages: Mapping[str, str] = field(default_factory=dict)

    @property
    def ranking(self) -> list[Outcome]:
        """The trials that have a score, the best first."""
        return ranked(self.outcomes, self.direction)

    @property
    def best(self) -> Outcome | None:
        """The best trial, if any has a score."""
        return next(iter(self.ranking), None)

    def table(self):
        """The ranking as a rich table."""
        return ranking_table(self.outcomes, self.objective, self.direction)

    def summary(self) -> str:
        """What mattered, how the finalists compare, and how to go on, in a few lines."""
        lines = [str(self.importances)]
        if self.finalists is not None:
            lines.append(str(self.finalists))
        if self.best is not None:
            lines.append(f"kzoo best {self.name} -o best.yaml writes the recipe of trial {self.best.trial}.")
        return "\n".join(lines)


def tune(
    space: str | Path | Mapping | Space,
    *,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    fresh: bool = False,
    workers: int | None = None,
    listen: str = LISTEN,
    lease: float = LEASE,
    finalists: int = 0,
    seeds: int = SEEDS,
    store: Store | None = None,
    progress: SearchProgress | None = PRINTED,
) -> Found:
    """Searches a space, every trial a tracked run.

    Args:
        space: path of a YAML file, the name of a space that ships with kzoo, its content as a mapping, or a checked space.
        overrides: values by their path, `{"search.trials": 10, "settings.training.epochs": 3}`.
        resume: finishes a search that was interrupted: no trial is trained twice, the interrupted one goes on at its epoch.
        fresh: begins anew although there is a search of this name, which is moved aside.
        workers: int, processes on this machine that train trials side by side while this one leads; 0 for those only that join from
            elsewhere (`kzoo tune-worker --join`). None: this process trains, one trial after the other.
        listen: `HOST:PORT` where workers find the chief; port 0 takes a free one. Workers need the token that is printed, or that
            `KZOO_TOKEN` holds; what they say is not encrypted.
        lease: float, seconds after which a worker that shows no sign of life loses its trial to another one.
        finalists: int, two or more: so many of the best are trained again, each with `seeds` seeds, one after the other in this
            process, and compared. 0 for none.
        seeds: int, two or more.
        store: where runs are kept; the default store unless given.
        progress: told of the trials; prints a line for each unless given otherwise. None is silent.

    Returns:
        `Found`: the outcomes of the trials, the best first in `ranking`.

    Raises:
        InputError: the space, its data or an earlier search of that name stand in the way; nothing has been trained then.
        TrainingError: three trials in a row have failed; their reasons are in the message. Or no feasible point was found.

    >>> import kzoo
    >>> found = kzoo.tune("unet_filters", overrides={"search.trials": 4})  # doctest: +SKIP
    >>> found.best.values, found.best.score  # doctest: +SKIP
    """
    _check_arguments(resume, fresh, finalists, seeds)
    lead = Lead(workers, listen, lease)
    checked, kept = load_space(space, overrides), store or Store()
    with claimed(checked, kept):
        return _found(open_plan(checked, kept, resume, fresh), progress or SearchProgress(), lead, finalists, seeds)


def _found(plan: Plan, progress: SearchProgress, lead: Lead, finalists: int, seeds: int) -> Found:
    if plan.advice.message:
        progress.advised(plan.advice.message)
    with plan.store.start(plan.experiment, f"search-{plan.space.name}", {"kzoo.search": plan.space.name}, key=plan.key()) as run:
        parent = Parent(plan, run)
        parent.began()
        progress.started(plan, run.id)
        mattered = _search(plan, parent, progress, lead)
        outcomes = tuple(read_outcomes(plan.folder))
        best = ranked(outcomes, plan.direction)[:finalists]
        report = train_finalists(plan, best, seeds, progress.advised) if len(best) > 1 else None
        if report is not None:
            parent.finalists_ended(report, mattered)
    pages = {what: f"{pages_address(plan.store)}/{page}" for what, page in search_pages(plan, run).items()}
    return Found(plan.space.name, plan.folder, run.id, plan.objective, plan.direction, outcomes, mattered, report, pages)


def _check_arguments(resume: bool, fresh: bool, finalists: int, seeds: int) -> None:
    if resume and fresh:
        raise ArgumentError("fresh", "expected without resume: a search is begun anew or finished. Received: both. Leave one out.")
    if finalists == 1 or finalists < 0:
        raise ArgumentError("finalists", f"expected two or more, which can be compared, or 0 for none. Received: {finalists}.")
    if seeds < 2:
        raise ArgumentError("seeds", f"expected two or more. Received: {seeds}.")
    if seeds != SEEDS and not finalists:
        raise ArgumentError("seeds", f"expected only with finalists. Received: {seeds}. Add finalists, or leave it out.")


def _search(plan: Plan, parent: Parent, progress: SearchProgress, lead: Lead) -> Importances:
    """Trains the trials; returns what mattered."""
    oracle = make_oracle(plan)

    def ended(outcome: Outcome) -> None:
        parent.rejected = oracle.rejected
        parent.trial_ended()
        progress.ended(outcome)

    try:
        if lead.workers is None:
            Tuner(plan, oracle, progress.began, ended).search()
        else:
            lead.search(plan, oracle, ended, progress)
    finally:
        parent.rejected = oracle.rejected
        parent.remark = _remark(plan, oracle)
        mattered = parent.trials_ended()
    if oracle.given_up:
        raise TrainingError("\n".join([f"search {plan.space.name}: expected trials that train. Three in a row failed:", *oracle.given_up]))
    if parent.remark and not oracle.trials:
        raise TrainingError(f"{parent.remark} Loosen the constraints or widen the domains.")
    if parent.remark:
        progress.advised(parent.remark)
    for execution in plan.folder.glob("trials/*/execution_*"):
        shutil.rmtree(execution)
    return mattered


def _remark(plan: Plan, oracle: Sound) -> str | None:
    """Why a search has ended before all of its trials."""
    if not oracle.drained:
        return None
    ended = f"{counted(len(oracle.trials), 'trial')}{f' of {oracle.limit}' if oracle.limit else ''}"
    return f"search {plan.space.name}: has ended after {ended}, since {DRAWS} draws have found no further feasible point."
