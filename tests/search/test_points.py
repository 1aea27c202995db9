"""Counting, walking and drawing points, against brute force."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from kzoo.errors import ArgumentError
from kzoo.search import load_space
from kzoo.search.points import weight
from tests.search.spaces import space

NESTED = {
    "model.upsampling": ["transposed_conv", "nearest", "bilinear"],
    "model.upsampling_kernel": {"choices": [2, 4], "when": {"model.upsampling": ["transposed_conv", "nearest"]}},
    "model.skip": ["concat", "none"],
    "model.l2": {"from": 0.1, "to": 0.4, "step": 0.1, "when": {"model.upsampling_kernel": 4, "model.skip": "none"}},
    "model.depth": {"from": 1, "to": 3},
    "model.blocks": {"per_stage": [1, 2], "stages": "model.depth", "when": {"model.skip": "concat"}},
}
"""Conditions on a domain that is conditional itself, on two domains at once, and on a condition and the depth."""


def brute_force(found) -> set[tuple]:
    """All assignments of all dimensions, cut to those that are active."""
    every = product(*(dimension.values for dimension in found.dimensions))
    names = [dimension.name for dimension in found.dimensions]
    return {tuple(found.active(dict(zip(names, values, strict=True))).items()) for values in every}


@pytest.mark.parametrize("domains", [None, NESTED], ids=["depth", "nested"])
def test_count_and_walk_are_exact(domains):
    found = load_space(space(domains))
    walked = [tuple(point.items()) for point in found.points()]
    assert len(walked) == len(set(walked)) == found.cardinality()
    assert set(walked) == brute_force(found)


def test_the_count_of_the_nested_space():
    """By hand: depth and blocks give 3 without, 2 + 4 + 8 with blocks; the kernels 5, of which 2 have four values of l2 without skip."""
    assert load_space(space(NESTED)).cardinality() == 5 * (2 + 4 + 8) + (3 + 2 * 4) * 3


def test_a_large_space_is_counted_without_being_walked():
    domains = {"model.depth": {"from": 1, "to": 6}, "model.filters": {"per_stage": {"from": 4, "to": 103}, "stages": "model.depth + 1"}}
    assert load_space(space(domains)).cardinality() == sum(100 ** (depth + 1) for depth in range(1, 7))


def test_the_order_of_the_file():
    points = list(load_space(space({"model.depth": [2, 1], "model.skip": ["add", "none"]})).points())
    assert [tuple(point.values()) for point in points] == [(2, "add"), (2, "none"), (1, "add"), (1, "none")]


def test_ranges_without_steps_are_not_finite():
    found = load_space(space({"training.learning_rate": {"from": 1e-4, "to": 1e-2, "scale": "log"}}))
    assert found.cardinality() is None
    with pytest.raises(ArgumentError, match=r"domains.training.learning_rate: expected values that can be listed"):
        found.points()


def test_steps_keep_their_last_value():
    domains = {
        "model.dropout": {"from": 0.1, "to": 0.9, "step": 0.1},
        "training.learning_rate": {"from": 1e-4, "to": 1e-1, "step": 10, "scale": "log"},
        "training.batch_size": {"from": 2, "to": 32, "step": 2, "scale": "log"},
        "model.kernel_size": {"from": 3, "to": 8, "step": 2},
    }
    assert [dimension.values for dimension in load_space(space(domains)).dimensions] == [
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        (0.0001, 0.001, 0.01, 0.1),
        (2, 4, 8, 16, 32),
        (3, 5, 7),
    ]


def test_draws_are_seeded_and_cover_the_space():
    found = load_space(space(NESTED))
    first, second = ([found.sample(rng) for _ in range(3000)] for rng in (np.random.default_rng(4), np.random.default_rng(4)))
    assert first == second
    assert {tuple(point.items()) for point in first} == {tuple(point.items()) for point in found.points()}


def test_a_logarithmic_range_is_drawn_evenly_over_decades():
    domains = {
        "training.learning_rate": {"from": 1e-4, "to": 1e-1, "scale": "log"},
        "training.batch_size": {"from": 1, "to": 63, "scale": "log"},
    }
    found = load_space(space(domains))
    rng = np.random.default_rng(0)
    draws = [found.sample(rng) for _ in range(3000)]
    decades = Counter(int(np.floor(np.log10(draw["learning_rate"]))) for draw in draws)
    octaves = Counter(draw["batch_size"].bit_length() for draw in draws)
    assert set(decades) == {-4, -3, -2}
    assert set(octaves) == {1, 2, 3, 4, 5, 6}
    assert min(decades.values()) > 900
    assert min(octaves.values()) > 400


def test_weights_of_draws_estimate_the_number_of_points():
    """Branches with many points are drawn as often as those with few, so every draw stands for as many as its branch has."""
    found = load_space(space(NESTED))
    assert sum(1 / weight(found.dimensions, point) for point in found.points()) == pytest.approx(1)
    rng = np.random.default_rng(0)
    estimate = np.mean([weight(found.dimensions, found.sample(rng)) for _ in range(5000)])
    assert estimate == pytest.approx(found.cardinality(), rel=0.1)
