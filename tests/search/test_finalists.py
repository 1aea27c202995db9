"""Finalists: intervals by hand, and how often a winner is named that is none."""

import math
import re

import numpy as np
import pytest
from scipy import stats

from kzoo import ArgumentError
from kzoo.search.finalists import compare_finalists


def test_the_interval_by_hand():
    """Differences 1, 2, 3: mean 2, standard deviation 1, Student's t 4.302653 with two degrees of freedom."""
    report = compare_finalists({"b": [2, 3, 4], "a": [3, 5, 7]})
    (difference,) = report.differences
    half = 4.302653 / math.sqrt(3)
    assert (difference.other, difference.mean) == ("b", 2)
    assert (difference.low, difference.high) == pytest.approx((2 - half, 2 + half), abs=1e-6)
    assert [(f.name, f.mean, f.deviation, f.seeds) for f in report.finalists] == [("a", 5, 2, 3), ("b", 3, 1, 3)]
    assert report.winner is None


def test_three_finalists_share_the_level():
    """Two intervals at 97.5 %: Student's t is 6.205347 with two degrees of freedom."""
    report = compare_finalists({"a": [3, 5, 7], "b": [2, 3, 4], "c": [0, 1, 2]})
    half = 6.205347 / math.sqrt(3)
    assert [(d.low, d.high) for d in report.differences] == [pytest.approx((m - half, m + half), abs=1e-6) for m in (2, 4)]
    assert [d.is_clear for d in report.differences] == [False, True]
    assert report.winner is None


def test_unpaired_is_welch():
    a, b = [3.0, 5.0, 7.0, 6.0], [2.0, 3.0, 4.0]
    (difference,) = compare_finalists({"a": a, "b": b}, paired=False).differences
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    assert (difference.low, difference.high) == pytest.approx(tuple(expected))


def test_a_low_score_may_be_the_good_one():
    scores = {"a": [0.1, 0.11, 0.12], "b": [0.3, 0.32, 0.31]}
    report = compare_finalists(scores, "min")
    assert (report.winner, report.differences[0].mean) == ("a", pytest.approx(0.2))
    assert compare_finalists(scores, "max").winner == "b"


def test_pairing_sees_through_what_seeds_share():
    """Both swing with the seed by far more than they differ."""
    scores = {"a": [0.51, 0.715, 0.912], "b": [0.50, 0.70, 0.90]}
    assert compare_finalists(scores).winner == "a"
    assert compare_finalists(scores, paired=False).winner is None


def simulated(means, seeds: int, rounds: int, spread: float = 1.0, paired: bool = True):
    random = np.random.default_rng(0)
    for _ in range(rounds):
        shared = random.normal(size=seeds)
        yield compare_finalists({str(i): m + shared + spread * random.normal(size=seeds) for i, m in enumerate(means)}, paired=paired)


@pytest.mark.parametrize("means", [[0, 0], [0, 0, 0], [0, 0, -9]])
@pytest.mark.parametrize("paired", [True, False])
def test_false_winners_stay_below_the_level(means, paired):
    """600 rounds in which no one is best: at most 5 % may name a winner; 45 or more have a probability below 1 % at that rate."""
    assert sum(report.winner is not None for report in simulated(means, 5, 600, paired=paired)) < 45


def test_the_seeds_asked_for_do_tell_them_apart():
    """A difference of one standard deviation of the differences: the t test has a power of 80 % from ten seeds on."""
    report = compare_finalists({"a": [1.0, 2.0, 3.0], "b": [1.0, 1.0, 1.0]})
    (difference,) = report.differences
    assert (difference.mean, difference.needed) == (1, 10)
    named = sum(r.winner == "0" for r in simulated([1, 0], 10, 400, spread=math.sqrt(0.5)))
    assert 0.75 < named / 400 < 0.88


def test_equal_scores_cannot_be_told_apart_by_any_number_of_seeds():
    report = compare_finalists({"a": [1, 2], "b": [1, 2]})
    assert (report.winner, report.differences[0].needed) == (None, None)
    assert str(report).endswith("More than 1000 seeds each would be needed: take the cheaper one.")


def test_the_verdict_in_words():
    assert str(compare_finalists({"a": [0.90, 0.91, 0.92], "b": [0.80, 0.82, 0.81], "c": [0.1, 0.1, 0.1]})) == (
        "The winner is a: better than every other finalist, by 0.1000 (0.0642 to 0.1358) over b, the closest."
    )
    assert str(compare_finalists({"a": [0.9, 0.8], "b": [0.8, 0.88, 0.8]}, paired=False)).startswith(
        "No winner: a has the best mean, 0.8500, but is not told apart from b. About "
    )


def test_tables_for_the_terminal_and_in_markdown():
    report = compare_finalists({"a|b": [3, 5, 7], "c": [2, 3, 4]})
    assert report.table().row_count == 2
    head, _, first, second, *_ = report.markdown().splitlines()
    assert head == "| finalist | mean | sd | seeds | best is better by | 95 % interval | seeds needed |"
    assert first == r"| a\|b | 5.0000 | 2.0000 | 3 |  |  |  |"
    assert second == "| c | 3.0000 | 1.0000 | 3 | 2.0000 | -0.4841 to 4.4841 | 5 |"
    assert report.markdown().endswith(str(report).replace("a|b", r"a\|b"))


def test_a_long_verdict_is_said_in_full():
    report = compare_finalists({f"trial {i}": [0.5, 0.5 + i / 1000, 0.4] for i in range(30)})
    assert len(str(report)) > 300
    assert report.markdown().endswith(str(report))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"a": [1, 2]}, "scores: expected two finalists or more. Received: 1."),
        ({"a": [1, 2], "b": [1]}, "scores: expected two seeds or more of b. Received: 1."),
        ({"a": [1, 2], "b": [1, math.nan]}, "scores: expected numbers for b. Received: [1, nan]"),
        ({"a": [1, 2], "b": [1, 2, 3]}, "scores: expected the same seeds of every finalist, or paired=False."),
    ],
)
def test_what_cannot_be_compared(scores, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        compare_finalists(scores)
