"""What mattered, for functions of which we know it."""

from dataclasses import replace

import numpy as np
import pytest

from kzoo.search.importance import importance

from .trials import function_of, outcome


def shares(found) -> dict[str, float]:
    return {i.name: i.share for i in found.found}


def test_one_that_matters_and_three_that_do_not():
    found = importance(function_of(40, lambda a, **_: a), "max")
    first, *others = found.found
    assert (first.name, first.matters) == ("a", True)
    assert first.low > 0.8
    assert not any(i.matters for i in others)
    assert found.explained > 0.7
    assert sum(shares(found).values()) == pytest.approx(1)
    assert all(0 <= i.low <= i.share <= i.high <= 1 for i in found.found)


def test_shares_go_with_the_variance_that_each_explains():
    """The variance of 2a + b is four parts a, one part b."""
    found = importance(function_of(120, lambda a, b, **_: 2 * a + b, noise=0.05), "max")
    assert shares(found)["a"] == pytest.approx(0.8, abs=0.08)
    assert shares(found)["b"] == pytest.approx(0.2, abs=0.08)
    assert {i.name for i in found.found if i.matters} == {"a", "b"}


def test_an_interaction_counts_for_both():
    """Of an exclusive or, neither part has an effect on its own."""
    found = importance(function_of(120, lambda a, b, **_: float((a > 0.5) != (b > 0.5))), "max")
    assert {i.name for i in found.found if i.matters} == {"a", "b"}
    assert min(shares(found)["a"], shares(found)["b"]) > 0.35


@pytest.mark.parametrize("count", [10, 20, 50])
def test_pure_noise_is_not_ranked(count):
    for seed in range(2):
        found = importance(function_of(count, lambda **_: 0, seed=seed), "max")
        assert found.found == ()
        assert "nothing can be concluded, since a random forest predicts" in str(found)


def test_a_category_counts_like_a_number():
    random = np.random.default_rng(0)
    trials = []
    for trial in range(40):
        values = {"pool": str(random.choice(["a", "b", "c"])), "flag": bool(random.integers(2)), "decay": random.choice([None, 0.1])}
        trials.append(outcome(trial, {"a": 1.0, "b": 0.0, "c": 1.0}[values["pool"]] + 0.1 * random.normal(), values=values))
    assert shares(importance(trials, "max"))["pool"] > 0.9


def conditional(count: int, matters: bool) -> list:
    """`kernel` is active only if `up` is `conv`; `up` matters, `kernel` only if told."""
    random, trials = np.random.default_rng(1), []
    for trial in range(count):
        values = {"up": str(random.choice(["conv", "nearest"]))}
        score = float(values["up"] == "conv")
        if values["up"] == "conv":
            values["kernel"] = int(random.choice([2, 3, 4]))
            score += matters * (values["kernel"] - 3)
        trials.append(outcome(trial, score + 0.1 * random.normal(), values=values))
    return trials


def test_to_be_inactive_is_the_merit_of_the_condition():
    first, second = importance(conditional(60, matters=False), "max").found
    assert (first.name, first.trials) == ("up", 60)
    assert first.share > 0.95
    assert (second.name, second.matters) == ("kernel", False)
    assert 20 < second.trials < 40


def test_a_conditional_hyperparameter_that_matters_is_found():
    found = importance(conditional(60, matters=True), "max")
    assert all(i.matters for i in found.found)


def test_the_seed_decides_on_everything_and_zero_is_a_seed():
    trials = function_of(20, lambda a, b, **_: a + b)
    assert importance(trials, "max", seed=0) == importance(trials, "max") != importance(trials, "max", seed=1)


def test_the_other_direction_turns_nothing_round():
    trials = function_of(30, lambda a, **_: a)
    turned = [replace(t, score=-t.score) for t in trials]
    assert shares(importance(trials, "max")) == pytest.approx(shares(importance(turned, "min")))


def test_one_trial_that_diverged_does_not_decide_alone():
    trials = function_of(40, lambda a, **_: a)
    trials[7] = replace(trials[7], score=1e9)
    assert shares(importance(trials, "min"))["a"] > 0.8


def test_the_last_of_trials_that_continue_one_another_counts():
    trials = function_of(20, lambda a, **_: a)
    continued = [replace(t, trial=f"1{t.trial}", promoted_from=t.trial) for t in trials]
    assert importance([*trials, *continued], "max").trials == 20


@pytest.mark.parametrize(
    ("trials", "doubt"),
    [
        ([], "0 trials have a score and 10 are needed"),
        ([outcome(0, 0.5), outcome(1, float("nan")), outcome(2, None, "failed")], "1 trial has a score and 10 are needed"),
        ([outcome(i, i / 10) for i in range(10)], "no hyperparameter varies"),
        ([outcome(i, 0.5, values={"x": i}) for i in range(10)], "all trials score alike"),
    ],
)
def test_too_little_to_conclude_from(trials, doubt):
    found = importance(trials, "max")
    assert (found.found, found.doubt, found.explained) == ((), doubt, None)
