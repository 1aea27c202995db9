"""Which finalist is best, or that nobody can say: several seeds each, differences with confidence intervals.

The finalist with the best mean is compared with every other one by Student's t: on the differences seed by seed where all were trained
with the same seeds, else after Welch. The k - 1 intervals hold together at 95 % (Bonferroni), and a winner is named only if all of
them lie above 0. So among k finalists a false winner is named in at most 0.025 k / (k - 1), that is 5 % at most, of all cases.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .outcome import Direction, sign_of
from .wording import counted, number

if TYPE_CHECKING:
    from rich.table import Table

LEVEL = 0.05
"""How often a winner may be named that is none."""

POWER = 0.8
"""How likely the seeds that are asked for should tell two finalists apart."""

MOST_SEEDS = 1000
"""Numbers of seeds above which we say that no one will train so many."""

_HEADINGS = ("finalist", "mean", "sd", "seeds", "best is better by", "95 % interval", "seeds needed")


@dataclass(frozen=True)
class Finalist:
    """A finalist's scores in numbers; `deviation` is the standard deviation between seeds."""

    name: str
    mean: float
    deviation: float
    seeds: int


@dataclass(frozen=True)
class Difference:
    """The best finalist against another one.

    Attributes:
        other: its name.
        mean: by how much the best one is better; never below 0.
        low, high: the confidence interval of that.
        needed: seeds each that would tell the two apart with a likelihood of 80 %, at this difference and spread; None above 1000.
    """

    other: str
    mean: float
    low: float
    high: float
    needed: int | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0


@dataclass(frozen=True)
class FinalistsReport:
    """The answer of `compare_finalists`.

    Attributes:
        finalists: the best mean first.
        differences: of the best one against each other, in their order.
        paired: whether seed was compared with seed.
    """

    finalists: tuple[Finalist, ...]
    differences: tuple[Difference, ...]
    paired: bool

    @property
    def winner(self) -> str | None:
        """The best finalist if it is better than every other one beyond doubt, else None."""
        return self.finalists[0].name if all(d.is_clear for d in self.differences) else None

    def __str__(self) -> str:
        best, unclear = self.finalists[0], [d for d in self.differences if not d.is_clear]
        if not unclear:
            closest = min(self.differences, key=lambda d: d.low)
            gain = f"by {number(closest.mean)} ({number(closest.low)} to {number(closest.high)}) over {closest.other}, the closest"
            return f"The winner is {best.name}: better than every other finalist, {gain}."
        names = ", ".join(d.other for d in unclear)
        found = f"{best.name} has the best mean, {number(best.mean)}, but is not told apart from {names}"
        seeds = f", with {counted(best.seeds, 'seed')} each" if len({f.seeds for f in self.finalists}) == 1 else ""
        return f"No winner: {found}{seeds}. {_advice(unclear)}"

    def table(self) -> "Table":
        """The finalists as a rich table for the terminal."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD)
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if heading == "finalist" else "right")
        for row in self._rows():
            table.add_row(*map(Text, row))
        return table

    def markdown(self) -> str:
        """The finalists as a table in Markdown, and the verdict below it."""
        from .note import escaped, row

        lines = [row(_HEADINGS), row(["---", *["---:"] * 6]), *(row([escaped(cell) for cell in cells]) for cells in self._rows())]
        return "\n".join(lines) + f"\n\n{escaped(str(self), longest=2000)}"

    def _rows(self) -> list[list[str]]:
        differences: list[Difference | None] = [None, *self.differences]
        return [
            [f.name, number(f.mean), number(f.deviation), str(f.seeds), *_in_words(d)]
            for f, d in zip(self.finalists, differences, strict=True)
        ]


def compare_finalists(scores: Mapping[str, Sequence[float]], direction: Direction = "max", *, paired: bool = True) -> FinalistsReport:
    """Compares finalists that were trained with several seeds, and names a winner only beyond the noise.

    Args:
        scores: of each finalist, one per seed.
        direction: whether a high score is good, or a low one.
        paired: whether the finalists were trained with the same seeds, in the same order.

    Raises:
        ArgumentError: fewer than two finalists or seeds, scores that are no numbers, or pairs without a partner.

    >>> report = compare_finalists({"a": [0.90, 0.91, 0.92], "b": [0.80, 0.82, 0.81]})
    >>> report.winner
    'a'
    >>> print(compare_finalists({"a": [0.90, 0.91, 0.92], "b": [0.92, 0.90, 0.90]}))
    No winner: a has the best mean, 0.9100, but is not told apart from b, with 3 seeds each. About 309 seeds each would be needed.
    """
    _check(scores, paired)
    sign = -sign_of(direction)
    names = sorted(scores, key=lambda name: -sign * statistics.fmean(scores[name]))
    finalists = tuple(Finalist(n, statistics.fmean(scores[n]), statistics.stdev(scores[n]), len(scores[n])) for n in names)
    level = LEVEL / (len(names) - 1)
    best = scores[names[0]]
    compare = _compare_pairs if paired else _compare_groups
    differences = tuple(Difference(name, *compare(best, scores[name], sign, level)) for name in names[1:])
    return FinalistsReport(finalists, differences, paired)


def _check(scores: Mapping[str, Sequence[float]], paired: bool) -> None:
    if len(scores) < 2:
        raise ArgumentError("scores", f"expected two finalists or more. Received: {len(scores)}.")
    for name, values in scores.items():
        if len(values) < 2:
            raise ArgumentError("scores", f"expected two seeds or more of {name}. Received: {len(values)}.")
        if not all(map(isfinite, values)):
            raise ArgumentError("scores", f"expected numbers for {name}. Received: {list(values)}. Leave out seeds that failed.")
    sizes = {name: len(values) for name, values in scores.items()}
    if paired and len(set(sizes.values())) > 1:
        raise ArgumentError("scores", f"expected the same seeds of every finalist, or paired=False. Received: {sizes} seeds.")


def _compare_pairs(best: Sequence[float], other: Sequence[float], sign: int, level: float) -> tuple[float, float, float, int | None]:
    """Difference, interval and seeds needed, from the differences seed by seed."""
    from scipy.stats import t

    gains = [sign * (a - b) for a, b in zip(best, other, strict=True)]
    mean, deviation, seeds = statistics.fmean(gains), statistics.stdev(gains), len(gains)
    half = float(t.ppf(1 - level / 2, seeds - 1)) * deviation / sqrt(seeds)
    return mean, mean - half, mean + half, _needed(mean, deviation, 1, level)


def _compare_groups(best: Sequence[float], other: Sequence[float], sign: int, level: float) -> tuple[float, float, float, int | None]:
    """Difference, interval and seeds needed of two groups whose spreads may differ (Welch)."""
    from scipy.stats import t

    mean = sign * (statistics.fmean(best) - statistics.fmean(other))
    parts = [(statistics.variance(group), len(group)) for group in (best, other)]
    error = sum(v / n for v, n in parts)
    freedom = error**2 / sum((v / n) ** 2 / (n - 1) for v, n in parts) if error else inf
    half = float(t.ppf(1 - level / 2, freedom)) * sqrt(error)
    return mean, mean - half, mean + half, _needed(mean, sqrt(sum(v for v, _ in parts)), 2, level)


def _needed(mean: float, deviation: float, groups: int, level: float) -> int | None:
    """The fewest seeds with which a t test finds such a difference with a likelihood of 80 %."""
    from scipy.stats import nct, t

    if deviation == 0:
        return 2 if mean > 0 else None

    def suffices(seeds: int) -> bool:
        freedom = groups * (seeds - 1)
        return nct.sf(t.ppf(1 - level / 2, freedom), freedom, mean / deviation * sqrt(seeds)) >= POWER

    if not suffices(MOST_SEEDS):
        return None
    few, many = 1, MOST_SEEDS
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if suffices(middle) else (middle, many)
    return many


def _advice(unclear: Sequence[Difference]) -> str:
    if any(d.needed is None for d in unclear):
        return f"More than {MOST_SEEDS} seeds each would be needed: take the cheaper one."
    return f"About {max(d.needed or 0 for d in unclear)} seeds each would be needed."


def _in_words(difference: Difference | None) -> list[str]:
    if difference is None:
        return ["", "", ""]
    needed = f"> {MOST_SEEDS}" if difference.needed is None else str(difference.needed)
    interval = f"{number(difference.low)} to {number(difference.high)}"
    return [number(difference.mean), interval, "" if difference.is_clear else needed]
