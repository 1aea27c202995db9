"""The cells of the grid, down x up, and small networks of them."""

import keras
import numpy as np

from kzoo import build_unet
from kzoo.models.unet_plan import CELLS
from kzoo.stack import KERAS_3, ops

__all__ = ["CELLS", "path", "random", "run", "scramble", "tiny"]


def tiny(rank: int = 2, size: int | None = 8, **options) -> keras.Model:
    """A U-Net of depth 2 with two channels in and three classes out."""
    settings = {"input_shape": (*[size] * rank, 2), "num_classes": 3, "filters": 4, "depth": 2, **options}
    return build_unet(**settings)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def run(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The output for a batch, without tracing a graph."""
    return ops.convert_to_numpy(model(x, training=False))


def path(weight) -> str:
    """Its name with that of its layer."""
    return weight.path if KERAS_3 else weight.name


def scramble(model: keras.Model, seed: int = 0) -> keras.Model:
    """Random weights everywhere, biases and statistics included, so that nothing cancels by being zero."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        values = rng.normal(0, 0.5, weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in path(weight) else values)
    return model
