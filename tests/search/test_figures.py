"""The figures of a search: what they draw, and that nothing on them overlaps."""

import io
from itertools import combinations

import numpy as np
import pytest

from kzoo.search.figures import best_so_far, importance_figure, pareto_figure, pareto_front
from kzoo.search.importance import Importance, Importances

from .trials import long_search, outcome


def line(axis, label: str):
    return next(line for line in axis.get_lines() if line.get_label() == label)


def rendered(figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    return file.getvalue()


def costly(trial: int, score: float, macs, seconds: float = 1.0, status: str = "completed"):
    return outcome(trial, score, status, macs=macs, seconds=seconds)


def test_the_best_so_far_is_the_running_best():
    trials = [outcome(0, 0.5), outcome(1, None, "failed"), outcome(2, 0.4), outcome(3, 0.8), outcome(4, 0.7), outcome(5, None, "running")]
    for direction, best in (("max", [0.5, 0.5, 0.8, 0.8, 0.8]), ("min", [0.5, 0.4, 0.4, 0.4, 0.4])):
        axis = best_so_far(trials[::-1], "val/iou", direction).axes[0]
        steps = line(axis, "best so far")
        assert list(steps.get_xdata()) == [1, 3, 4, 5, 6]
        assert list(steps.get_ydata()) == best
        assert list(line(axis, "failed (1)").get_xdata()) == [2]
    assert [text.get_text() for text in axis.texts] == ["trial 002"]


def test_of_equal_scores_the_first_is_the_best():
    axis = best_so_far([outcome(i, 0.5) for i in range(3)], "val/iou", "max").axes[0]
    assert [text.get_text() for text in axis.texts] == ["trial 000"]


def test_a_score_that_is_no_number_is_not_drawn():
    axis = best_so_far([outcome(0, float("nan")), outcome(1, 0.5)], "val/loss", "min").axes[0]
    assert list(line(axis, "best so far").get_ydata()) == [0.5, 0.5]


def test_the_front_against_all_pairs():
    random = np.random.default_rng(0)
    costs, scores = random.integers(0, 12, 80).tolist(), random.integers(0, 12, 80).tolist()
    front = pareto_front(costs, scores, "max")

    def beaten(i: int) -> bool:
        better = [costs[j] <= costs[i] and scores[j] >= scores[i] and (costs[j], scores[j]) != (costs[i], scores[i]) for j in range(80)]
        return any(better) or (costs[i], scores[i]) in [(costs[j], scores[j]) for j in range(i)]

    assert sorted(front) == [i for i in range(80) if not beaten(i)]
    assert pareto_front(costs, [-s for s in scores], "min") == front


def test_a_pruned_trial_belongs_to_no_front_though_it_was_quick():
    trials = [costly(0, 0.5, 10**6, 20.0), costly(1, 0.9, 10**8, 90.0), costly(2, 0.7, 10**5, 1.0, "pruned")]
    macs, seconds = pareto_figure(trials, "val/iou", "max").axes
    assert list(line(macs, "Pareto front").get_xdata()) == [10**6, 10**8]
    assert list(line(seconds, "Pareto front").get_ydata()) == [0.5, 0.9]
    assert sorted(text.get_text() for text in macs.texts) == ["000", "001"]


def test_the_axis_is_logarithmic_where_it_spans_decades():
    near, far = ([costly(0, 0.5, 10**6), costly(1, 0.6, macs)] for macs in (9 * 10**6, 10**7))
    assert [pareto_figure(trials, "val/iou", "max").axes[0].get_xscale() for trials in (near, far)] == ["linear", "log"]


def test_trials_without_macs_leave_that_panel_empty():
    macs, seconds = pareto_figure([costly(0, 0.5, None)], "val/iou", "max").axes
    assert [text.get_text() for text in macs.texts] == ["no trial has a score and MACs"]
    assert list(line(seconds, "Pareto front").get_xdata()) == [1.0]


def test_names_on_the_front_do_not_cover_one_another():
    trials = [costly(i, i / 200, 10**6 + i * 10**4, 1.0 + i) for i in range(60)]
    figure = pareto_figure(trials, "val/iou", "max")
    figure.draw_without_rendering()
    for axis in figure.axes:
        boxes = [text.get_window_extent() for text in axis.texts]
        assert 5 < len(boxes) < 60
        assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
        assert "059" in [text.get_text() for text in axis.texts]


def test_importances_with_their_intervals():
    found = Importances((Importance("model.filters", 0.9, 0.5, 0.97, 30), Importance("rate", 0.1, 0.0, 0.3, 30)), 30, 0.8)
    axis = importance_figure(found).axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["rate", "model.filters"]
    assert [bar.get_width() for bar in axis.patches] == [0.1, 0.9]
    assert axis.patches[0].get_facecolor() != axis.patches[1].get_facecolor()
    whiskers = axis.collections[0].get_segments()
    assert np.allclose([segment[:, 0] for segment in whiskers], [[0.0, 0.3], [0.5, 0.97]])


def test_a_doubt_is_said_in_place_of_bars():
    axis = importance_figure(Importances((), 3, doubt="3 trials have a score and 10 are needed")).axes[0]
    assert [text.get_text() for text in axis.texts] == ["Nothing can be concluded, since\n3 trials have a score and 10 are needed."]
    assert len(axis.patches) == 0


@pytest.mark.parametrize("trials", [[], long_search(3), long_search(60), [outcome(i, 0.5) for i in range(4)]])
def test_every_search_can_be_drawn(trials):
    for figure in (best_so_far(trials, "val/mean_iou", "max"), pareto_figure(trials, "val/mean_iou", "min")):
        assert len(rendered(figure)) > 2000
