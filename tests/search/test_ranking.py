"""The table for the terminal and the CSV."""

import csv
import io
import json

import pytest
from rich.console import Console

from kzoo.search.outcome import ranked
from kzoo.search.ranking import in_order, ranking_table, trials_csv

from .trials import long_search, outcome


def printed(table, width: int = 80) -> str:
    text = io.StringIO()
    Console(file=text, width=width).print(table)
    return text.getvalue()


def test_the_best_first_then_the_running_then_the_failed():
    trials = [outcome(0, 0.2), outcome(1, None, "failed"), outcome(2, None, "running"), outcome(3, 0.9, "pruned"), outcome(4, 0.2)]
    assert [(rank, o.trial) for rank, o in in_order(trials, "max")] == [(1, "003"), (2, "000"), (3, "004"), (None, "002"), (None, "001")]
    assert [o.trial for _, o in in_order(trials, "min")] == ["000", "004", "003", "002", "001"]


def test_the_table_fits_80_columns_and_shows_what_varies():
    text = printed(ranking_table(long_search(), "val/mean_iou", "max", most=10))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in text
    assert all(word in text for word in ("mean iou", "filters", "upsampling", "kernel", "MACs"))
    assert "60 trials: 45 completed, 8 pruned, 7 failed; 50 of them not shown." in text
    assert "failed: NaN at epoch 3, 4 (7)" in text
    assert [line.split()[0] for line in lines if line.split() and line.split()[0].isdigit()][:10] == [str(n) for n in range(1, 11)]


def test_a_hyperparameter_that_is_the_same_everywhere_is_not_shown():
    trials = [outcome(i, 0.5, values={"depth": 3, "filters": 8 * i}) for i in range(3)]
    assert "depth" not in printed(ranking_table(trials, "val/loss", "min"))


def test_brackets_in_names_are_no_markup():
    trials = [outcome(i, 0.5, values={"filters": [8, 16 * i]}) for i in range(1, 3)]
    assert "[8, 16]" in printed(ranking_table(trials, "[red]", "max"), 120)


def test_no_trials_yet():
    assert "No trials yet." in printed(ranking_table([], "val/loss", "min"))


def test_the_csv_can_be_read_again():
    values = {"name": 'a "b", c\nd', "filters": [8, 16], "rate": 1e-3, "decay": None, "bias": True}
    trials = [
        outcome(1, 0.25, scores=(0.2, 0.3), values=values, epochs=4, seconds=2.5, macs=7, other={"best/foreground_iou": 0.1}),
        outcome(0, None, "failed", values={"kernel": 2}, reason="out of memory,\nalas"),
    ]
    failed, done = csv.DictReader(io.StringIO(trials_csv(trials)))
    assert (failed["trial"], failed["rank"], failed["status"], failed["reason"]) == ("000", "", "failed", "out of memory,\nalas")
    assert (failed["hp/kernel"], failed["hp/name"], failed["score"]) == ("2", "", "")
    assert (done["rank"], float(done["score"]), int(done["macs"]), done["hp/kernel"]) == ("1", 0.25, 7, "")
    assert done["hp/name"] == values["name"]
    assert [json.loads(done[f"hp/{key}"]) for key in ("filters", "rate", "decay", "bias")] == [[8, 16], 1e-3, None, True]
    assert (done["score/0"], done["score/1"], done["best/foreground_iou"]) == ("0.2", "0.3", "0.1")
    assert float(done["spread"]) == pytest.approx(0.005**0.5)


def test_every_trial_has_one_row_and_equal_searches_equal_text():
    trials = long_search()
    assert trials_csv(trials) == trials_csv(trials[::-1])
    assert len(list(csv.reader(io.StringIO(trials_csv(trials))))) == 61


def test_a_point_that_hyperband_trains_further_stands_once_with_the_time_of_all_its_trials():
    found = [
        outcome(0, 0.5, epochs=1, seconds=10, values={"filters": 4}),
        outcome(1, 0.4, epochs=1, seconds=10, values={"filters": 8}),
        outcome(2, 0.6, epochs=2, seconds=20, values={"filters": 4}, promoted_from="000"),
        outcome(3, None, "failed", reason="NaN at epoch 5", values={"filters": 4}, promoted_from="002"),
    ]
    assert [(o.trial, o.epochs, o.seconds) for o in ranked(found, "max")] == [("002", 3, 30), ("001", 1, 10)]
    text = printed(ranking_table(found, "val/mean_iou", "max"))
    assert [line.split()[:2] for line in text.splitlines() if ":" in line[40:]] == [["1", "002"], ["2", "001"], ["003", "failed"]]
    assert "0:30" in text
    assert "4 trials: 3 completed, 1 failed; 1 of them continued by others." in " ".join(text.split())
    rows = list(csv.DictReader(io.StringIO(trials_csv(found))))
    assert [(row["rank"], row["epochs"], row["seconds"]) for row in rows] == [
        ("", "1", "10"),
        ("2", "1", "10"),
        ("1", "2", "20"),
        ("", "0", "0.0"),
    ]
