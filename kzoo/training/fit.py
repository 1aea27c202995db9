"""The training loop around `model.fit`: batches that depend on seed and epoch, the best epoch, early stopping, a state after each epoch.

Nothing here knows MLflow; `kzoo.train` adds the tracking.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from ..data import Batches, Dataset, Samples
from ..errors import TrainingError
from ..stack import learning_rate
from .objective import compile_model, main, monitored
from .recipe import Training
from .state import History, load_state, load_weights, save_state, save_weights

STATE, BEST = "state.npz", "best-*.npz"
"""In the folder of a training: its state, and the weights of the best epoch, with its number."""


@dataclass(frozen=True)
class Fitted:
    """A finished training; the model holds the weights of the best epoch."""

    history: History
    best_epoch: int

    @property
    def best(self) -> dict[str, float]:
        """The row of the best epoch."""
        return self.history[self.best_epoch - 1]


def fit(
    model: keras.Model,
    dataset: Dataset,
    training: Training,
    folder: Path,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
    stop: Callable[[History], bool] | None = None,
) -> Fitted:
    """Trains a model; goes on where it was interrupted if `folder` holds a state.

    Args:
        model: an uncompiled model for `dataset`.
        dataset: what to train and validate on.
        training: how.
        folder: where the state is kept after each epoch.
        on_epoch: called after each epoch with its row: `epoch`, `train/loss`, `val/mean_iou`, ...
        stop: asked after each epoch, with the rows so far, whether to end here; a later call with the same folder may go on.

    Returns:
        `Fitted`: the history, and which epoch was best; the model holds its weights.

    Raises:
        TrainingError: the loss is not a number; names the epoch.
    """
    batches = make_batches(model, dataset, dataset.train, training, training_split=True)
    compile_model(model, training, dataset, steps_per_epoch=len(batches))
    history = load_state(folder / STATE, model) if (folder / STATE).exists() else []
    epochs = _Epochs(batches, folder, history, training, monitored(training, dataset), on_epoch, stop)
    if not epochs.finished:
        model.fit(
            batches,
            validation_data=make_batches(model, dataset, dataset.validation, training),
            epochs=training.epochs,
            initial_epoch=len(history),
            callbacks=[epochs],
            shuffle=False,
            verbose=0,
        )
    load_weights(best_file(folder, epochs.best_epoch), model)
    return Fitted(history, epochs.best_epoch)


def best_file(folder: Path, epoch: int) -> Path:
    """Where the weights of an epoch are kept while it is the best one."""
    return folder / BEST.replace("*", str(epoch))


def make_batches(model: keras.Model, dataset: Dataset, samples: Samples, training: Training, training_split: bool = False) -> Batches:
    """The batches of one split, cut to what the model takes in and puts out."""
    maps = dataset.task == "segmentation"
    return Batches(
        samples,
        training.batch_size,
        size=dataset.window if maps else None,
        output_size=main(model).output_shape[1:3] if maps else None,
        training=training_split,
        augmentation=dataset.augmentation,
        seed=training.seed,
    )


class _Epochs(keras.callbacks.Callback):
    """Keeps the history, the best weights and the state; ends a training that stands still or whose loss is not a number."""

    def __init__(self, batches: Batches, folder: Path, history: History, training: Training, monitor: str, on_epoch, stop):
        super().__init__()
        self.batches = batches
        self.folder = folder
        self.history = history
        self.training = training
        self.monitor = f"val/{monitor}"
        self.on_epoch = on_epoch or (lambda _: None)
        self.stop = stop or (lambda _: False)

    @property
    def best_epoch(self) -> int:
        """The number of the best epoch so far, the first among equals."""
        sign = -1 if self.monitor == "val/loss" else 1
        return int(max(self.history, key=lambda row: sign * row[self.monitor])["epoch"])

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, early stopping has struck, or the caller wants to end here."""
        if not self.history:
            return False
        early, waited = self.training.early_stopping, len(self.history) - self.best_epoch
        done = len(self.history) >= self.training.epochs or (early is not None and waited >= early.patience)
        return done or self.stop(self.history)

    def on_epoch_begin(self, epoch, logs=None):  # noqa: ARG002
        self.batches.epoch = epoch
        self.began = self.trained = time.perf_counter()

    def on_test_begin(self, logs=None):  # noqa: ARG002
        self.trained = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        row = self._row(epoch + 1, logs)
        wrong = [name for name in ("train/loss", "val/loss") if not math.isfinite(row[name])]
        if wrong:
            self.on_epoch(row)
            raise TrainingError(
                f"{wrong[0]} is {row[wrong[0]]} at epoch {epoch + 1}. What was logged is kept; start a new run with a lower "
                "training.learning_rate."
            )
        self.history.append(row)
        best = best_file(self.folder, self.best_epoch)
        if self.best_epoch == row["epoch"]:
            save_weights(best, self.model)
        save_state(self.folder / STATE, self.model, self.history)
        for other in set(self.folder.glob(BEST)) - {best}:  # after the state, which a kill would have left with the other
            other.unlink()
        self.on_epoch(row)
        self.model.stop_training = self.finished

    def _row(self, epoch: int, logs: dict) -> dict[str, float]:
        values = {("val/" + k[4:] if k.startswith("val_") else f"train/{k}"): float(v) for k, v in logs.items()}
        seconds = time.perf_counter() - self.began
        training_seconds = self.trained - self.began
        return {
            "epoch": epoch,
            **values,
            "train/learning_rate": learning_rate(self.model.optimizer),
            "speed/images_per_second": self.batches.items / training_seconds,
            "speed/seconds": seconds,
        }
