"""What an MLflow run holds of a training: settings, costs, epochs, results."""

import csv
import io
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import yaml

from ..analysis import Profile, draw
from ..data import Dataset
from ..files import write_atomically
from ..models import describe, remember, save
from ..tracking import Run
from . import pictures
from .environment import describe_environment
from .fit import STATE, Fitted, make_batches
from .objective import completed, main, returns_logits
from .recipe import Recipe, flatten, load_recipe
from .state import History, read_history

AS_WRITTEN, AS_RESOLVED, FINGERPRINT, MODEL = "recipe.yaml", "recipe_resolved.yaml", "fingerprint.txt", "model.keras"


def log_setup(run: Run, recipe: Recipe, dataset: Dataset, model: keras.Model, cost: Profile) -> None:
    """Everything that is known before the first epoch."""
    resolved = resolved_for(recipe, dataset, model)
    run.log_text(recipe.text, AS_WRITTEN)
    run.log_text(yaml.safe_dump(resolved, sort_keys=False), AS_RESOLVED)
    write_atomically(run.folder / FINGERPRINT, dataset.fingerprint)
    write_atomically(run.folder / AS_RESOLVED, yaml.safe_dump(resolved, sort_keys=False))
    run.log_parameters(flatten({key: resolved[key] for key in ("model", "data", "training")}))
    environment = describe_environment()
    run.log_text(yaml.safe_dump(environment), "environment.yaml")
    sizes = {f"data.{split}": str(len(samples)) for split, samples in dataset.splits().items()}
    network = describe(model)
    run.log_text(network.methods, "methods.txt")
    identity = {
        "kzoo.fingerprint": dataset.fingerprint,
        "kzoo.recipe": recipe.digest(),
        "kzoo.network": network.hash,
        "kzoo.state": str(run.folder),
    }
    run.set_tags({**environment, **sizes, **identity})
    for split in dataset.splits():
        run.log_dataset(f"{dataset.name}/{split}", dataset.fingerprint, recipe.source, split)
    log_costs(run, model, cost, recipe.training.batch_size)


def resolved_for(recipe: Recipe, dataset: Dataset, model: keras.Model) -> dict[str, Any]:
    """The recipe with every default written out, and with what data and network have decided on: sizes, and whether scores are logits."""
    resolved = replace(recipe, training=completed(recipe.training, dataset, returns_logits(model))).resolved()
    resolved["model"] |= {"input_shape": list(dataset.input_shape), "num_classes": main(model).output_shape[-1]}
    return resolved


def read_beginning(folder: Path) -> tuple[Recipe, str] | None:
    """The recipe and the fingerprint of the data from the folder of an unfinished run; None if they are not there."""
    if not (folder / AS_RESOLVED).exists():
        return None
    return load_recipe(folder / AS_RESOLVED), (folder / FINGERPRINT).read_text()


def log_costs(run: Run, model: keras.Model, cost: Profile, batch_size: int) -> None:
    """The profile: totals as metrics, so that scores can be drawn against them, the tables and the figure as artifacts."""
    run.log_metrics(cost_metrics(cost, batch_size))
    run.log_text(cost.to_json(), "profile.json")
    run.log_text(f"{_as_text(cost.table(), cost.stage_table())}\n{cost.summary()}\n", "profile.txt")
    run.log_figure(draw(model), "network.svg")


def cost_metrics(cost: Profile, batch_size: int) -> dict[str, float]:
    """The totals of a profile that are numbers, for one sample; `cost/training_bytes` are for a step of that batch size.

    Where `cost/receptive_field_global` is 1, every output position sees the whole input, and the sizes are those of the field before.
    """
    field, training = cost.receptive_field, cost.training
    values = {
        "cost/parameters_trainable": cost.trainable,
        "cost/parameters_total": cost.total,
        "cost/macs": cost.macs,
        "cost/weight_bytes": cost.weight_bytes,
        "cost/inference_bytes": cost.peak_memory,
        "cost/training_bytes": training.total + (batch_size - 1) * training.activations if training else None,
        "cost/receptive_field_smallest": min(field.smallest) if field and field.smallest else None,
        "cost/receptive_field_largest": max(field.largest) if field and field.largest else None,
        "cost/receptive_field_global": int(field.is_global) if field else None,
    }
    return {key: value for key, value in values.items() if value is not None}


def log_epoch(run: Run, row: Mapping[str, float]) -> None:
    """The numbers of one epoch, counted from 1."""
    run.log_metrics({key: value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))


def log_epochs(run: Run) -> None:
    """The epochs of the state: the last one may have been written just before the end, but not yet its numbers."""
    for row in read_history(run.folder / STATE):
        log_epoch(run, row)


def log_results(run: Run, recipe: Recipe, dataset: Dataset, model: keras.Model, fitted: Fitted) -> dict[str, float]:
    """The numbers of the best epoch, the test, the model and the figures."""
    metrics: dict[str, float] = {"best/epoch": fitted.best_epoch}
    metrics |= {f"best/{key[4:]}": value for key, value in fitted.best.items() if key.startswith("val/")}
    if dataset.test is not None:
        scores = model.evaluate(make_batches(model, dataset, dataset.test, recipe.training), return_dict=True, verbose=0)
        metrics |= {f"test/{key}": float(value) for key, value in scores.items()}
    metrics |= speed(fitted.history)
    run.log_metrics(metrics, step=len(fitted.history))
    run.log_text(_as_csv(fitted.history), "history.csv")
    _log_model(run, model)
    run.log_figure(pictures.learning_curves(fitted.history, fitted.best_epoch), "learning_curves.png")
    run.log_figure(pictures.predictions(model, dataset, recipe.training), "predictions.png")
    return metrics


def _log_model(run: Run, model: keras.Model) -> None:
    """The model as `model.keras`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / MODEL
        save_predictor(model, file)
        run.log_file(file)


def save_predictor(model: keras.Model, file: Path) -> None:
    """Writes what predicts: uncompiled, so that plain Keras loads it without the losses and metrics of kzoo."""
    predictor = main(model)
    plain = keras.Model(predictor.input, predictor.output, name=model.name)
    remember(plain, describe(predictor))
    save(plain, file)


def speed(history: History) -> dict[str, float]:
    """What the training took; the median leaves out the first epoch, in which the graph is traced."""
    speeds = [row["speed/images_per_second"] for row in history]
    return {
        "cost/seconds": sum(row["speed/seconds"] for row in history),
        "speed/median_images_per_second": statistics.median(speeds[1:] or speeds),
    }


def _as_csv(history: History) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()


def _as_text(*tables) -> str:
    """Rich tables as plain text, as wide as they need to be."""
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=200).print(*tables)
    return text.getvalue()
