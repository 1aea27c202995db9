"""A recipe becomes one MLflow run: checked as a whole, prepared, trained, recorded."""

import csv
import io
import shutil
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import yaml

from ..analysis import Profile, profile
from ..data import SOURCES, Dataset
from ..errors import ArgumentError, InputError
from ..models import BUILDERS
from ..tracking import Run, Store
from . import pictures
from .environment import describe_environment
from .fit import STATE, Fitted, fit, make_batches
from .objective import check_objective
from .progress import PRINTED, Progress
from .recipe import Recipe, RecipeError, builder_problems, flatten, load_recipe
from .state import History, read_history

AS_WRITTEN, AS_RESOLVED = "recipe.yaml", "recipe_resolved.yaml"


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
    store: Store | None = None,
    progress: Progress | None = PRINTED,
) -> Trained:
    """Trains what a recipe describes and records it as an MLflow run.

    Args:
        recipe: path of a YAML file, the name of a recipe that ships with kzoo, or its content as a mapping. May be left out with
            `resume`.
        overrides: values by their path, `{"model.filters": 32}`.
        resume: id of an interrupted or failed run, which is continued after its last full epoch, in the same run.
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
        return _resume(resume, recipe, overrides, store or Store(), progress)
    if recipe is None:
        raise ArgumentError("recipe", "expected a file, a name or a mapping. Received: None.")
    checked = load_recipe(recipe, overrides)
    dataset, model = prepare(checked)
    run = (store or Store()).start(checked.experiment, checked.run or _run_name(checked))
    with run:
        cost = profile(model)
        _log_setup(run, checked, dataset, model, cost)
        return _train(run, checked, dataset, model, cost, progress)


def prepare(recipe: Recipe) -> tuple[Dataset, keras.Model]:
    """Reads the data and builds the network of a recipe; what is wrong with either is named in one error.

    Raises:
        RecipeError: wrong arguments of the model, the data or the training, by their paths in the recipe.
        InputError: faulty files, one line each.
    """
    keras.utils.set_random_seed(recipe.training.seed)
    dataset = _read_data(recipe)
    with _precision(recipe.training.precision):
        model = _build(recipe, dataset)
    try:
        check_objective(recipe.training, dataset)
    except ArgumentError as error:
        raise RecipeError(recipe.name, [str(error.within("training"))]) from error
    return dataset, model


def _read_data(recipe: Recipe) -> Dataset:
    try:
        return SOURCES[recipe.source](**recipe.data)
    except ArgumentError as error:
        problems = [str(error.within("data")), *builder_problems(recipe.builder, recipe.model)]
        raise RecipeError(recipe.name, problems) from error


def _build(recipe: Recipe, dataset: Dataset) -> keras.Model:
    sizes = {"input_shape": dataset.input_shape, "num_classes": len(dataset.classes)}
    arguments = {**sizes, **recipe.model}
    try:
        _check_sizes(arguments, dataset)
        model = BUILDERS[recipe.builder](**arguments)
    except ArgumentError as error:
        sized_by_data = error.argument == "input_shape" and "size" in recipe.resolved()["data"]
        remedy = " The shape is that of the data: set data.size." if sized_by_data else ""
        raise RecipeError(recipe.name, [f"{error.within('model')}{remedy}"]) from error
    if (len(model.output_shape) > 2) != (dataset.task == "segmentation"):
        wanted = "class maps" if dataset.task == "segmentation" else "one class per image"
        problem = f"model.builder: expected a network for {wanted}, as data.source={recipe.source} has. Received: {recipe.builder}."
        raise RecipeError(recipe.name, [problem])
    return model


def _check_sizes(arguments: Mapping[str, Any], dataset: Dataset) -> None:
    """The model's own sizes, if the recipe names them, must be those of the data."""
    classes = len(dataset.classes)
    if tuple(arguments["input_shape"]) != dataset.input_shape:
        raise ArgumentError(
            "input_shape",
            f"expected {dataset.input_shape}, as the data have. Received: {tuple(arguments['input_shape'])}. Leave it out.",
        )
    if arguments["num_classes"] not in ((classes, 1) if classes == 2 else (classes,)):
        raise ArgumentError(
            "num_classes",
            f"expected {classes}, as the data have. Received: {arguments['num_classes']}. Leave it out.",
        )


@contextmanager
def _precision(policy: str):
    """Builds under a dtype policy and restores the one before."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _train(run: Run, recipe: Recipe, dataset: Dataset, model: keras.Model, cost: Profile, progress: Progress | None) -> Trained:
    progress = progress or Progress()
    progress.started(run.id, recipe, dataset, model)

    def report(row: dict[str, float]) -> None:
        _log_epoch(run, row)
        progress.epoch(row)

    fitted = fit(model, dataset, recipe.training, run.folder, report)
    metrics = _log_results(run, recipe, dataset, model, cost, fitted)
    shutil.rmtree(run.folder, ignore_errors=True)
    return Trained(run.id, model, dataset, fitted.history, fitted.best_epoch, metrics)


def _resume(run_id: str, recipe, overrides, store: Store, progress: Progress | None) -> Trained:
    """Continues a run from its own record; a recipe that is given as well must agree with it."""
    run = store.resume(run_id)
    with tempfile.TemporaryDirectory() as folder:
        recorded = load_recipe(store.download(run_id, AS_RESOLVED, Path(folder)))
    if recipe is not None or overrides:
        _check_same(load_recipe(recipe or recorded.resolved(), overrides), recorded, run_id)
    dataset, model = prepare(recorded)
    digest = store.get(run_id).tags.get("kzoo.fingerprint")
    if digest != dataset.fingerprint:
        raise InputError(
            f"run {run_id}: expected the data that it began with (fingerprint {digest}). Received: {dataset.fingerprint}. "
            "Restore the data, or start a new run."
        )
    with run:
        _log_missed_epochs(run)
        return _train(run, recorded, dataset, model, profile(model), progress)


def _check_same(given: Recipe, recorded: Recipe, run_id: str) -> None:
    before, now = flatten(recorded.resolved()), flatten(given.resolved())
    changed = [key for key in {**before, **now} if key in before and before.get(key) != now.get(key)]
    changed = [key for key in changed if key not in ("model.input_shape", "model.num_classes", "experiment", "run")]
    if changed:
        key = changed[0]
        raise InputError(
            f"{key}: expected {before[key]}, as in run {run_id}, which is to be resumed. Received: {now.get(key)}. "
            "Leave the recipe out, or start a new run."
        )


def _run_name(recipe: Recipe) -> str:
    """The builder with what tells runs apart: `unet-max_pool-transposed_conv-16`."""
    arguments = recipe.resolved()["model"]
    words = [arguments.get(key) for key in ("downsampling", "upsampling", "filters")]
    return "-".join(str(word) for word in (recipe.builder, *words) if word is not None)


def _log_setup(run: Run, recipe: Recipe, dataset: Dataset, model: keras.Model, cost: Profile) -> None:
    """Everything that is known before the first epoch."""
    resolved = recipe.resolved()
    resolved["model"] |= {"input_shape": list(dataset.input_shape), "num_classes": model.output_shape[-1]}
    run.log_text(recipe.text, AS_WRITTEN)
    run.log_text(yaml.safe_dump(resolved, sort_keys=False), AS_RESOLVED)
    run.log_parameters(flatten({key: resolved[key] for key in ("model", "data", "training")}))
    environment = describe_environment()
    run.log_text(yaml.safe_dump(environment), "environment.yaml")
    sizes = {f"data.{split}": str(len(samples)) for split, samples in dataset.splits().items()}
    identity = {"kzoo.fingerprint": dataset.fingerprint, "kzoo.recipe": recipe.digest()}
    run.set_tags({**environment, **sizes, **identity})
    for split in dataset.splits():
        run.log_dataset(f"{dataset.name}/{split}", dataset.fingerprint, recipe.source, split)
    run.log_metrics({"cost/parameters_trainable": cost.trainable, "cost/parameters_total": cost.total, **_macs(cost)})


def _log_epoch(run: Run, row: Mapping[str, float]) -> None:
    run.log_metrics({key: value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))


def _log_missed_epochs(run: Run) -> None:
    """Epochs whose state was written just before the end, but not yet their numbers."""
    logged = run.logged_steps("train/loss")
    for row in read_history(run.folder / STATE):
        if row["epoch"] not in logged:
            _log_epoch(run, row)


def _log_results(run: Run, recipe: Recipe, dataset: Dataset, model: keras.Model, cost: Profile, fitted: Fitted) -> dict[str, float]:
    """The numbers of the best epoch, the test, the model and the figures."""
    metrics: dict[str, float] = {"best/epoch": fitted.best_epoch}
    metrics |= {f"best/{key[4:]}": value for key, value in fitted.best.items() if key.startswith("val/")}
    if dataset.test is not None:
        scores = model.evaluate(make_batches(model, dataset, dataset.test, recipe.training), return_dict=True, verbose=0)
        metrics |= {f"test/{key}": float(value) for key, value in scores.items()}
    metrics |= _costs(cost, fitted.history)
    run.log_metrics(metrics, step=len(fitted.history))
    run.log_text(_as_csv(fitted.history), "history.csv")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        # Uncompiled, so that plain Keras loads it without the losses and metrics of kzoo.
        keras.Model(model.inputs, model.outputs, name=model.name).save(file)
        run.log_file(file)
    run.log_figure(pictures.learning_curves(fitted.history, fitted.best_epoch), "learning_curves.png")
    run.log_figure(pictures.predictions(model, dataset, recipe.training), "predictions.png")
    return metrics


def _costs(cost: Profile, history: History) -> dict[str, float]:
    """What the training took; the median leaves out the first epoch, in which the graph is traced."""
    speeds = [row["speed/images_per_second"] for row in history]
    return {
        "cost/parameters": cost.total,
        **_macs(cost),
        "cost/seconds": sum(row["speed/seconds"] for row in history),
        "speed/median_images_per_second": statistics.median(speeds[1:] or speeds),
    }


def _macs(cost: Profile) -> dict[str, float]:
    """The MACs for one image, if the size of the input is fixed."""
    return {} if cost.macs is None else {"cost/macs": cost.macs}


def _as_csv(history: History) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()
