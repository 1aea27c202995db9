"""What all trials of one search share, and the search's folder, from which it can be taken up again."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..data import Dataset
from ..errors import InputError
from ..files import write_atomically
from ..tracking import Store
from ..training import Recipe
from ..training.objective import monitored
from ..training.prepare import load_data
from .feasibility import Judge
from .sound import ORACLE, Direction
from .space import Space, load_space

PLAN, SEARCHES = "search.json", "searches"


@dataclass
class Plan:
    """The space, the data, the objective and where everything is kept.

    Args:
        space: what is searched.
        store: where the runs are kept; the search's own folder lies in `searches/` beside them.
        dataset: what the recipe's data source gave.
        tuner: which one is used; the space's own unless another suits better.
    """

    space: Space
    store: Store
    dataset: Dataset = field(repr=False)
    tuner: str = ""

    @property
    def folder(self) -> Path:
        """Holds `search.json`, the oracle's state, and a folder for each trial."""
        return folder_of(self.store, self.space.name)

    @property
    def experiment(self) -> str:
        """The MLflow experiment of its runs."""
        return self.space.recipe.experiment

    @cached_property
    def identity(self) -> str:
        """16 hexadecimal digits for what is searched, on which data; the keys of its runs begin with them."""
        what = json.dumps([_settled(self.space), self.dataset.fingerprint], sort_keys=True, default=str)
        return hashlib.blake2b(what.encode(), digest_size=8).hexdigest()

    @cached_property
    def objective(self) -> str:
        """The name of what is optimised, as it stands in the history of a training: `val/mean_iou`."""
        return f"val/{self.space.search.objective or monitored(self.space.recipe.training, self.dataset)}"

    @property
    def direction(self) -> Direction:
        """Whether more of it is better."""
        return "min" if self.objective == "val/loss" else "max"

    @cached_property
    def judge(self) -> Judge:
        """Says what is feasible."""
        return Judge(self.space, self.dataset)

    def recipe_of(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe of a trial; the objective chooses its best epoch."""
        recipe = self.space.recipe_of(values)
        return replace(recipe, training=replace(recipe.training, monitor=self.objective.removeprefix("val/")))

    def data_of(self, recipe: Recipe) -> Dataset:
        """The data of a trial, read again only where the space searches their settings."""
        if recipe.data != self._read:
            self._dataset, self._read = load_data(recipe), recipe.data
        return self._dataset

    def __post_init__(self):
        self._dataset, self._read = self.dataset, self.space.recipe.data
        self.tuner = self.tuner or self.space.search.tuner

    def key(self, trial: str | None = None) -> str:
        """The key of the search's run, or of a trial's."""
        return f"search-{self.identity}" if trial is None else f"search-{self.identity}-{trial}"


def open_plan(space: Space, store: Store, resume: bool = False, fresh: bool = False) -> Plan:
    """Begins a search, or takes it up again.

    Raises:
        InputError: there is such a search already and neither `resume` nor `fresh` is said, there is none to resume, or it is another one.
    """
    folder = folder_of(store, space.name)
    there = (folder / PLAN).exists()
    if there and fresh:
        _move_aside(folder)
    elif there and not resume:
        raise InputError(
            f"search {space.name}: has begun already, in {folder}. Add --resume to finish it, or --fresh to begin anew "
            "(what is there is moved aside)."
        )
    elif resume and not there:
        raise InputError(f"search {space.name}: expected one that has begun, in {folder}. Received: none. Leave out --resume.")
    plan = Plan(space, store, load_data(space.recipe))
    if there and resume:
        _check_same(plan)
    written = {"identity": plan.identity, "fingerprint": plan.dataset.fingerprint, "space": space.resolved()}
    write_atomically(folder / PLAN, json.dumps(written, indent=1, default=str))
    return plan


def reopen_plan(name: str, store: Store) -> Plan:
    """The plan of a search that has begun, from its folder.

    Raises:
        InputError: there is none of that name.
    """
    folder = folder_of(store, name)
    if not (folder / PLAN).exists():
        known = sorted(file.parent.name for file in (store.root / SEARCHES).glob(f"*/{PLAN}"))
        raise InputError(f"search {name}: not found in {store.root / SEARCHES}, which holds {', '.join(known) or 'none'}.")
    space = load_space(json.loads((folder / PLAN).read_text())["space"])
    return Plan(space, store, load_data(space.recipe))


def has_oracle(plan: Plan) -> bool:
    """Whether the search has come as far as its first trial."""
    return any((plan.folder / ORACLE).with_suffix(suffix).exists() for suffix in (".json", ".bak"))


def folder_of(store: Store, name: str) -> Path:
    """Where a search is kept."""
    return store.root / SEARCHES / name


def _check_same(plan: Plan) -> None:
    """Raises `InputError` with what has changed since the search began; more trials are no change."""
    begun = json.loads((plan.folder / PLAN).read_text())
    if begun["identity"] == plan.identity:
        return
    changed = plan.space.differences(load_space(begun["space"]))
    if begun["fingerprint"] != plan.dataset.fingerprint:
        changed.append(f"data: expected fingerprint {begun['fingerprint']}. Received: {plan.dataset.fingerprint}.")
    lines = "; ".join(changed) or "the version of kzoo"
    raise InputError(f"search {plan.space.name}: is not the one that began in {plan.folder}: {lines}. Undo that, or add --fresh.")


def _settled(space: Space) -> dict[str, Any]:
    """What must not change while a search goes on: all but the number of trials."""
    settings = space.resolved()
    return {**settings, "search": {k: v for k, v in settings["search"].items() if k not in ("trials", "retries")}}


def _move_aside(folder: Path) -> None:
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    shutil.move(folder, aside)
