"""The X-ray: exact where it can be, honest where it draws, timed on this machine, readable in 80 columns."""

import time

import numpy as np
import pytest
from rich.console import Console

from kzoo.errors import ArgumentError
from kzoo.search import Judge, load_space, timing, xray
from kzoo.search.feasibility import Verdict
from kzoo.search.timing import Timing, _fitted
from kzoo.training.fit import fit
from kzoo.training.prepare import build_for, load_data
from tests.search.spaces import space

GRID = {"model.upsampling": ["nearest", "bilinear", "max_unpool"], "model.downsampling": ["max_pool", "avg_pool"], "model.filters": [4, 8]}

MANY = {
    "model.upsampling": ["nearest", "transposed_conv"],
    "model.upsampling_kernel": {"choices": [2, 3, 4], "when": {"model.upsampling": "transposed_conv"}},
    "model.filters": [4, 8],
    "training.batch_size": {"from": 1, "to": 8},
    "training.learning_rate": [1e-4, 1e-3, 1e-2],
}
"""8 networks, 192 points."""


SMALL = {"model": {"builder": "cnn", "filters": [2, 4]}, "data": {"source": "digits"}}
"""A recipe whose networks are compiled in a second."""


@pytest.fixture(scope="module")
def walked():
    return xray(load_space(space(GRID, constraints=["parameters <= 20e3"])), timing=False)


def test_a_small_space_is_walked(walked):
    judge = Judge(walked.space)
    verdicts = [judge.judge(point) for point in walked.space.points()]
    infeasible = [verdict for verdict in verdicts if not verdict.feasible]
    assert (walked.points, walked.judged, walked.exact) == (12, 12, True)
    assert walked.infeasible == len(infeasible) / 12
    assert walked.interval == (walked.infeasible, walked.infeasible)
    assert walked.feasible_count == 12 - len(infeasible)
    assert {reason.kind: reason.count for reason in walked.reasons} == {"parameters": 5, "model.upsampling": 2}
    assert [reason.count for reason in walked.reasons] == [5, 2]
    parameters = [verdict.parameters for verdict in verdicts if verdict.feasible]
    assert walked.spread["parameters"] == tuple(np.percentile(parameters, (0, 25, 50, 75, 100)))


def test_a_large_space_is_drawn_from():
    """The true share lies in the interval, and the count of feasible points near the estimate."""
    content = space(MANY, constraints=["memory <= 1.5e6"])
    judge = Judge(load_space(content))
    exact, drawn, again = (xray(judge.space, timing=False, samples=150, walked=walked, judge=judge) for walked in (200, 0, 0))
    assert (exact.exact, drawn.exact, drawn.judged, drawn.points) == (True, False, 150, exact.points)
    rng = np.random.default_rng(1)
    share = np.mean([not judge.judge(exact.space.sample(rng)).feasible for _ in range(500)])
    assert 0.2 < share < 0.8
    assert drawn.interval[0] < share < drawn.interval[1]
    assert drawn.interval[1] - drawn.interval[0] < 0.2
    assert drawn.feasible_count == pytest.approx(exact.feasible_count, rel=0.25)
    assert again.reasons == drawn.reasons


def test_advice_and_refusal(walked):
    assert (walked.advice.tuner, walked.refusal) == ("grid", None)
    none = xray(load_space(space(GRID, constraints=["macs <= 1"])), timing=False)
    assert (none.infeasible, none.advice, none.feasible_count, none.spread) == (1.0, None, 0, {})
    assert none.refusal.startswith("domains: expected points that can be built within the constraints.")
    drawn = xray(load_space(space(GRID, constraints=["macs <= 1"], search={"trials": 5})), timing=False, samples=3, walked=0)
    assert (drawn.advice.tuner, drawn.advice.trials, drawn.refusal) == ("random", 5, None)
    assert drawn.advice.message == "None of 3 points drawn at random is feasible: the search may find none."
    endless = {"training.learning_rate": {"from": 1e-4, "to": 1e-2}}
    refused = xray(load_space(space(endless, search={"tuner": "grid"})), timing=False, samples=3)
    assert (refused.points, refused.feasible_count, refused.advice) == (None, None, None)
    assert "refused: search.tuner: grid expects values" in refused.summary()


def test_an_objective_that_is_not_measured_is_refused():
    with pytest.raises(ArgumentError, match=r"search.objective: expected one of mean_iou, foreground_iou, loss"):
        xray(load_space(space(search={"objective": "accuracy"})), timing=False)


def test_the_text_fits_a_terminal(walked):
    console = Console(width=80)
    with console.capture() as capture:
        console.print(walked.table())
    for line in (capture.get() + walked.summary()).splitlines():
        assert len(line) <= 80
    text = walked.summary()
    assert "space space: 12 points, compared by mean_iou" in text
    assert "judged: all of them; infeasible: 58.3%" in text
    assert "5 by parameters, such as: " in text
    assert "feasible points: 5" in text
    assert "tuner: grid. 5 points are feasible for 40 trials" in text


@pytest.mark.slow
def test_the_duration_is_that_of_trials(tmp_path, monkeypatch):
    """A trial that is trained takes what was predicted, within the noise of a shared machine."""
    monkeypatch.setattr(timing, "STEPS", (2, 4))
    content = {
        "recipe": SMALL,
        "settings": {"training.epochs": 3},
        "domains": {"model.filters": [[2, 4], [8, 16]]},
        "search": {"trials": 2},
    }
    found = load_space(content)
    dataset = load_data(found.recipe)
    predicted = xray(found, dataset).duration
    began = time.perf_counter()
    recipe = found.recipe_of({"filters": "[8, 16]"})
    fit(build_for(recipe, dataset), dataset, recipe.training, tmp_path)
    taken = time.perf_counter() - began
    assert taken / 4 < predicted.trial[2] < taken * 4


def test_the_duration_of_a_search_is_that_of_its_trials(monkeypatch):
    monkeypatch.setattr(timing, "STEPS", (2, 4))
    predicted = xray(load_space({"recipe": SMALL, "domains": {"model.filters": [[2, 4], [8, 16]]}, "search": {"trials": 2}})).duration
    least, mean, most = predicted.trial
    assert predicted.networks == 2
    assert 0 < least <= mean <= most
    assert predicted.total == pytest.approx(2 * mean)


def test_the_line_of_durations():
    assert _fitted([1.0, 2.0, 3.0], [3.0, 5.0, 7.0]) == pytest.approx((1.0, 2.0))
    assert min(_fitted([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])) >= 0
    line = Timing(start=(1.0, 0.5), step=(0.1, 1e-9), validation=(0.05, 0.0), probes=(), items=(100, 20))
    verdict = Verdict(True, macs=10**7, layers=10)
    assert line.seconds(verdict, batch_size=10, epochs=3) == pytest.approx(1 + 5 + 3 * (10 * (0.1 + 0.1) + 2 * 0.05))
    assert line.seconds(verdict, batch_size=30, epochs=1, trainings=2) == pytest.approx(2 * 6 + 4 * (0.1 + 0.3) + 0.05)
