"""Trials as words for people: which hyperparameters to show, scores with their spread, reasons of failure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .outcome import Outcome

NONE = "–"
"""Stands where a trial has no value, such as for a hyperparameter that a condition switches off."""


def searched(outcomes: Sequence[Outcome]) -> list[str]:
    """All hyperparameters, in the order in which they first appear."""
    return list(dict.fromkeys(name for outcome in outcomes for name in outcome.values))


def varying(outcomes: Sequence[Outcome]) -> list[str]:
    """The hyperparameters in which trials differ, in the order in which they first appear; to be inactive differs from any value.

    >>> varying([Outcome("000", {"filters": 8, "depth": 3}), Outcome("001", {"filters": 16, "depth": 3})])
    ['filters']
    """
    return [name for name in searched(outcomes) if len({repr(o.values.get(name, NONE)) for o in outcomes}) > 1]


def value_text(value: Any) -> str:
    """A hyperparameter's value, short.

    >>> value_text(0.00031622), value_text([16, 32]), value_text("max_pool"), value_text(None)
    ('0.000316', '[16, 32]', 'max_pool', 'none')
    """
    if isinstance(value, float) and not isinstance(value, bool):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    return "none" if value is None else str(value)


def headings(names: Sequence[str]) -> list[str]:
    """Names for the head of a table: the last part of each path, where that tells them apart.

    >>> headings(["model.filters", "training.epochs"]), headings(["model.seed", "data.seed"])
    (['filters', 'epochs'], ['model.seed', 'data.seed'])
    """
    last = [name.rpartition(".")[2] for name in names]
    return [short if last.count(short) == 1 else name for short, name in zip(last, names, strict=True)]


def value_of(outcome: Outcome, name: str) -> str:
    """A trial's value of a hyperparameter, or a dash where it is inactive."""
    return value_text(outcome.values[name]) if name in outcome.values else NONE


def score_text(outcome: Outcome) -> str:
    """The score, with the standard deviation over executions where there are several.

    >>> score_text(Outcome("000", {}, score=0.9, scores=(0.89, 0.91)))
    '0.9000 ± 0.0141'
    """
    if outcome.score is None:
        return NONE
    spread = "" if outcome.spread is None else f" ± {number(outcome.spread)}"
    return number(outcome.score) + spread


def number(value: float) -> str:
    """Four decimals, or four digits where those would show nothing.

    >>> number(0.91236), number(0.0000123), number(12345.6)
    ('0.9124', '1.23e-05', '1.235e+04')
    """
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(8.04), duration(75), duration(7260)
    ('8.0 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def reasons(outcomes: Iterable[Outcome]) -> list[tuple[str, int]]:
    """Why trials failed, the most frequent reason first; reasons that differ in their numbers only are one.

    >>> reasons([Outcome(t, {}, "failed", reason=f"NaN at epoch {t}") for t in "35"])
    [('NaN at epoch 3, 5', 2)]
    """
    failed = [o.reason or "unknown reason" for o in outcomes if o.status == "failed"]
    counts = Counter(map(_kind, failed))
    return [(_together([r for r in failed if _kind(r) == kind]), count) for kind, count in counts.most_common()]


def states(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many trials are in each state, those without any left out."""
    return {s: n for s in ("completed", "pruned", "running", "failed") if (n := sum(o.status == s for o in outcomes))}


def count_text(number: float | None, unit: str = "") -> str:
    """A number with three digits and a prefix.

    >>> count_text(81_494_016), count_text(999_800), count_text(4e9, "B"), count_text(None)
    ('81.5 M', '1 M', '4 GB', '–')
    """
    if number is None:
        return NONE
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 0.9995 * size:
            return f"{number / size:.3g} {prefix}{unit}"
    return f"{number:.3g} {unit}".strip()


def clock(seconds: float) -> str:
    """Seconds in a narrow column.

    >>> clock(52.4), clock(7261)
    ('0:52', '2:01:01')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def counted(count: int, noun: str) -> str:
    """
    >>> counted(1, "trial"), counted(3, "trial")
    ('1 trial', '3 trials')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def rejections(rejected: Mapping[str, int] | None) -> list[tuple[str, int]]:
    """Why points were rejected before training, the most frequent reason first."""
    return sorted((rejected or {}).items(), key=lambda item: (-item[1], item[0]))


def _kind(reason: str) -> str:
    return re.sub(r"\d+", "#", reason)


def _together(alike: Sequence[str]) -> str:
    """Reasons of one kind as one; a number in which they differ lists its values if it is the only one."""
    first = alike[0]
    places = [sorted({int(n) for n in column}) for column in zip(*(re.findall(r"\d+", r) for r in alike), strict=True)]
    if sum(len(values) > 1 for values in places) > 1:
        return re.sub(r"\d+", "…", first)
    texts = iter(", ".join(map(str, v[:4])) + (", …" if len(v) > 4 else "") for v in places)
    return re.sub(r"\d+", lambda _: next(texts), first)
