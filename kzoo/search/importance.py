"""Which hyperparameters mattered: permutation importance of random forests, with its uncertainty, or the word that nothing can be said.

A random forest learns the score from the hyperparameters; how much worse it predicts trials that it has not seen, once the values of
one hyperparameter are shuffled among them, is that one's importance (Breiman 2001). All of it is repeated on bootstrap samples of the
trials, each judged by the trials that it left out, which gives the interval. A forest that predicts nothing ranks noise, so its ranking
is withheld.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .outcome import Direction, Outcome, has_score, points_once, sign_of
from .wording import counted, varying

FEWEST = 10
"""Trials with a score below which nothing is concluded."""

SAMPLES, TREES, SHUFFLES = 40, 15, 3
"""Bootstrap samples, trees of each forest, shuffles of each hyperparameter."""


@dataclass(frozen=True)
class Importance:
    """What a hyperparameter did to the score.

    Attributes:
        name: of the hyperparameter.
        share: of what all hyperparameters explain, from 0 to 1, interactions counted with every one that takes part; the shares add to 1.
        low, high: of the share, between which 95 % of the bootstrap samples lie.
        trials: those in which it was active; a hyperparameter that is active in few can explain little of the whole.
    """

    name: str
    share: float
    low: float
    high: float
    trials: int

    @property
    def matters(self) -> bool:
        """Whether the interval lies above 0, by a hundredth at least."""
        return self.low >= 0.01


@dataclass(frozen=True)
class Importances:
    """The answer of `importance`.

    Attributes:
        found: the most important first; empty where nothing can be concluded.
        trials: that had a score.
        explained: R² of the forests for trials that they had not seen, at most 1; None where none was grown.
        doubt: why nothing can be concluded, else None.
    """

    found: tuple[Importance, ...]
    trials: int
    explained: float | None = None
    doubt: str | None = None

    def __str__(self) -> str:
        if self.doubt is not None:
            return f"What mattered: nothing can be concluded, since {self.doubt}."
        clear = [f"{i.name} {i.share:.0%} ({i.low:.0%} to {i.high:.0%})" for i in self.found if i.matters]
        rest = [i.name for i in self.found if not i.matters]
        words = f"What mattered, from {counted(self.trials, 'trial')}: {', '.join(clear) or 'nothing clearly'}"
        return words + (f"; not told apart from nothing: {', '.join(rest)}." if rest else ".")


def importance(outcomes: Sequence[Outcome], direction: Direction, seed: int = 0) -> Importances:
    """How much of the differences between scores each hyperparameter explains.

    Completed and pruned trials count; a pruned one, whose score is that of a short training, as no worse than the worst completed one.
    Of trials that continue one another (Hyperband) the last counts. Scores that are far worse than the rest, by more than one and a
    half interquartile ranges, count as just that far, so that one trial that diverged does not decide alone.
    A hyperparameter that a condition switches off is shuffled only among the trials in which it was active: that it was inactive
    counts for the hyperparameter that decides on it.

    Args:
        outcomes: of the search.
        direction: whether a high score is good, or a low one.
        seed: int; the same seed gives the same numbers.

    Returns:
        `Importances`: one entry per hyperparameter that varies, or `doubt`: too few trials, equal scores, or a forest that predicts
        no better than the mean.

    >>> print(importance([], "max"))
    What mattered: nothing can be concluded, since 0 trials have a score and 10 are needed.
    """
    scored = [outcome for outcome in points_once(outcomes) if has_score(outcome)]
    names = varying(scored)
    scores = np.array([o.score for o in scored], float)
    doubt = _too_little(scores, names)
    if doubt is not None:
        return Importances((), len(scored), doubt=doubt)
    table, active = _numbers(scored, names)
    lost, explained = _measure(table, active, _losses(scored, direction), seed)
    least = max(0.1, 4 / len(scored))
    if explained < least or not (lost.mean(axis=0) > 0).any():
        doubt = f"a random forest predicts trials that it has not seen too badly (R² {explained:.2f}, {least:.2f} is needed)"
        return Importances((), len(scored), explained, doubt)
    return Importances(_shares(names, lost, active), len(scored), explained)


def _too_little(scores: np.ndarray, names: Sequence[str]) -> str | None:
    if len(scores) < FEWEST:
        return f"{counted(len(scores), 'trial')} {'has' if len(scores) == 1 else 'have'} a score and {FEWEST} are needed"
    if not names:
        return "no hyperparameter varies"
    return "all trials score alike" if np.ptp(scores) == 0 else None


def _losses(scored: Sequence[Outcome], direction: Direction) -> np.ndarray:
    """The scores, low ones good, those cut that are far worse than the rest."""
    losses = np.array([sign_of(direction) * (o.score or 0.0) for o in scored])
    full = np.array([o.status == "completed" for o in scored])
    if full.any():
        losses = np.where(full, losses, np.minimum(losses, losses[full].max()))
    first, third = np.quantile(losses, [0.25, 0.75])
    return np.minimum(losses, third + 1.5 * (third - first)) if third > first else losses


def _numbers(outcomes: Sequence[Outcome], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Trials x hyperparameters as numbers, and where they are active; elsewhere stands a usual value, which tells a forest nothing."""
    active = np.array([[name in o.values for name in names] for o in outcomes])
    table = np.zeros(active.shape)
    for column, name in enumerate(names):
        where = active[:, column]
        table[where, column] = _codes([o.values[name] for o in outcomes if name in o.values])
        table[~where, column] = np.median(table[where, column])
    return table, active


def _codes(values: Sequence[Any]) -> np.ndarray:
    """Numbers as their rank among the values, None below all of them; anything else as its place in the alphabet."""
    numeric = all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values)
    keys = [-np.inf if v is None else float(v) for v in values] if numeric else [repr(v) for v in values]
    return np.unique(np.array(keys), return_inverse=True)[1].astype(float)


def _measure(table: np.ndarray, active: np.ndarray, losses: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Bootstrap samples x hyperparameters: the squared error that shuffling adds; and R² over the trials that each forest left out."""
    from sklearn.ensemble import RandomForestRegressor

    random = np.random.default_rng(seed)
    count = len(losses)
    total, times, lost = np.zeros(count), np.zeros(count), []
    for _ in range(SAMPLES):
        drawn = random.integers(0, count, count)
        left = np.setdiff1d(np.arange(count), drawn)
        forest = RandomForestRegressor(TREES, random_state=int(random.integers(2**31)))
        forest.fit(table[drawn], losses[drawn])
        total[left] += forest.predict(table[left])
        times[left] += 1
        lost.append(_lost(forest, table[left], losses[left], active[left], random))
    seen = times > 0
    errors = losses[seen] - total[seen] / times[seen]
    return np.array(lost), 1 - float(np.mean(errors**2) / np.var(losses[seen]))


def _lost(forest, table: np.ndarray, losses: np.ndarray, active: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The squared error that shuffling each column among its active trials adds, in the mean over all trials."""
    from sklearn.inspection import permutation_importance

    lost = np.zeros(table.shape[1])
    for pattern in np.unique(active, axis=1).T:
        if pattern.sum() < 2:
            continue
        columns = (active == pattern[:, None]).all(axis=0)
        options = {"scoring": "neg_mean_squared_error", "n_repeats": SHUFFLES, "random_state": int(random.integers(2**31))}
        found = permutation_importance(forest, table[pattern], losses[pattern], **options)
        lost[columns] = found.importances_mean[columns] * pattern.mean()
    return lost


def _shares(names: Sequence[str], lost: np.ndarray, active: np.ndarray) -> tuple[Importance, ...]:
    """Shares within each sample, so that samples of easy and of hard trials weigh alike; their mean, and where 95 % of them lie."""
    explained = np.maximum(lost, 0).sum(axis=1, keepdims=True)
    within = np.divide(lost, explained, out=np.zeros_like(lost), where=explained > 0)
    shares = np.maximum(within.mean(axis=0), 0)
    shares /= shares.sum()
    low, high = np.clip(np.quantile(within, [0.025, 0.975], axis=0), 0, 1)
    rows = zip(names, shares, np.minimum(low, shares), np.maximum(high, shares), active.sum(axis=0), strict=True)
    found = [Importance(name, float(s), float(a), float(b), int(n)) for name, s, a, b, n in rows]
    return tuple(sorted(found, key=lambda i: -i.share))
