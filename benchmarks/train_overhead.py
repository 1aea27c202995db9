"""What training through kzoo costs per step over a bare `model.fit` of the same model on the same arrays.

Pairs in one process, in alternating order: the same network, optimizer, loss and metrics; kzoo with its batches, callbacks, state file and
MLflow tracking. Counted is the wall-clock time of the epochs after the first one, in which the graph is traced.

    python benchmarks/train_overhead.py [--pairs 5] [--epochs 4]
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from machine import write_result

from kzoo import Store, load_recipe
from kzoo.training import prepare
from kzoo.training.objective import compile_model
from kzoo.training.train import train

RECIPES = {
    "U-Net, 64 x 64, batch 8 (100 steps an epoch)": {"recipe": "digit_scenes", "data.scenes": 800, "data.validation_scenes": 8},
    "CNN, 8 x 8, batch 32 (26 steps an epoch)": {"recipe": "digits", "training.epochs": 12},
}


LIMIT = 1.03


class Epochs(keras.callbacks.Callback):
    """Seconds of each epoch of a bare fit, validation included."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)


class Clock:
    """Seconds between the reports of a training through kzoo: everything that it does in an epoch."""

    def __init__(self):
        self.times = []

    def started(self, *_):
        self.times.append(time.perf_counter())

    def epoch(self, _):
        self.times.append(time.perf_counter())

    @property
    def seconds(self):
        return list(np.diff(self.times))


def bare(recipe) -> float:
    """Median seconds per step of `model.fit` on arrays that are ready."""
    dataset, model = prepare(recipe)
    x, y = arrays(dataset.train)
    steps = -(-len(x) // recipe.training.batch_size)
    compile_model(model, recipe.training, dataset, steps)
    epochs = Epochs()
    model.fit(
        x,
        y,
        batch_size=recipe.training.batch_size,
        epochs=recipe.training.epochs,
        validation_data=arrays(dataset.validation),
        callbacks=[epochs],
        verbose=0,
    )
    return statistics.median(epochs.seconds[1:]) / steps


def through_kzoo(recipe, store: Store) -> float:
    """Median seconds per step of `kzoo.train`, tracked."""
    clock = Clock()
    trained = train(recipe, store=store, progress=clock)
    steps = -(-len(trained.dataset.train) // recipe.training.batch_size)
    return statistics.median(clock.seconds[1:]) / steps


def arrays(samples):
    inputs = np.stack([samples.inputs(i, image) for i, image in enumerate(samples.images)])
    return inputs, np.asarray(samples.targets, np.int32)


def compare(recipe, store: Store, pairs: int) -> tuple[float, float, list[float]]:
    """Median seconds per step of both, and the ratios of the pairs."""
    bare(recipe), through_kzoo(recipe, store)
    times = []
    for number in range(pairs):
        first, second = (bare, through_kzoo) if number % 2 else (through_kzoo, bare)
        result = {f: f(recipe, store) if f is through_kzoo else f(recipe) for f in (first, second)}
        times.append((result[bare], result[through_kzoo]))
    ratios = sorted(k / b for b, k in times)
    return statistics.median(b for b, _ in times), statistics.median(k for _, k in times), ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(root=Path(folder))
        for name, overrides in RECIPES.items():
            settings = {k: v for k, v in overrides.items() if k != "recipe"}
            recipe = load_recipe(overrides["recipe"], {"training.epochs": options.epochs, **settings})
            plain, tracked, ratios = compare(recipe, store, options.pairs)
            spread = f"{ratios[0]:.3f} to {ratios[-1]:.3f}"
            ratio = statistics.median(ratios)
            verdict = "met" if ratio <= LIMIT else "not met"
            rows.append(f"| {name} | {plain * 1e3:.2f} | {tracked * 1e3:.2f} | {ratio:.3f} | {spread} | {LIMIT}: {verdict} |")
    head = [
        "| training | bare, ms per step | kzoo, ms per step | median ratio of the pairs | all ratios | limit |",
        "|---|---|---|---|---|---|",
    ]
    body = "\n".join([*head, *rows]) + f"\n\n{options.pairs} pairs in one process, alternating order, {options.epochs} epochs each, "
    body += "the first left out; validation, state file and MLflow (SQLite) included on kzoo's side, validation on the bare side."
    command = f"python benchmarks/train_overhead.py --pairs {options.pairs} --epochs {options.epochs}"
    write_result("train_overhead", "Cost of training through kzoo", command, body)


if __name__ == "__main__":
    main()
