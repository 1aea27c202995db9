"""The note on the page of a search."""

import re

import pytest

from kzoo.search.importance import Importance, Importances
from kzoo.search.note import LIMIT, escaped, ranking_note

from .trials import long_search, outcome

LINKS = {f"{trial:03}": f"#/experiments/1/runs/{trial:032}" for trial in range(500)}


def rows(note: str) -> list[list[str]]:
    """The cells of the table, without its head."""
    lines = [line for line in note.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_a_small_search_in_full():
    trials = [
        outcome(0, 0.8, values={"model.filters": 8}, epochs=3, seconds=4.0, parameters=1500, macs=2_000_000),
        outcome(1, 0.9, values={"model.filters": 16}, epochs=3, seconds=5.0, scores=(0.88, 0.92)),
        outcome(2, None, "failed", values={"model.filters": 32}, reason="out of memory"),
    ]
    assert ranking_note(trials, "val/iou", "max", LINKS, name="unet", planned=9) == (
        f"### unet: 3 of 9 trials. Best val/iou: 0.9000 ± 0.0283, trial [001]({LINKS['001']})\n\n"
        "2 completed, 1 failed; 9.0 s of training, 6 epochs.\n\n"
        "- failed, 1 trial: out of memory\n\n"
        "| rank | trial | val/iou | filters | parameters | MACs | time | status |\n"
        "| ---: | --- | --- | --- | ---: | ---: | ---: | --- |\n"
        f"| 1 | [001]({LINKS['001']}) | 0.9000 ± 0.0283 | 16 | – | – | 5.0 s | completed |\n"
        f"| 2 | [000]({LINKS['000']}) | 0.8000 | 8 | 1.5 k | 2 M | 4.0 s | completed |\n"
        f"| – | [002]({LINKS['002']}) | – | 32 | – | – | 0.0 s | failed: out of memory |"
    )


@pytest.mark.parametrize("count", [3, 40, 60, 400])
def test_a_long_note_loses_whole_rows_and_counts_them(count):
    trials = long_search(count)
    note = ranking_note(trials, "val/mean_iou", "max", LINKS, rejected={"too many parameters": 1200, "sizes": 4})
    assert len(note) <= LIMIT
    shown = rows(note)
    assert {len(cells) for cells in shown} == {10}
    left_out = re.search(r"^(\d+) trials? more, all of them in trials\.csv\.$", note, re.M)
    assert len(shown) + (int(left_out[1]) if left_out else 0) == count
    assert [cells[0] for cells in shown[:2]] == ["1", "2"]
    assert note.endswith("- 1,200: too many parameters\n- 4: sizes")
    if count == 400:
        assert len(note) > LIMIT - 250


@pytest.mark.parametrize("limit", [400, 900, 1500, 3000, 8000])
def test_the_note_never_grows_over_its_limit(limit):
    trials = [outcome(i, 0.5, values={"x" * 90: i}, reason="y" * 900, run_id="z") for i in range(30)]
    failed = [outcome(100 + i, None, "failed", reason=f"{'why ' * 100}{chr(97 + i)}") for i in range(20)]
    assert len(ranking_note([*trials, *failed], "val/loss", "min", LINKS, limit=limit)) <= limit


def test_text_of_others_cannot_break_the_table():
    trials = [outcome(i, 0.5, values={"a|b": f"x|{i}_*<b>\n# y"}, status="pruned", reason="see [here](http://x) | `y`") for i in range(2)]
    note = ranking_note(trials, "val/mean_iou", "max")
    assert {len(cells) for cells in rows(note)} == {8}
    assert r"x\|0\_\*&lt;b&gt; \# y" in note
    assert r"pruned: see \[here\](http://x) \| \`y\`" in note
    assert escaped("\\| a & b @c") == r"\\\| a &amp; b &#64;c"


def test_what_mattered_is_said_with_its_uncertainty_or_not_at_all():
    found = Importances((Importance("model.filters", 0.9, 0.5, 0.97, 30), Importance("rate", 0.1, 0.0, 0.3, 30)), 30, 0.8)
    note = ranking_note([outcome(0, 0.5)], "val/loss", "min", importances=found)
    assert "from 30 trials (R² 0.80)\n\n- model.filters: 90% (50% to 97%)\n- rate: 10% (0% to 30%), not told apart from nothing" in note
    doubted = ranking_note([outcome(0, 0.5)], "val/loss", "min", importances=Importances((), 3, doubt="3 trials have a score"))
    assert doubted.endswith("**What mattered.** Nothing can be concluded, since 3 trials have a score.")


def test_before_the_first_trial_and_while_it_runs():
    assert ranking_note([], "val/loss", "min", planned=20) == "### 0 of 20 trials. No score yet"
    running = ranking_note([outcome(0, None, "running")], "val/loss", "min")
    assert running.startswith("### 0 trials. No score yet\n\n1 running; 0.0 s of training, 0 epochs.")
