"""The tables as text."""

import io
import re

from rich.console import Console

from kzoo.reports import comparison_table, runs_table
from kzoo.tracking import Record


def record(name, status="FINISHED", **metrics):
    metrics = {key.replace("__", "/"): value for key, value in metrics.items()}
    return Record("0" * 32, name, "demo", status, 1_700_000_000_000, {}, metrics, {})


RECORDS = [
    record("small", best__mean_iou=0.8, cost__parameters_total=1234, cost__macs=5.5e6, cost__seconds=12.4),
    record("large", best__mean_iou=0.9, cost__parameters_total=31_030_658, cost__macs=192.37e9, cost__seconds=99.6),
    record("broken [/x]", status="FAILED", cost__macs=100.0),
]


def text(table) -> list[list[str]]:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(table)
    lines = console.export_text().splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip() and "─" not in line]


def test_comparison_best_first():
    assert text(comparison_table(RECORDS, "experiment demo")) == [
        ["experiment demo"],
        ["variant", "parameters", "MACs", "val mean IoU", "seconds"],
        ["large", "31,030,658", "192 G", "0.9000", "100"],
        ["small", "1,234", "5.5 M", "0.8000", "12"],
        ["broken [/x] (FAILED)", "–", "100", "–", "–"],
    ]


def test_runs():
    rows = text(runs_table(RECORDS))
    assert rows[0] == ["run id", "experiment", "variant", "status", "started", "best score"]
    assert rows[1][:4] == ["0" * 32, "demo", "small", "FINISHED"]
    assert rows[1][5] == "val mean IoU 0.8000"
    assert rows[3][5] == "–"
