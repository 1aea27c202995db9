"""Why a run has failed, in a few words that fit into a column."""

import re

from ..errors import TrainingError, one_line

LONGEST = 100


def short_reason(error: BaseException) -> str:
    """A few words for an exception: `NaN at epoch 3`, `out of memory`, `interrupted`, or its first line.

    >>> short_reason(ValueError("train/loss is nan at epoch 3. Start a new run."))
    'NaN at epoch 3'
    >>> short_reason(MemoryError())
    'out of memory'
    """
    if not isinstance(error, Exception):
        return "interrupted"
    text = str(error).partition("\n")[0] if isinstance(error, TrainingError) else one_line(error)
    unfinite = re.search(r"is (nan|-?inf) at (epoch \d+)", text)
    if unfinite:
        return f"{'NaN' if unfinite[1] == 'nan' else 'infinite loss'} at {unfinite[2]}"
    if isinstance(error, MemoryError) or re.search(r"ResourceExhausted|out of memory|OutOfMemory", text, re.IGNORECASE):
        return "out of memory"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
