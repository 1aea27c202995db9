"""Networks without weights: their graph and shapes are there for a profile, but nothing is allocated or drawn."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras


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
    waiting = {id(variable) for variable in _uninitialized()}
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        pending = _uninitialized()
        pending[:] = [variable for variable in pending if id(variable) in waiting]


def _uninitialized() -> list:
    """Keras's own list of variables that the end of the next outermost `StatelessScope` would allocate, those built here included.

    There is no public way to it, and to leave the list alone would allocate every network that was ever judged. A Keras without such a list
    has nothing to be taken out of it.
    """
    try:
        from keras.src.backend.common.global_state import get_global_attribute
    except ImportError:
        return []
    return get_global_attribute("uninitialized_variables") or []
