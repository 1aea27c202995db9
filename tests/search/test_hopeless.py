"""The median rule."""

import pytest

from kzoo.search.hopeless import is_hopeless
from kzoo.search.outcome import Outcome


def others(*curves, status="completed"):
    return [Outcome(f"{n}", {}, status, curve=curve) for n, curve in enumerate(curves)]


FIVE = others(*[(0.1 * n, 0.2 * n, 0.3 * n) for n in range(1, 6)])
"""After two epochs they had 0.15, 0.3, 0.45, 0.6, 0.75 on average: the median is 0.45."""


@pytest.mark.parametrize(("curve", "hopeless"), [((0.4, 0.44), True), ((0.46, 0.1), False), ((0.1, 0.4501), False)])
def test_the_best_so_far_against_the_median_of_the_averages(curve, hopeless):
    assert is_hopeless(curve, FIVE, "max", 4) is hopeless


def test_less_is_better():
    assert is_hopeless((0.5, 0.46), FIVE, "min", 4)
    assert not is_hopeless((0.5, 0.44), FIVE, "min", 4)


def test_the_first_quarter_is_left_alone():
    assert not is_hopeless((0.0,), FIVE, "max", 4)
    assert is_hopeless((0.0,), FIVE, "max", 3)


def test_too_few_others_decide_nothing():
    assert not is_hopeless((0.0, 0.0), FIVE[:4], "max", 4)
    assert not is_hopeless((0.0, 0.0), FIVE[:4] + others((0.9, 0.9), status="running"), "max", 4)
    assert not is_hopeless((0.0, 0.0), FIVE[:4] + others((0.9,)), "max", 4)
