"""Bounds on costs."""

import pytest

from kzoo.search.constraints import parse_constraint

COSTS = {"parameters": 1000, "macs": 2_000_000, "memory": None}


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("parameters <= 1000", None),
        ("parameters < 1e3", "parameters: 1 k, not below 1 k"),
        ("parameters>=1e3", None),
        ("parameters > 1000", "parameters: 1 k, not above 1 k"),
        ("macs <= 1.5e6", "macs: 2 M, more than 1.5 M"),
        ("macs >= 5e9", "macs: 2 M, less than 5 G"),
        ("memory <= 4e9", "memory: not known for this network, so memory <= 4e+09 cannot be checked"),
    ],
)
def test_a_bound(text, refusal):
    assert parse_constraint(text).refusal(COSTS) == refusal


@pytest.mark.parametrize("text", ["parameters", "parameters <= many", "parameters == 3", "macs <= -1", "macs <= nan", 3, None])
def test_what_is_no_bound(text):
    assert parse_constraint(text) == f"expected a bound, such as parameters <= 2e6. Received: {text}."
