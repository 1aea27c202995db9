"""Early stopping of hopeless trials: the median rule of Google Vizier (Golovin et al. 2017, section 3.2.2)."""

import statistics
from collections.abc import Sequence

from .outcome import Direction, Outcome

TRIALS, SHARE = 5, 0.25
"""Trials that must have reached an epoch before it is judged, and the share of a trial's epochs in which it is left alone."""


def is_hopeless(curve: Sequence[float], others: Sequence[Outcome], direction: Direction, epochs: int) -> bool:
    """Whether a trial's best value so far is worse than the median of what other trials had on average up to that epoch.

    Args:
        curve: the objective after each epoch of the trial.
        others: the outcomes of the other trials; those that are over count.
        direction: of the objective.
        epochs: that the trial would train at most; in the first quarter of them it is never hopeless.

    >>> others = [Outcome(str(n), {}, "completed", curve=(0.5, 0.6, 0.7, 0.8)) for n in range(5)]
    >>> is_hopeless([0.3, 0.5], others, "max", 4), is_hopeless([0.3, 0.6], others, "max", 4)
    (True, False)
    """
    done = len(curve)
    reached = [o.curve[:done] for o in others if o.status in ("completed", "pruned") and len(o.curve) >= done]
    if done <= SHARE * epochs or len(reached) < TRIALS:
        return False
    median = statistics.median(statistics.fmean(values) for values in reached)
    return max(curve) < median if direction == "max" else min(curve) > median
