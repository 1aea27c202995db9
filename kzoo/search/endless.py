"""Data of a user's own script that have no end: Keras would train its first epoch for ever, without a word."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ArgumentError
from ..stack import PyDataset

INFINITE = -1
"""The cardinality of a `tf.data.Dataset` that repeats for ever."""

STEPS = {"x": "steps_per_epoch", "validation_data": "validation_steps"}


def check_ends(given: Mapping[str, Any]) -> None:
    """Checks that an epoch of what is given to `model.fit` has an end.

    Args:
        given: the arguments of `model.fit` by their names.

    Raises:
        ArgumentError: data without an end, or without one that can be seen, and no number of steps.

    >>> check_ends({"x": iter([]), "steps_per_epoch": 10})
    >>> check_ends({"x": iter([])})
    Traceback (most recent call last):
    kzoo.errors.ArgumentError: steps_per_epoch: expected with data whose end cannot be seen. Received: x of type list_iterator ...
    """
    for name, steps in STEPS.items():
        data = given.get(name)
        if given.get(steps) is None and _is_endless(data):
            received = f"{name} of type {type(data).__name__} and no {steps}"
            raise ArgumentError(steps, f"expected with data whose end cannot be seen. Received: {received}. Give the batches of an epoch.")


def _is_endless(data: Any) -> bool:
    """Whether data are of batches that never end, or that only an attempt would tell the end of."""
    if isinstance(data, PyDataset):
        return getattr(data, "num_batches", 0) is None
    cardinality = getattr(data, "cardinality", None)
    return isinstance(data, Iterator) or (callable(cardinality) and int(cardinality()) == INFINITE)
