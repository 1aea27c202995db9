"""The one place where backends differ: the derivative of a model's output by its input."""

import importlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ..errors import InputError
from ..stack import ops


def input_gradient(model: Callable[..., Any], inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The derivative of `sum(weights * model(inputs))` by the inputs, on the backend that runs.

    Args:
        model: a `keras.Model`, or a function like one, with one input and one output, run as for inference.
        inputs: `(batch, *spatial, channels)`.
        weights: of the shape of the output.

    Returns:
        An array of the shape of the inputs.

    >>> inputs = keras.Input((2,))
    >>> model = keras.Model(inputs, keras.layers.Activation("relu")(inputs))
    >>> input_gradient(model, np.array([[-1.0, 1.0]]), np.array([[3.0, 3.0]])).tolist()
    [[0.0, 3.0]]
    """
    x = ops.convert_to_tensor(inputs, dtype="float32")

    def score(x):
        return ops.sum(ops.cast(model(x, training=False), "float32") * ops.cast(weights, "float32"))

    name = keras.backend.backend()
    if name not in ("tensorflow", "jax", "torch"):
        raise InputError(f"backend {name}: expected tensorflow, jax or torch, which compute gradients.")
    library = importlib.import_module(name)
    if name == "jax":
        return np.asarray(library.grad(score)(x))
    if name == "torch":
        x = x.detach().requires_grad_()
        return ops.convert_to_numpy(library.autograd.grad(score(x), x)[0])
    with library.GradientTape() as tape:
        tape.watch(x)
        value = score(x)
    return tape.gradient(value, x, unconnected_gradients="zero").numpy()
