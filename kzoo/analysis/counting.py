"""Sums and products of numbers that may not be known, and one value per axis."""

from collections.abc import Iterable, Sequence
from math import prod

from .graph import Call, Shape


def product(*sizes: int | None) -> int | None:
    """The product, or None where a size is not known.

    >>> product(2, 3), product(2, None)
    (6, None)
    """
    return None if None in sizes else prod(size for size in sizes if size is not None)


def sum_of(numbers: Iterable[int | None]) -> int | None:
    """The sum, or None where a number is not known.

    >>> sum_of([2, 3]), sum_of([2, None])
    (5, None)
    """
    found = list(numbers)
    return None if None in found else sum(number for number in found if number is not None)


def positions(call: Call, shape: Shape) -> int | None:
    """Number of spatial positions of one sample."""
    return product(*(shape[axis] for axis in call.spatial_axes))


def per_axis(value: int | Sequence, rank: int) -> tuple:
    """One value per spatial axis.

    >>> per_axis(2, 3), per_axis([1, 2], 2)
    ((2, 2, 2), (1, 2))
    """
    return tuple(value) if isinstance(value, list | tuple) else (value,) * rank
