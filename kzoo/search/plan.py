"""What all trials of one search share, and the search's folder, from which it can be taken up again."""

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..data import Dataset
from ..errors import InputError, did_you_mean
from ..tracking import Store
from ..training import Recipe
from ..training.prepare import load_data
from .feasibility import Judge
from .kept import keep, needed
from .loading import load_space
from .sound import ORACLE
from .space import Space, objective_of
from .suits import Advice
from .xray import xray

PATIENCE = 2.0
"""Seconds for which a search that is about to end in another process is waited for."""

LOOKS = 60
"""Points of a large space at which a search looks before it begins; a small one is walked, as by `--dry-run`."""

PLAN, SEARCHES = "search.json", "searches"


@dataclass
class Plan:
    """The space, the data, the objective and where everything is kept.

    Args:
        space: what is searched.
        store: where the runs are kept; the search's own folder lies in `searches/` beside them.
        dataset: what the recipe's data source gave.
        id: of this search, with which the keys of its runs begin.
        advice: the tuner that is used, and for how many trials.
        judge: says what is feasible; a new one unless given.
        folder: holds `search.json`, the oracle's state, and a folder for each trial; the one that the store has for it unless given.
    """

    space: Space
    store: Store
    dataset: Dataset = field(repr=False)
    id: str
    advice: Advice
    judge: Judge = field(default=None, repr=False)  # type: ignore[assignment]
    folder: Path = None  # type: ignore[assignment]

    def __post_init__(self):
        self.metric: Any
        self.metric, self.direction = objective_of(self.space, self.dataset)
        self.objective = f"val/{self.metric}"
        """The name of what is optimised, as it stands in the history of a training: `val/mean_iou`."""
        self.judge = self.judge or Judge(self.space, self.dataset)
        self.folder = self.folder or folder_of(self.store, self.space.name)
        self._dataset, self._read = self.dataset, self.space.recipe.data

    @property
    def experiment(self) -> str:
        """The MLflow experiment of its runs."""
        return self.space.recipe.experiment

    def key(self, part: str | None = None) -> str:
        """The key of the search's run, or of a trial's."""
        return f"search-{self.id}" if part is None else f"search-{self.id}-{part}"

    def trial_folder(self, trial: str) -> Path:
        """Where a trial keeps its state, its recipe, its model and its outcome."""
        return self.folder / "trials" / trial

    def recipe_of(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe of a trial; the objective chooses its best epoch."""
        recipe = self.space.recipe_of(values)
        return replace(recipe, training=replace(recipe.training, monitor=self.metric))

    def data_of(self, recipe: Recipe) -> Dataset:
        """The data of a trial, read again only where the space searches their settings."""
        if recipe.data != self._read:
            self._dataset, self._read = load_data(recipe), recipe.data
        return self._dataset

    def known(self) -> dict[str, Any]:
        """What the search is, as its folder and its chief tell it."""
        return {
            "id": self.id,
            "name": self.space.name,
            "digest": self.space.digest(),
            "fingerprint": self.dataset.fingerprint,
            "tuner": self.advice.tuner,
            "trials": self.advice.trials,
            "objective": self.objective,
            "direction": self.direction,
            "space": self.space.resolved(),
        }

    def told(self) -> dict[str, Any]:
        """What a worker must know, which may be on another machine."""
        return {**self.known(), "root": str(self.store.root), "uri": None if self.store.local else self.store.uri}

    def write(self) -> None:
        """Writes what the search is into its folder."""
        keep(self.folder / PLAN, json.dumps(self.known(), indent=1, default=str))


@contextmanager
def claimed(space: Space, store: Store) -> Iterator[None]:
    """Keeps other processes from beginning or resuming a search of this name while it goes on.

    Raises:
        InputError: another process is at it.
    """
    folder = folder_of(store, space.name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"search {space.name}: is going on in another process. Wait for its end, or stop it first.") from None
    try:
        yield
    finally:
        lock.release()


def open_plan(space: Space, store: Store, resume: bool = False, fresh: bool = False) -> Plan:
    """Begins a search, or takes it up again.

    Raises:
        InputError: there is such a search already and neither `resume` nor `fresh` is said, there is none to resume, it is another one,
            or no tuner can search the space.
    """
    folder = folder_of(store, space.name)
    begun = (folder / PLAN).exists()
    if begun and not (resume or fresh):
        raise InputError(
            f"search {space.name}: has begun already, in {folder}. Add --resume to finish it, or --fresh to begin anew "
            "(what is there is moved aside)."
        )
    if resume and not begun:
        raise InputError(f"search {space.name}: expected one that has begun, in {folder}. Received: none. Leave out --resume.")
    return _resumed(space, store) if resume else _begun(space, store, begun)


def _begun(space: Space, store: Store, aside: bool) -> Plan:
    dataset = load_data(space.recipe)
    judge = Judge(space, dataset)
    seen = xray(space, dataset, samples=LOOKS, timing=False, judge=judge)
    if seen.refusal or seen.advice is None:
        raise InputError(f"search {space.name}: {seen.refusal}")
    plan = Plan(space, store, dataset, uuid.uuid4().hex[:12], seen.advice, judge)
    if aside:
        _move_aside(plan.folder)
    plan.write()
    return plan


def _resumed(space: Space, store: Store) -> Plan:
    known = needed(folder_of(store, space.name) / PLAN)
    plan = Plan(space, store, load_data(space.recipe), known["id"], Advice(known["tuner"], _trials(space, known["tuner"])))
    changed = space.differences(replace(load_space(known["space"]), name=space.name))
    if known["fingerprint"] != plan.dataset.fingerprint:
        changed.append(f"data: fingerprint {plan.dataset.fingerprint} here, {known['fingerprint']} there")
    if changed:
        lines = "; ".join(changed)
        raise InputError(f"search {space.name}: is not the one that began in {plan.folder}: {lines}. Undo that, or add --fresh.")
    plan.write()
    return plan


def _trials(space: Space, tuner: str) -> int | None:
    """How many trials a tuner makes that was chosen earlier: those of the space where it is the space's own."""
    return space.search.trials if tuner in (space.search.tuner, "random") else None


def read_plan(store: Store, name: str) -> dict[str, Any]:
    """What a search is, from its folder, without its data.

    Raises:
        InputError: there is no search of that name.
    """
    folder = folder_of(store, name)
    if not (folder / PLAN).exists():
        known = sorted(file.parent.name for file in (store.root / SEARCHES).glob(f"*/{PLAN}"))
        raise InputError(
            f"search {name}: not found in {store.root / SEARCHES}, which holds {', '.join(known) or 'none'}.{did_you_mean(name, known)}"
        )
    return needed(folder / PLAN)


def told_plan(known: Mapping[str, Any], store: Store, folder: Path | None = None) -> Plan:
    """A plan as its chief tells it, on this machine; `folder` as `Plan` takes it."""
    space = replace(load_space(known["space"]), name=known["name"])
    advice = Advice(known["tuner"], known["trials"])
    return Plan(space, store, load_data(space.recipe), known["id"], advice, folder=folder)  # type: ignore[arg-type]


def has_oracle(plan: Plan) -> bool:
    """Whether the search has come as far as its first trial."""
    return (plan.folder / ORACLE).exists()


def folder_of(store: Store, name: str) -> Path:
    """Where a search is kept."""
    return store.root / SEARCHES / name


def _move_aside(folder: Path) -> None:
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    shutil.move(folder, aside)
