"""The trials of a search side by side: a table for the terminal, and all of it as CSV."""

import csv
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .outcome import Direction, Outcome, points_once, ranked
from .wording import clock, count_text, counted, headings, reasons, score_text, searched, states, value_of, varying

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("score", "spread", "epochs", "seconds", "parameters", "macs", "memory", "reason", "run_id", "promoted_from")
"""Of the CSV, after trial, rank and status and before the hyperparameters."""

PREFIX = "hp/"
"""Begins the name of a hyperparameter's column, as it does in MLflow's metrics."""


def in_order(outcomes: Sequence[Outcome], direction: Direction) -> list[tuple[int | None, Outcome]]:
    """Every trial with its rank: each scored point from the best, then those without a rank: running, then the others."""
    best = ranked(outcomes, direction)
    placed = {outcome.trial for outcome in best}
    rest = sorted((o for o in outcomes if o.trial not in placed), key=lambda o: (o.status != "running", o.trial))
    return [*enumerate(best, 1), *((None, outcome) for outcome in rest)]


def ranking_table(outcomes: Sequence[Outcome], objective: str, direction: Direction, most: int = 20) -> "Table":
    """The ranking for a terminal: rank, trial, score, the hyperparameters that vary, costs; below it why trials failed.

    Of trials that continue one another (Hyperband) the last is shown, with the time of all of them.
    With more than three hyperparameters that vary, the parameters of the network are left out, which leaves them 80 columns.

    Args:
        outcomes: of the search.
        objective: the name of the score.
        direction: whether a high score is good, or a low one.
        most: rows; the rest are counted below the table.

    Returns:
        A rich table; where it is too wide for the terminal, hyperparameters are broken over lines, numbers are not.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rows = in_order(points_once(outcomes), direction)
    names = varying(outcomes)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=_caption(outcomes, len(rows), most), caption_justify="left")
    for heading in ("#", "trial"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(Text(_spaced(objective.removeprefix("val/"))))
    for heading in headings(names):
        table.add_column(Text(_spaced(heading)), overflow="fold")
    for heading in ("parameters", "MACs", "time")[len(names) > 3 :]:
        table.add_column(heading, justify="right", no_wrap=True)
    for rank, outcome in rows[:most]:
        costs = (count_text(outcome.parameters), count_text(outcome.macs), clock(outcome.seconds))[len(names) > 3 :]
        cells = (str(rank or ""), outcome.trial, _result(outcome), *(value_of(outcome, name) for name in names), *costs)
        table.add_row(*map(Text, cells), style=None if outcome.status == "completed" else "dim")
    return table


def trials_csv(outcomes: Sequence[Outcome], direction: Direction = "max") -> str:
    """All trials as CSV, in the order in which they began: one column per number, one (`hp/NAME`) per hyperparameter.

    What is missing is empty: a score that is not there yet, a hyperparameter that is not active. Text stands as it is, everything else
    as JSON, so that `null` is a value and lists can be read again.

    Args:
        outcomes: of the search.
        direction: by which trials are ranked.

    >>> print(trials_csv([Outcome("000", {"filters": [8, 16]}, "completed", score=0.5, epochs=3, seconds=2.5)]))
    trial,rank,status,score,spread,epochs,seconds,parameters,macs,memory,reason,run_id,promoted_from,hp/filters
    000,1,completed,0.5,,3,2.5,,,,,,,"[8, 16]"
    <BLANKLINE>
    """
    names = searched(outcomes)
    executions = max((len(o.scores) for o in outcomes), default=0)
    several = [f"score/{number}" for number in range(executions)] if executions > 1 else []
    others = list(dict.fromkeys(key for o in outcomes for key in o.other))
    ranks = {outcome.trial: rank for rank, outcome in in_order(outcomes, direction)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "rank", "status", *COLUMNS, *several, *others, *(PREFIX + name for name in names)])
    for o in sorted(outcomes, key=lambda o: o.trial):
        scores = [*o.scores, *([None] * len(several))][: len(several)]
        numbers = [*(getattr(o, key) for key in COLUMNS), *scores, *(o.other.get(key) for key in others)]
        values = [_exact(o.values[name]) if name in o.values else None for name in names]
        writer.writerow([o.trial, ranks[o.trial], o.status, *numbers, *values])
    return text.getvalue()


def _exact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _result(outcome: Outcome) -> str:
    if outcome.status == "failed":
        return "failed"
    return score_text(outcome) + ("" if outcome.status == "completed" else f" {outcome.status}")


def _spaced(name: str) -> str:
    """A heading that may be broken between its words."""
    return name.replace("_", " ")


def _caption(outcomes: Sequence[Outcome], rows: int, most: int) -> str:
    said = ", ".join(f"{count} {status}" for status, count in states(outcomes).items())
    more = f"; {len(outcomes) - rows} of them continued by others" if len(outcomes) > rows else ""
    more += f"; {rows - most} of them not shown" if rows > most else ""
    why = [f"failed: {reason} ({count})" for reason, count in reasons(outcomes)[:5]]
    return "\n".join([f"{counted(len(outcomes), 'trial')}: {said}{more}.", *why]) if outcomes else "No trials yet."
