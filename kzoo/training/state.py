"""The state of an unfinished training on disk, written atomically: weights, optimizer, random streams, callbacks and the history so far."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..errors import InputError, one_line
from ..files import whole
from ..stack import network_variables, ops, optimizer_variables
from .callback_state import pack, unpack

History = list[dict[str, float]]
"""One row per epoch, with its number under `epoch`, counted from 1."""


def save_state(path: Path, model: keras.Model, history: History, callbacks: Sequence[Mapping] = ()) -> None:
    """Writes all that the next epoch depends on, the states of the callbacks included."""
    _write(path, _state(model), history, callbacks)


def load_state(path: Path, model: keras.Model) -> History:
    """Restores a compiled model from `save_state` and returns the history.

    Raises:
        InputError: the file cannot be read, or belongs to another network.
    """
    return _read(path, _state(model))


def read_callbacks(path: Path) -> list[dict[str, Any]]:
    """The states of the callbacks; none where there is no state yet."""
    return _load(path)[2] if path.exists() else []


def read_history(path: Path) -> History:
    """The history in a state; empty where there is none yet."""
    return _load(path)[1] if path.exists() else []


def save_weights(path: Path, model: keras.Model) -> None:
    """Writes the weights only."""
    _write(path, model.weights, [])


def load_weights(path: Path, model: keras.Model) -> None:
    """Restores the weights from `save_weights`."""
    _read(path, model.weights)


def _state(model: keras.Model) -> list:
    """Weights, states of the random generators and variables of the optimizer; what metrics count is not carried over epochs."""
    return [*network_variables(model), *optimizer_variables(model.optimizer, model.trainable_variables)]


def _write(path: Path, variables: Sequence, history: History, callbacks: Sequence = ()) -> None:
    arrays = {str(i): ops.convert_to_numpy(v) for i, v in enumerate(variables)}
    held: list[np.ndarray] = []
    texts = {"history": np.array(json.dumps(history)), "callbacks": np.array(pack(callbacks, held))}
    with whole(path) as file:
        np.savez(file, **texts, **arrays, **{f"callback{i}": array for i, array in enumerate(held)})  # type: ignore[arg-type]


def _read(path: Path, variables: Sequence) -> History:
    arrays, history, _ = _load(path)
    if [a.shape for a in arrays] != [tuple(v.shape) for v in variables]:
        raise InputError(f"{path}: was written by another network than this one. Start a new run.")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return history


def _load(path: Path) -> tuple[list[np.ndarray], History, list[dict[str, Any]]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = [stored[str(i)] for i in range(sum(name.isdigit() for name in stored.files))]
            held = [stored[f"callback{i}"] for i in range(len(stored.files) - len(arrays) - 2)]
            return arrays, json.loads(str(stored["history"])), unpack(str(stored["callbacks"]), held)
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({one_line(error)}). Start a new run.") from error
