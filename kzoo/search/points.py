"""The points of a space: counted, walked and drawn, with every condition respected."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import prod
from typing import Any

import numpy as np

from .conditions import Condition
from .dimensions import Dimension

Point = dict[str, Any]
"""The values of the active dimensions by name."""


def count(dimensions: Sequence[Dimension]) -> int | None:
    """How many points there are, exactly; None where a dimension is not finite.

    Only what conditions can tell apart is walked: a dimension that no other depends on multiplies.
    """
    if any(dimension.values is None for dimension in dimensions):
        return None
    asked = {
        dimension.name: {condition for other in dimensions for condition in other.conditions if condition.parent == dimension.name}
        for dimension in dimensions
    }
    return _count(dimensions, {}, asked)


def _count(dimensions: Sequence[Dimension], values: Point, asked: Mapping[str, set[Condition]]) -> int:
    """Points of the remaining dimensions; values on which all conditions agree are counted together."""
    factor = 1
    for place, dimension in enumerate(dimensions):
        if not dimension.active(values):
            continue
        known, conditions = dimension.values or (), sorted(asked[dimension.name], key=str)
        if not conditions:
            factor *= len(known)
            continue

        def answers(value: Any, conditions=conditions) -> tuple[bool, ...]:
            return tuple(value in condition.values for condition in conditions)

        groups = [list(group) for _, group in groupby(sorted(known, key=answers), key=answers)]
        rest = dimensions[place + 1 :]
        return factor * sum(len(group) * _count(rest, {**values, dimension.name: group[0]}, asked) for group in groups)
    return factor


def walk(dimensions: Sequence[Dimension]) -> Iterator[Point]:
    """All points, the last dimension changing fastest."""
    yield from _walk(dimensions, {})


def _walk(dimensions: Sequence[Dimension], values: Point) -> Iterator[Point]:
    if not dimensions:
        yield dict(values)
        return
    first, rest = dimensions[0], dimensions[1:]
    if not first.active(values):
        yield from _walk(rest, values)
        return
    for value in first.values or ():
        yield from _walk(rest, {**values, first.name: value})


def draw(dimensions: Sequence[Dimension], rng: np.random.Generator) -> Point:
    """A point at random, as keras-tuner draws it: dimension by dimension."""
    values: Point = {}
    for dimension in dimensions:
        if dimension.active(values):
            values[dimension.name] = dimension.sample(rng)
    return values


def weight(dimensions: Sequence[Dimension], values: Mapping[str, Any]) -> int:
    """How many points stand behind one draw: one over the probability of this point, in a finite space.

    The mean over many draws is the number of points, and the mean over those that are feasible is the number of feasible points.
    """
    return prod(len(dimension.values or ()) for dimension in dimensions if dimension.name in values)
