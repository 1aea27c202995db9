"""Products of sizes that may not be known, and one value per axis: shared by the rules."""

from collections.abc import Sequence
from math import prod

from ..graph import Call, Shape


def product(*sizes: int | None) -> int | None:
    """The product, or None where a size is not known.

    >>> product(2, 3), product(2, None)
    (6, None)
    """
    return None if None in sizes else prod(size for size in sizes if size is not None)


def positions(call: Call, shape: Shape) -> int | None:
    """Number of spatial positions of one sample."""
    return product(*(shape[axis] for axis in call.spatial_axes))


def per_axis(value: int | Sequence, rank: int) -> tuple:
    """One value per spatial axis."""
    return (value,) * rank if isinstance(value, int) else tuple(value)
