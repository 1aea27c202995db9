"""The names of the stack on Keras 2.15 and TensorFlow, with the meaning that they have on Keras 3."""

from collections.abc import Iterator, Mapping, Sequence
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

from . import ops2 as ops

__all__ = [
    "DTypePolicy",
    "KerasTensor",
    "PyDataset",
    "clear_session",
    "config",
    "is_function",
    "nodes",
    "ops",
    "optimizer_variables",
    "output_specs",
    "random",
    "spec",
    "standardize_dtype",
    "tree",
    "variable",
]

variable = tf.Variable

tree = SimpleNamespace(flatten=tf.nest.flatten, map_structure=tf.nest.map_structure)

config = SimpleNamespace(
    backend=lambda: "tensorflow",
    dtype_policy=keras.mixed_precision.global_policy,
    set_dtype_policy=keras.mixed_precision.set_global_policy,
    image_data_format=keras.backend.image_data_format,
)

random = SimpleNamespace(
    SeedGenerator=lambda seed: RandomGenerator(seed, rng_type="stateful"),
    uniform=lambda shape, dtype, seed: seed.random_uniform(shape, dtype=dtype),
)


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
    """All that an optimizer keeps for variables, which may be the first that it sees of them; also of the older kind in tensorflow-addons."""
    if not isinstance(optimizer, keras.optimizers.legacy.Optimizer):
        optimizer.build(variables)
        return list(optimizer.variables)
    optimizer._create_all_weights(variables)
    return list(optimizer.variables())
