"""The names of the stack on Keras 2.15 and TensorFlow, with the meaning that they have on Keras 3."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import keras
import tensorflow as tf
from keras.backend import clear_session
from keras.mixed_precision import Policy as DTypePolicy
from keras.src.backend import RandomGenerator
from keras.src.engine.keras_tensor import KerasTensor
from keras.utils import Sequence as PyDataset
from tensorflow.python.ops.resource_variable_ops import UninitializedVariable

from . import ops2 as ops

__all__ = [
    "DTypePolicy",
    "KerasTensor",
    "LeakyReLU",
    "PyDataset",
    "activations",
    "clear_session",
    "config",
    "is_function",
    "network_variables",
    "nodes",
    "ops",
    "optimizer_variables",
    "output_specs",
    "random",
    "spec",
    "standardize_dtype",
    "tree",
    "variable",
    "without_values",
]

keras.backend.experimental.enable_tf_random_generator()  # dropout draws from states that a training can keep

variable = tf.Variable

tree = SimpleNamespace(flatten=tf.nest.flatten, map_structure=tf.nest.map_structure)

config = SimpleNamespace(
    backend=lambda: "tensorflow",
    dtype_policy=keras.mixed_precision.global_policy,
    set_dtype_policy=keras.mixed_precision.set_global_policy,
    image_data_format=keras.backend.image_data_format,
    set_image_data_format=keras.backend.set_image_data_format,
)

random = SimpleNamespace(
    SeedGenerator=lambda seed: RandomGenerator(seed, rng_type="stateful"),
    uniform=lambda shape, dtype, seed: seed.random_uniform(shape, dtype=dtype),
)

LATER = {
    "hard_silu": lambda x: x * tf.nn.relu6(x + 3) / 6,
    "leaky_relu": lambda x, negative_slope=0.2: tf.nn.leaky_relu(x, negative_slope),
    "log_softmax": lambda x, axis=-1: tf.nn.log_softmax(x, axis),
    "relu6": lambda x: tf.nn.relu6(x),
    "silu": lambda x: tf.nn.silu(x),
}
"""Activations that Keras 3 has in addition; files name them as Keras 3 does."""

for name, function in LATER.items():
    function.__name__ = name
    keras.utils.get_custom_objects()[name] = function

activations = SimpleNamespace(**{name: value for name, value in vars(keras.activations).items() if name[0] != "_"}, **LATER)


def LeakyReLU(negative_slope: float = 0.3, *, name: str | None = None, dtype: Any = None) -> keras.layers.LeakyReLU:  # noqa: N802
    """The layer, with the name that Keras 3 has for its slope."""
    return keras.layers.LeakyReLU(alpha=negative_slope, name=name, dtype=dtype)


def standardize_dtype(dtype) -> str:
    """The name of a type."""
    return tf.as_dtype(dtype).name


def spec(shape: Sequence[int | None], dtype: str) -> tf.TensorSpec:
    """A tensor of a shape and a type, without values."""
    return tf.TensorSpec(shape, dtype)


@dataclass(frozen=True, eq=False)
class _Arguments:
    """The arguments of a call, as Keras 3 keeps them."""

    args: tuple
    kwargs: Mapping[str, Any]

    @property
    def keras_tensors(self) -> list[KerasTensor]:
        return [value for value in tf.nest.flatten((self.args, self.kwargs)) if isinstance(value, KerasTensor)]

    def fill_in(self, values: Mapping[int, Any]) -> tuple[tuple, dict]:
        """The arguments with values, by the `id` of a tensor, in place of tensors."""
        return tf.nest.map_structure(lambda value: values.get(id(value), value), (self.args, self.kwargs))


@dataclass(frozen=True, eq=False)
class _Node:
    """A call in a graph, as Keras 3 has it."""

    operation: Any
    arguments: _Arguments
    outputs: list[KerasTensor]

    @property
    def input_tensors(self) -> list[KerasTensor]:
        return self.arguments.keras_tensors


def nodes(model) -> Iterator[_Node]:
    """The calls of one functional model in the order in which Keras runs them."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if not node.is_input:
                yield _Node(node.layer, _Arguments(tuple(node.call_args), dict(node.call_kwargs)), tf.nest.flatten(node.outputs))


def output_specs(operation, arguments: Sequence[Any], options: Mapping[str, Any]) -> list:
    """What a layer makes of specs, found by running it on placeholders."""
    traced = tf.function(operation).get_concrete_function(*arguments, **options)
    return tf.nest.flatten(traced.structured_outputs)


def is_function(operation) -> bool:
    """Whether a function of TensorFlow has left a layer in a graph."""
    return type(operation).__name__ in ("TFOpLambda", "SlicingOpLambda")


def optimizer_variables(optimizer, variables: Sequence) -> list:
    """All that an optimizer keeps for variables, which may be the first that it sees of them; tensorflow-addons has the older kind."""
    if not isinstance(optimizer, keras.optimizers.legacy.Optimizer):
        optimizer.build(variables)
        return list(optimizer.variables)
    optimizer._create_all_weights(variables)
    settings = [value for _, value in sorted(optimizer._hyper.items()) if isinstance(value, tf.Variable)]
    inner = getattr(optimizer, "_optimizer", None)
    if inner is None:
        return [*optimizer.variables(), *settings]
    inner._iterations = optimizer.iterations  # as the wrapper sets it in every step
    return [*optimizer.variables(), *settings, *optimizer_variables(inner, variables)]


def network_variables(model) -> list:
    """Weights and states of the random generators, without what metrics count."""
    found = [getattr(layer, "_random_generator", getattr(layer, "seed_generator", None)) for layer in model._flatten_layers()]
    generators = [each for each in found if each is not None]
    for each in generators:
        each._maybe_init()
    return [*model.weights, *(each._generator.state for each in generators)]


@contextmanager
def without_values() -> Iterator[None]:
    """Variables that are made inside have a shape and no value."""

    def uninitialized(_, **options: Any):
        known = {key: options[key] for key in ("shape", "dtype", "trainable", "name", "aggregation", "synchronization")}
        return UninitializedVariable(**known)

    with tf.variable_creator_scope(uninitialized):
        yield
