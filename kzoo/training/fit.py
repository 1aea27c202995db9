"""The training loop around `model.fit`: batches that depend on seed and epoch, the best epoch, early stopping, a state after each epoch.

Nothing here knows MLflow; `kzoo.train` adds the tracking.
"""

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..data import Batches, Dataset, Samples
from ..errors import TrainingError
from .callback_state import attributes, callback_states, restore
from .objective import compile_model, main, make_callbacks, monitored, monitored_direction
from .optimization import current_rate
from .settings import Training
from .state import History, load_state, load_weights, read_callbacks, save_state, save_weights

STATE, BEST = "state.npz", "best-*.npz"
"""In the folder of a training: its state, and the weights of the best epoch, with its number."""


@dataclass(frozen=True)
class Fitted:
    """A finished training.

    Attributes:
        history: one row per epoch.
        best_epoch: the one whose weights the model holds; the last one where a callback has given it weights of no epoch at the end.
        final: what those other weights, such as the averages of SWA, reach in validation; empty where there are none.
    """

    history: History
    best_epoch: int
    final: Mapping[str, float] = field(default_factory=dict)

    @property
    def best(self) -> dict[str, float]:
        """The row of the best epoch, with what the weights that the model holds reach."""
        return {**self.history[self.best_epoch - 1], **self.final}


def fit(
    model: keras.Model,
    dataset: Dataset,
    training: Training,
    folder: Path,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
    stop: Callable[[History], bool] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Fitted:
    """Trains a model; goes on where it was interrupted if `folder` holds a state.

    Args:
        model: an uncompiled model for `dataset`.
        dataset: what to train and validate on.
        training: how.
        folder: where the state is kept after each epoch.
        on_epoch: called after each epoch with its row: `epoch`, `train/loss`, `val/mean_iou`, ...
        stop: asked after each epoch, with the rows so far, whether to end here; a later call with the same folder may go on.
        callbacks: of a script, besides those that `training` names; their state is kept as well, see `kzoo.training.callback_state`.

    Returns:
        `Fitted`: the history, and which epoch was best; the model holds its weights, or those that a callback gave it at the end.

    Raises:
        TrainingError: the loss is not a number; names the epoch.
    """
    batches = make_batches(model, dataset, dataset.train, training, training_split=True)
    compile_model(model, training, dataset, steps_per_epoch=len(batches))
    every = [*make_callbacks(training, batches=batches), *callbacks]
    history = load_state(folder / STATE, model) if (folder / STATE).exists() else []
    epochs = _Epochs(batches, folder, history, training, monitored(training, dataset), on_epoch, stop, every)
    validation = make_batches(model, dataset, dataset.validation, training)
    if not epochs.finished:
        model.fit(
            batches,
            validation_data=validation,
            epochs=training.epochs,
            initial_epoch=len(history),
            callbacks=[_End(epochs), *every, epochs],
            shuffle=False,
            verbose=0,
        )
    elif every:
        epochs.end_again(model)
    if epochs.changed and (epoch := epochs.held.get(_digest(model))):
        return Fitted(history, epoch)
    if epochs.changed:
        return Fitted(history, len(history), _validated(model, validation))
    load_weights(best_file(folder, epochs.best_epoch), model)
    return Fitted(history, epochs.best_epoch)


def _digest(model: keras.Model) -> str:
    """A short text that is the same for equal weights."""
    return hashlib.blake2b(b"".join(np.ascontiguousarray(array).tobytes() for array in model.get_weights()), digest_size=16).hexdigest()


def _validated(model: keras.Model, batches: Batches) -> dict[str, float]:
    scores = model.evaluate(batches, return_dict=True, verbose=0)
    return {f"val/{name}": float(value) for name, value in scores.items()}


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

    def __init__(self, batches: Batches, folder: Path, history: History, training: Training, monitor: str, on_epoch, stop, callbacks):
        super().__init__()
        self.batches = batches
        self.folder = folder
        self.history = history
        self.training = training
        self.monitor = f"val/{monitor}"
        self.sign = -1 if monitored_direction(training, monitor) == "min" else 1
        self.on_epoch = on_epoch or (lambda _: None)
        self.stop = stop or (lambda _: False)
        self.callbacks = callbacks
        self.given = attributes(callbacks)
        self.stopped = False
        self.held: dict[str, int] = {}
        if history:
            self.set_state(read_callbacks(folder / STATE)[-1])
        self.changed = False
        self.before: list[np.ndarray] = []

    @property
    def best_epoch(self) -> int:
        """The number of the best epoch so far, the first among equals."""
        return int(max(self.history, key=lambda row: self.sign * row[self.monitor])["epoch"])

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, early stopping or another callback has struck, or the caller wants to end here."""
        if not self.history:
            return False
        early, waited = self.training.early_stopping, len(self.history) - self.best_epoch
        done = len(self.history) >= self.training.epochs or (early is not None and waited >= early.patience)
        return done or self.stopped or self.stop(self.history)

    def end_again(self, model: keras.Model) -> None:
        """The end of a training that was interrupted between its last epoch and what the callbacks do then."""
        self.batches.epoch = len(self.history) - 1
        steps = {"verbose": 0, "epochs": self.training.epochs, "steps": len(self.batches)}
        whole = [_End(self), *self.callbacks, self]
        for callback in whole:
            callback.set_model(model)
            callback.set_params(steps)
        for callback in whole:
            callback.on_train_begin()
        for callback in whole:
            callback.on_train_end()

    def on_train_begin(self, logs=None):  # noqa: ARG002
        """Comes after the other callbacks have begun anew."""
        if self.history:
            restore(self.callbacks, read_callbacks(self.folder / STATE)[:-1])

    def get_state(self) -> dict[str, Any]:
        """Whether another callback has ended the training, and the epochs by digests of their weights, which one may go back to."""
        return {"stopped": self.stopped, "held": self.held}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.stopped, self.held = state["stopped"], dict(state.get("held", {}))

    def on_train_end(self, logs=None):  # noqa: ARG002
        """Comes after the other callbacks have ended."""
        self.changed = bool(self.callbacks) and any(
            not np.array_equal(a, b, equal_nan=True) for a, b in zip(self.before, self.model.get_weights(), strict=True)
        )

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
        self.stopped = bool(self.model.stop_training)
        if self.callbacks:
            self.held.setdefault(_digest(self.model), epoch + 1)
        best = best_file(self.folder, self.best_epoch)
        if self.best_epoch == row["epoch"]:
            save_weights(best, self.model)
        save_state(self.folder / STATE, self.model, self.history, callback_states([*self.callbacks, self], [*self.given, {}]))
        for other in set(self.folder.glob(BEST)) - {best}:  # after the state, which a kill would have left with the other
            other.unlink()
        self.on_epoch(row)
        self.model.stop_training = self.finished

    def _row(self, epoch: int, logs: dict) -> dict[str, float]:
        values = {("val/" + k[4:] if k.startswith("val_") else f"train/{k}"): float(v) for k, v in logs.items()}
        seconds = time.perf_counter() - self.began
        training_seconds = self.trained - self.began
        rate = current_rate(self.model.optimizer)
        return {
            "epoch": epoch,
            **values,
            **({} if rate is None else {"train/learning_rate": rate}),
            "speed/images_per_second": self.batches.items / training_seconds,
            "speed/seconds": seconds,
        }


class _End(keras.callbacks.Callback):
    """Comes before the callbacks of a recipe, to see what they make of the weights at the end."""

    def __init__(self, epochs: _Epochs):
        super().__init__()
        self.epochs = epochs

    def on_train_end(self, logs=None):  # noqa: ARG002
        if self.epochs.callbacks:
            self.epochs.before = self.model.get_weights()
