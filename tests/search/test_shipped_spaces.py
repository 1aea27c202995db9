"""Every space that ships: it loads, says what it is for, and its networks can be built."""

import numpy as np
import pytest

from kzoo.models.weightless import weightless
from kzoo.search import Judge, check_tuner, load_space, shipped_spaces, xray
from kzoo.training.prepare import build_for, load_data
from tests.training.test_shipped import clothes  # noqa: F401

SHRUNKEN = {
    "digit_scenes": {"data.scenes": 4, "data.validation_scenes": 2},
    "digits": {},
    "fashion_mnist": {"data.validation": 8},
}

EQUAL_COSTS = {"unet_depth_width"}
"""Spaces whose constraints leave few points, those of equal costs."""


@pytest.fixture
def shrunken(request, clothes):  # noqa: F811
    source = load_space(request.param).recipe.source
    where = {"data.path": str(clothes)} if source == "fashion_mnist" else {}
    return load_space(request.param, {**SHRUNKEN[source], **where})


@pytest.mark.parametrize("shrunken", shipped_spaces(), indirect=True)
def test_the_networks_can_be_built(shrunken):
    dataset = load_data(shrunken.recipe)
    found = xray(shrunken, dataset, samples=30, walked=40, timing=False)
    assert found.infeasible < 0.5 or shrunken.name in EQUAL_COSTS
    assert found.refusal is None
    assert found.advice.tuner == shrunken.search.tuner
    judge, rng = Judge(shrunken, dataset), np.random.default_rng(0)
    built = 0
    while built < 3:
        values = shrunken.sample(rng)
        if judge.judge(values).feasible:
            with weightless():
                model = build_for(shrunken.recipe_of(values), dataset)
            assert model.count_params() == judge.judge(values).parameters
            built += 1


@pytest.mark.parametrize("name", shipped_spaces())
def test_the_header_says_the_question_and_the_command(name):
    lines = shipped_spaces()[name].read_text().splitlines()
    header = " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))
    assert "?" in lines[0]
    assert f"kzoo tune {name}" in header
    assert "two cores" in header


def test_the_readme_names_all():
    text = (next(iter(shipped_spaces().values())).parent / "README.md").read_text()
    assert [name for name in shipped_spaces() if f"`{name}`" not in text] == []


def test_equal_costs_are_equal():
    """All depths are left, at MACs within 10 % of the middle."""
    found = load_space("unet_depth_width", SHRUNKEN["digit_scenes"])
    judge = Judge(found)
    left = {(point["depth"], verdict.macs) for point in found.points() if (verdict := judge.judge(point)).feasible}
    assert {depth for depth, _ in left} == {2, 3, 4, 5}
    assert all(abs(macs / 150e6 - 1) <= 0.1 for _, macs in left)


def test_the_grid_is_the_grid():
    found = load_space("unet_grid", SHRUNKEN["digit_scenes"])
    judge = Judge(found)
    assert sum(judge.judge(point).feasible for point in found.points()) == 25
    assert check_tuner(found, 25).message is None
