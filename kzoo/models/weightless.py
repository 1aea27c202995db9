"""Networks without weights: their graph and shapes are there for a profile, but nothing is allocated or drawn."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..stack import without_values


@contextmanager
def weightless() -> Iterator[None]:
    """Networks that are built inside have variables with a shape and no value.

    They can be profiled, described and drawn, in milliseconds and whatever their size; they cannot be run, trained or saved. Weights that a
    builder is asked to load (`weights=`) would be read all the same: leave them out.

    >>> from kzoo import build_unet, profile
    >>> with weightless():
    ...     model = build_unet(input_shape=(64, 64, 1), num_classes=2, filters=512)
    >>> profile(model).total
    1985539074
    """
    with without_values():
        yield
