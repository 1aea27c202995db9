"""The judge: equal to the network that is built, refusals by kind, and no weights."""

import keras
import numpy as np
import pytest

from kzoo import profile
from kzoo.search import Judge, load_space
from kzoo.search import feasibility as module
from kzoo.training.prepare import prepare
from kzoo.training.record import cost_metrics
from tests.search.spaces import space


def test_costs_are_those_of_the_network_that_is_trained():
    domains = {
        "model.depth": [1, 2],
        "model.normalization": ["batch", "none"],
        "training.batch_size": [1, 8],
        "training.optimizer": ["sgd", "adam"],
        "training.precision": ["float32", "mixed_bfloat16"],
    }
    found = load_space(space(domains))
    judge = Judge(found)
    rng = np.random.default_rng(0)
    for _ in range(6):
        values = found.sample(rng)
        recipe = found.recipe_of(values)
        _, model = prepare(recipe)
        facts = profile(model, optimizer=recipe.training.optimizer)
        verdict = judge.judge(values)
        assert (verdict.parameters, verdict.macs, verdict.layers) == (facts.total, facts.macs, len(facts.layers))
        assert verdict.memory == cost_metrics(facts, recipe.training.batch_size)["cost/training_bytes"]
        assert verdict.feasible


def test_networks_are_judged_once_whatever_the_training(monkeypatch):
    measured = []
    measure = module._measure
    monkeypatch.setattr(module, "_measure", lambda *given: measured.append(given) or measure(*given))
    domains = {"model.depth": [1, 2], "training.learning_rate": [1e-3, 1e-2], "training.batch_size": [1, 2, 4]}
    found = load_space(space(domains))
    judge = Judge(found)
    verdicts = [judge.judge(point) for point in found.points()]
    assert len(measured) == 2
    assert len({verdict.memory for verdict in verdicts}) == 6


@pytest.mark.keras3
def test_nothing_with_weights_is_built(monkeypatch):
    def allocate(*_):
        raise AssertionError("a variable was allocated")

    monkeypatch.setattr(keras.Variable, "_initialize_with_initializer", allocate)
    found = load_space(space(constraints=["parameters <= 1e4"]))
    kinds = {Judge(found).judge(point).kind for point in list(found.points())[::40]}
    assert kinds <= {None, "parameters"}


def test_refusals_by_kind():
    domains = {"model.upsampling": ["max_unpool", "nearest"], "model.downsampling": ["avg_pool", "max_pool"], "model.filters": [4, 64]}
    found = load_space(space(domains, constraints=["parameters <= 1e5", "memory >= 1"]))
    judge = Judge(found)
    verdict = judge.judge({"upsampling": "max_unpool", "downsampling": "avg_pool", "filters": 4})
    assert (verdict.feasible, verdict.kind, verdict.parameters) == (False, "model.upsampling", None)
    assert verdict.reason.startswith('model.upsampling: expected downsampling="max_pool" for max_unpool')
    verdict = judge.judge({"upsampling": "nearest", "downsampling": "avg_pool", "filters": 64})
    assert (verdict.feasible, verdict.kind) == (False, "parameters")
    assert verdict.reason == f"parameters: {verdict.parameters / 1e6:.3g} M, more than 100 k"
    assert judge.judge({"upsampling": "max_unpool", "downsampling": "max_pool", "filters": 4}).feasible


def test_a_training_that_the_data_do_not_allow():
    recipe = {"model": {"builder": "cnn", "filters": 4}, "data": {"source": "digits"}}
    found = load_space({"recipe": recipe, "domains": {"training.loss": ["crossentropy", "dice"]}})
    verdict = Judge(found).judge({"loss": "dice"})
    assert (verdict.kind, verdict.reason) == (
        "training.loss",
        "training.loss: expected crossentropy for classification data. Received: dice.",
    )


def test_whatever_a_builder_raises_refuses_the_point(monkeypatch):
    def build(*_):
        raise TypeError("a layer of another version of Keras")

    monkeypatch.setattr(module, "build_for", build)
    found = load_space(space({"model.depth": [1, 2]}))
    verdict = Judge(found).judge({"depth": 1})
    assert (verdict.feasible, verdict.kind) == (False, "model")
    assert verdict.reason == "model: TypeError: a layer of another version of Keras"


def test_sizes_that_are_searched():
    """The data set is read once for each size, and illegal ones are refused as the builder refuses them."""
    settings = {"model.padding": "valid"}
    found = load_space(space({"data.size": [32, 92, 100], "training.epochs": [1, 2]}, settings=settings))
    judge = Judge(found)
    verdicts = {size: judge.judge({"size": size, "epochs": 1}) for size in (32, 92, 100)}
    assert [verdict.feasible for verdict in verdicts.values()] == [False, True, True]
    assert verdicts[32].kind == "model.input_shape"
    assert verdicts[92].macs < verdicts[100].macs
    assert len(judge._datasets) == 3


def test_weights_are_not_read(tmp_path):
    """The file need not even be there: what it holds does not change what the network costs."""
    found = load_space(space({"model.depth": [1, 2]}, settings={"model.weights": str(tmp_path / "none.keras")}))
    assert Judge(found).judge({"depth": 1}).feasible


@pytest.mark.parametrize("given", [True, False])
def test_a_data_set_that_is_given_is_not_read_again(given, monkeypatch):
    found = load_space(space({"model.depth": [1, 2]}))
    dataset = module.load_data(found.recipe)
    read = []
    monkeypatch.setattr(module, "load_data", lambda recipe: read.append(recipe) or dataset)
    judge = Judge(found, dataset if given else None)
    assert all(judge.judge(point).feasible for point in found.points())
    assert len(read) == (0 if given else 1)
