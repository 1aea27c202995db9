"""Why a trial failed, in a few words that can be counted and filtered by."""

import re

from ..errors import TrainingError, one_line

MEMORY = re.compile(
    r"out of memory|OOM|RESOURCE_EXHAUSTED|ResourceExhausted|failed to allocate|can't allocate memory|unable to allocate", re.IGNORECASE
)
"""How TensorFlow, JAX, torch and NumPy say that memory ran out."""

LOST = "worker lost"


def reason_of(error: BaseException) -> str:
    """The reason for a failure: `NaN at epoch 3`, `out of memory`, or the exception's first line.

    >>> reason_of(MemoryError())
    'out of memory'
    >>> reason_of(TrainingError("train/loss is nan at epoch 3. What was logged is kept."))
    'NaN at epoch 3'
    """
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or MEMORY.search(said):
        return "out of memory"
    diverged = re.search(r"is (nan|-?inf) at epoch (\d+)", said) if isinstance(error, TrainingError) else None
    if diverged:
        return f"{'NaN' if diverged[1] == 'nan' else diverged[1]} at epoch {diverged[2]}"
    return one_line(error)


def would_fail_again(error: BaseException) -> bool:
    """Whether the same trial, repeated, is bound to fail in the same way: its training diverges by its seed, not by chance."""
    return isinstance(error, TrainingError)
