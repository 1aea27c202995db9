"""Runs side by side, as tables for the terminal."""

from collections.abc import Sequence
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..tracking import Record

SCORES = {
    "best/mean_iou": "val mean IoU",
    "best/foreground_iou": "val fg IoU",
    "best/accuracy": "val accuracy",
    "test/accuracy": "test accuracy",
}
"""Columns of scores, those that at least one run has."""


def comparison_table(records: Sequence[Record], title: str) -> Table:
    """One row per run: variant, parameters, MACs, best validation scores, seconds; best runs first.

    Args:
        records: runs of one experiment.
        title: written above the table.
    """
    scores = [key for key in SCORES if any(key in record.metrics for record in records)]
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("variant", no_wrap=True)
    for heading in ("parameters", "MACs", *(SCORES[key] for key in scores), "seconds"):
        table.add_column(heading, justify="right")
    for record in sorted(records, key=lambda r: [-r.metrics.get(key, -1.0) for key in scores]):
        cells = [_score(record.metrics.get(key)) for key in scores]
        table.add_row(Text(_variant(record)), *_costs(record), *cells, _whole(record.metrics.get("cost/seconds")))
    return table


def runs_table(records: Sequence[Record]) -> Table:
    """One row per run, newest first: id, experiment, variant, status, start, best score."""
    table = Table(box=SIMPLE_HEAD)
    for heading in ("run id", "experiment", "variant", "status", "started", "best score"):
        table.add_column(heading, no_wrap=heading == "run id", overflow="fold")
    for record in records:
        started = datetime.fromtimestamp(record.start / 1000).strftime("%Y-%m-%d %H:%M")
        best = next((f"{SCORES[k]} {record.metrics[k]:.4f}" for k in SCORES if k in record.metrics), "–")
        table.add_row(*map(Text, (record.id, record.experiment, record.name, record.status, started, best)))
    return table


def _variant(record: Record) -> str:
    return record.name if record.status == "FINISHED" else f"{record.name} ({record.status})"


def _costs(record: Record) -> tuple[str, str]:
    return _whole(record.metrics.get("cost/parameters_total")), _large(record.metrics.get("cost/macs"))


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _large(value: float | None) -> str:
    """With three digits and a prefix: `81.5 M`.

    >>> _large(81_494_016.0), _large(192.37e9)
    ('81.5 M', '192 G')
    """
    if value is None:
        return "–"
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value:.0f}"
