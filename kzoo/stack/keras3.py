"""The names of the stack on Keras 3: its own, and what kzoo reads in its graphs, for which there is no public interface."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras import KerasTensor, activations, config, ops, random, tree
from keras import Variable as variable  # noqa: N813
from keras.backend import standardize_dtype
from keras.dtype_policies import DTypePolicy
from keras.layers import LeakyReLU
from keras.utils import PyDataset, clear_session

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

spec = KerasTensor
"""A tensor of a shape and a type, without values."""


def nodes(model) -> Iterator:
    """The calls of one functional model in the order in which Keras runs them.

    Each has an `operation`, `input_tensors`, `outputs`, and `arguments` with `args`, `kwargs`, `keras_tensors` and `fill_in`.
    """
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from (node for node in model._nodes_by_depth[depth] if not node.is_input)


def output_specs(operation, arguments: Sequence[Any], options: Mapping[str, Any]) -> list:
    """What an operation makes of specs."""
    return tree.flatten(operation.compute_output_spec(*arguments, **options))


def is_function(operation) -> bool:
    """Whether a function of `keras.ops` has left an operation in a graph, in place of a layer."""
    return type(operation).__module__.startswith("keras.src.ops.")


def optimizer_variables(optimizer, variables: Sequence) -> list:
    """All that an optimizer keeps for variables, which may be the first that it sees of them."""
    optimizer.build(variables)
    return list(optimizer.variables)


def network_variables(model) -> list:
    """Weights and states of the random generators, without what metrics count."""
    counted = {id(each) for each in model.metrics_variables}
    return [each for each in model.variables if id(each) not in counted]


@contextmanager
def without_values() -> Iterator[None]:
    """Variables that are made inside have a shape and no value."""
    waiting = {id(each) for each in _uninitialized()}
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        pending = _uninitialized()
        pending[:] = [each for each in pending if id(each) in waiting]


def _uninitialized() -> list:
    """Keras's own list of variables that the end of the next outermost `StatelessScope` would allocate, those made here included.

    There is no public way to it, and to leave the list alone would allocate every network that was ever judged. A Keras without such a list
    has nothing to be taken out of it.
    """
    try:
        from keras.src.backend.common.global_state import get_global_attribute
    except ImportError:
        return []
    return get_global_attribute("uninitialized_variables") or []
