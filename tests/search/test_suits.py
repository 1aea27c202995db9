"""Which tuner suits: every rule, and Hyperband's brackets as keras-tuner runs them."""

import pytest

from kzoo.errors import InputError
from kzoo.search import check_tuner, load_space
from kzoo.search.suits import brackets, hyperband_epochs
from tests.search.spaces import space

FINITE = {"model.depth": [1, 2, 3], "model.skip": ["concat", "add"], "model.filters": [4, 8, 16]}
WIDE = {**FINITE, "training.batch_size": [2, 4, 8]}
"""54 points."""

ENDLESS = {**FINITE, "training.learning_rate": {"from": 1e-4, "to": 1e-2, "scale": "log"}}


def searched(domains, tuner, trials=None, epochs=27):
    search = {"tuner": tuner, **({} if trials is None else {"trials": trials})}
    return load_space(space(domains, search=search, settings={"training.epochs": epochs}))


@pytest.mark.parametrize(
    ("domains", "tuner", "trials", "feasible", "used", "limit", "said"),
    [
        (FINITE, "random", 10, 18, "random", 10, None),
        (FINITE, "random", 18, 18, "grid", None, "18 points are feasible for 18 trials: all that are feasible are trained once"),
        (FINITE, "random", 18, None, "grid", None, "18 points are there for 18 trials: all that are feasible are trained once"),
        (FINITE, "random", 17, None, "random", 17, None),
        (FINITE, "grid", None, 18, "grid", None, None),
        (FINITE, "grid", 6, 18, "grid", 6, "The grid ends after 6 of 18 points, in the order of the file"),
        (FINITE, "bayesian", 30, 18, "grid", None, "18 points are feasible for 30 trials: Bayesian search would repeat points."),
        (FINITE, "bayesian", 30, None, "grid", None, "18 points are there for 30 trials: Bayesian search would repeat points."),
        (FINITE, "bayesian", 9, 18, "random", 9, "Bayesian search draws its first 9 points at random and there are 9 trials"),
        (FINITE, "bayesian", 12, 18, "bayesian", 12, None),
        (FINITE, "hyperband", None, 18, "grid", None, "Hyperband's brackets draw 49 different points and 18 points are feasible"),
        (FINITE, "hyperband", None, None, "grid", None, "Hyperband's brackets draw 49 different points and 18 points are there"),
        (WIDE, "hyperband", None, None, "hyperband", None, None),
        (WIDE, "hyperband", None, 48, "grid", None, "Hyperband's brackets draw 49 different points and 48 points are feasible"),
        (WIDE, "grid", 6, None, "grid", 6, None),
        (ENDLESS, "hyperband", None, None, "hyperband", None, None),
        (ENDLESS, "bayesian", 40, None, "bayesian", 40, None),
        (ENDLESS, "random", 40, None, "random", 40, None),
    ],
)
def test_advice(domains, tuner, trials, feasible, used, limit, said):
    advice = check_tuner(searched(domains, tuner, trials), feasible)
    assert (advice.tuner, advice.trials) == (used, limit)
    assert advice.message is None if said is None else advice.message.startswith(said)


def test_refusals():
    with pytest.raises(InputError, match=r"grid expects values that can be listed. Received: a range at domains.training.learning_rate"):
        check_tuner(searched(ENDLESS, "grid"), None)
    for tuner in ("random", "grid", "hyperband", "bayesian"):
        with pytest.raises(InputError, match=r"expected points that can be built within the constraints. Received: none"):
            check_tuner(searched(FINITE, tuner), 0)


@pytest.mark.parametrize(("epochs", "factor"), [(9, 3), (27, 3), (10, 3), (100, 3), (8, 2), (50, 4)])
def test_brackets_are_those_of_keras_tuner(epochs, factor):
    hyperband = pytest.importorskip("keras_tuner.src.tuners.hyperband")
    oracle = hyperband.HyperbandOracle(max_epochs=epochs, factor=factor)
    found = load_space(space(FINITE, search={"tuner": "hyperband", "hyperband": {"factor": factor}}, settings={"training.epochs": epochs}))
    numbers = reversed(range(oracle._get_num_brackets()))
    assert brackets(found) == [
        [(oracle._get_size(b, r), oracle._get_epochs(b, r)) for r in range(oracle._get_num_rounds(b))] for b in numbers
    ]


def test_the_epochs_of_all_brackets():
    """9 for 1 epoch, 3 of them for 2 more, 1 for 6 more; 5 for 3, 2 for 6 more; 3 for 9."""
    found = load_space(space(FINITE, search={"tuner": "hyperband"}, settings={"training.epochs": 9}))
    assert hyperband_epochs(found) == 9 + 3 * 2 + 6 + 5 * 3 + 2 * 6 + 3 * 9
