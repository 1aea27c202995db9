"""A recipe becomes one MLflow run: checked as a whole, prepared, trained, recorded; and an interrupted run goes on."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from ..analysis import profile
from ..data import Dataset
from ..errors import ArgumentError, InputError, TrainingError
from ..models import BUILDERS, PRESETS
from ..models.identity import plain
from ..schema import defaults
from ..tracking import Run, Store
from .fit import STATE, fit
from .objective import COMPLETED, counted_optimizer
from .prepare import prepare
from .progress import PRINTED, Progress
from .recipe import Recipe, flatten, load_recipe
from .record import AS_RESOLVED, cost_metrics, log_epoch, log_epochs, log_results, log_setup, read_beginning
from .state import History

DECIDED = ("model.input_shape", "model.num_classes")
"""Settings that the data decide on where a recipe leaves them out."""


@dataclass(frozen=True)
class Trained:
    """What `train` returns.

    Attributes:
        run_id: of the MLflow run.
        model: the model with the weights of the best epoch, compiled.
        dataset: what it was trained on.
        history: one row per epoch.
        best_epoch: counted from 1.
        metrics: the final numbers, as they stand in MLflow: `best/mean_iou`, `test/accuracy`, `cost/macs`, ...
    """

    run_id: str
    model: keras.Model
    dataset: Dataset
    history: History
    best_epoch: int
    metrics: Mapping[str, float]


def train(
    recipe: str | Path | Mapping | Recipe | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    resume: str | None = None,
    force: bool = False,
    store: Store | None = None,
    progress: Progress | None = PRINTED,
) -> Trained:
    """Trains what a recipe describes and records it as an MLflow run.

    Args:
        recipe: path of a YAML file, the name of a recipe that ships with kzoo, its content as a mapping, or a checked recipe. May be
            left out with `resume`.
        overrides: values by their path, `{"model.filters": 32}`.
        resume: id of an interrupted or failed run, which is continued after its last full epoch, in the same run.
        force: with `resume`: also a run that counts as running elsewhere.
        store: where runs are kept; the default store unless given.
        progress: told of the start and of every epoch; prints a line for each unless given otherwise. None is silent.

    Returns:
        `Trained`: the model with the weights of its best epoch, the history and the run's id.

    Raises:
        InputError: the recipe, the data or the run cannot be used; no run has been opened then.
        TrainingError: the loss is not a number; the run has ended FAILED.

    >>> import kzoo
    >>> trained = kzoo.train("digits", overrides={"training.epochs": 1})  # doctest: +SKIP
    """
    if resume is not None:
        return _resume(resume, recipe, overrides, force, store or Store(), progress)
    if force:
        raise ArgumentError("force", "expected together with resume. Leave it out.")
    if recipe is None:
        raise ArgumentError("recipe", "expected a file, a name or a mapping. Received: None.")
    checked = load_recipe(recipe, overrides)
    dataset, model = prepare(checked)
    run = (store or Store()).start(checked.experiment, checked.run or _run_name(checked))
    with _resumable(run):
        return train_in(run, checked, dataset, model, progress)


def train_in(run: Run, recipe: Recipe, dataset: Dataset, model: keras.Model, progress: Progress | None = None) -> Trained:
    """Trains in a run that has been started, or goes on in one that was interrupted; `train` does the rest.

    Args:
        run: a new one, or one whose folder holds the state of an interrupted training.
        recipe: checked.
        dataset: the recipe's.
        model: the recipe's, uncompiled, with its initial weights.
        progress: told of the start and of every epoch.
    """
    progress = progress or Progress()

    def report(row: dict[str, float]) -> None:
        log_epoch(run, row)
        progress.epoch(row)

    with run:
        cost = profile(model, optimizer=counted_optimizer(recipe.training))
        if (run.folder / STATE).exists():
            log_epochs(run)
        else:
            log_setup(run, recipe, dataset, model, cost)
        progress.started(run.id, recipe, dataset, model)
        fitted = fit(model, dataset, recipe.training, run.folder, report)
        metrics = {**cost_metrics(cost, recipe.training.batch_size), **log_results(run, recipe, dataset, model, fitted)}
    shutil.rmtree(run.folder, ignore_errors=True)
    return Trained(run.id, model, dataset, fitted.history, fitted.best_epoch, metrics)


@contextmanager
def _resumable(run: Run) -> Iterator[None]:
    """Says with an interruption or an error how the training goes on; one that failed by itself would fail again in the same way."""
    try:
        yield
    except TrainingError:
        raise
    except BaseException as error:
        error.add_note(f"Run {run.id} keeps what was logged; it continues with: kzoo train --resume {run.id}")
        raise


def _resume(run_id: str, recipe, overrides, force: bool, store: Store, progress: Progress | None) -> Trained:
    """Continues a run from its own record; a recipe that is given as well must agree with it."""
    run = store.resume(run_id, force)
    recorded, digest = _recorded(run, store)
    if recipe is not None or overrides:
        _check_same(load_recipe(recipe or recorded, overrides), recorded, run_id)
    _check_state(run, store)
    dataset, model = prepare(recorded)
    if digest != dataset.fingerprint:
        raise InputError(
            f"run {run_id}: expected the data that it began with (fingerprint {digest}). Received: {dataset.fingerprint}. "
            "Restore the data, or start a new run."
        )
    with _resumable(run):
        return train_in(run, recorded, dataset, model, progress)


def _check_state(run: Run, store: Store) -> None:
    """Raises `InputError` for a run that has trained, if not all that its next epoch depends on is here."""
    if (run.folder / STATE).exists():
        return
    here = read_beginning(run.folder) is not None
    if run.logged_steps("train/loss") or (not here and "train/loss" in store.get(run.id).metrics):
        raise InputError(
            f"run {run.id}: expected its state in {run.folder}, where it is not. Resume on the machine and in the folder that it was "
            f"begun in (its state was in {store.get(run.id).tags.get('kzoo.state', 'an unknown place')}), or start a new run."
        )


def _recorded(run: Run, store: Store) -> tuple[Recipe, str | None]:
    """The recipe and the fingerprint of the data that a run began with: from its folder here, else from the store."""
    begun = read_beginning(run.folder)
    if begun is not None:
        return begun
    with tempfile.TemporaryDirectory() as folder:
        recipe = load_recipe(store.download(run.id, AS_RESOLVED, Path(folder)))
    return recipe, store.get(run.id).tags.get("kzoo.fingerprint")


def _check_same(given: Recipe, recorded: Recipe, run_id: str) -> None:
    """Raises `InputError` for the first setting that differs; sizes that the data decide on may be left out."""
    before, now = flatten(recorded.resolved()), flatten(given.resolved())
    by_data = {key for key in before if key in DECIDED or (key.startswith("training.") and key.rpartition(".")[2] in COMPLETED)} - set(now)
    changed = [key for key in {**before, **now} if key not in by_data and before.get(key) != now.get(key)]
    if changed:
        key = changed[0]
        raise InputError(
            f"{key}: expected {before.get(key)}, as in run {run_id}, which is to be resumed. Received: {now.get(key)}. "
            "Leave the recipe out, or start a new run."
        )


def _run_name(recipe: Recipe) -> str:
    """The builder with what tells runs apart, `unet-max_pool-transposed_conv-16`; or the preset with what it was changed in."""
    arguments, preset = recipe.resolved()["model"], PRESETS.get(recipe.model.get("name", ""))
    named = preset is not None and preset.builder == recipe.builder
    known = {**defaults(BUILDERS[recipe.builder]), **preset.arguments} if preset is not None and named else {}
    words = [arguments.get(key) for key in ("downsampling", "upsampling", "filters") if arguments.get(key) != plain(known.get(key))]
    return "-".join(str(word) for word in (arguments["name"] if named else recipe.builder, *words) if word is not None)
