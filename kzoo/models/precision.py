"""Building under a Keras dtype policy that is not the process's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..stack import config


@contextmanager
def built_under(policy: str) -> Iterator[None]:
    """Sets a dtype policy and restores the one before.

    >>> with built_under("mixed_bfloat16"):
    ...     config.dtype_policy().compute_dtype
    'bfloat16'
    >>> config.dtype_policy().compute_dtype
    'float32'
    """
    before = config.dtype_policy()
    config.set_dtype_policy(policy)
    try:
        yield
    finally:
        config.set_dtype_policy(before)
