"""Words for trials."""

from kzoo.search.wording import count_text, duration, number, reasons, score_text, states, value_of, varying

from .trials import outcome


def test_a_hyperparameter_varies_also_if_it_is_inactive_in_some_trials():
    trials = [outcome(0, values={"up": "a", "kernel": 2, "depth": 3}), outcome(1, values={"up": "b", "depth": 3})]
    assert varying(trials) == ["up", "kernel"]
    assert [value_of(t, "kernel") for t in trials] == ["2", "–"]


def test_true_and_one_are_two_values():
    assert varying([outcome(0, values={"x": True}), outcome(1, values={"x": 1})]) == ["x"]


def test_reasons_are_grouped_the_most_frequent_first():
    texts = ["out of memory", "NaN at epoch 3", "NaN at epoch 12", "NaN at epoch 3", None, "step 1 of 2", "step 3 of 4"]
    trials = [outcome(i, None, "failed", reason=text) for i, text in enumerate(texts)]
    expected = [("NaN at epoch 3, 12", 3), ("step … of …", 2), ("out of memory", 1), ("unknown reason", 1)]
    assert reasons([*trials, outcome(9, 0.5)]) == expected


def test_states_leave_out_what_is_not_there():
    assert states([outcome(0, 0.5), outcome(1, None, "running"), outcome(2, 0.4)]) == {"completed": 2, "running": 1}


def test_the_spread_is_the_standard_deviation_over_executions():
    assert score_text(outcome(0, 0.5, scores=(0.4, 0.6))) == "0.5000 ± 0.1414"
    assert score_text(outcome(0, 0.5, scores=(0.5,))) == "0.5000"
    assert score_text(outcome(0)) == "–"


def test_numbers_at_the_borders():
    assert [count_text(n) for n in (0, 999, 1000, 999_499, 999_500, 10**9)] == ["0", "999", "1 k", "999 k", "1 M", "1 G"]
    assert [number(v) for v in (0.0, -0.25, 9.9e-4, 12345.6)] == ["0.0000", "-0.2500", "0.00099", "1.235e+04"]
    assert [duration(s) for s in (9.96, 59.4, 60, 3599.6, 3600)] == ["10 s", "59 s", "1 min 0 s", "1 h 0 min", "1 h 0 min"]
