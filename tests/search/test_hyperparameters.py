"""keras-tuner and the space agree: on what is active, on the values, and on the order of a grid."""

import pytest

from kzoo.search import load_space, shipped_spaces
from kzoo.search.hyperparameters import declare, to_keras_tuner
from tests.search.spaces import space
from tests.search.test_points import NESTED

keras_tuner = pytest.importorskip("keras_tuner")

KINDS = {
    "model.depth": {"from": 1, "to": 3},
    "model.strides": [2, [2, 1], [2, 2]],
    "model.activation": ["relu", {"LeakyReLU": {"negative_slope": 0.1}}],
    "model.classifier_activation": {"choices": [None, "auto"], "when": {"model.activation": "relu"}},
    "model.skip": {"choices": ["add", "none"], "when": {"model.activation": {"LeakyReLU": {"negative_slope": 0.1}}}},
    "model.l2": {"from": 0.1, "to": 0.9, "step": 0.1},
    "model.dropout": {"from": 0, "to": 0.5},
    "training.learning_rate": {"from": 1e-4, "to": 1e-1, "scale": "log"},
    "training.batch_size": {"from": 2, "to": 32, "step": 2, "scale": "log"},
    "training.epochs": {"from": 1, "to": 50, "scale": "log"},
    "training.weight_decay": {"from": 0.1, "to": 1.0, "when": {"model.depth": [2, 3], "model.skip": "add"}},
}


class Draws(keras_tuner.Oracle):
    """keras-tuner's own random draws, without trials."""

    def populate_space(self, trial_id):  # noqa: ARG002
        return {"status": "RUNNING", "values": self._random_values()}


def draws(found, number: int) -> list[dict]:
    oracle = Draws(objective=keras_tuner.Objective("score", "max"), hyperparameters=to_keras_tuner(found), seed=7, max_trials=10**6)
    return [oracle.populate_space(str(trial))["values"] for trial in range(number)]


@pytest.mark.parametrize("content", [space(), space(NESTED), space(KINDS)], ids=["depth", "nested", "kinds"])
def test_every_draw_of_keras_tuner_is_a_point(content):
    """Active are exactly the dimensions whose conditions hold, and every value is one that the recipe takes."""
    found = load_space(content)
    seen = set()
    for values in draws(found, 400):
        assert set(values) == set(found.active(values))
        for dimension in found.dimensions:
            assert (dimension.name in values) == all(values.get(c.parent) in c.values for c in dimension.conditions)
        settings = found.settings_of(values)
        assert {domain.path for domain in found.domains if domain.dimensions[0].name in values} == set(settings)
        recipe = found.recipe_of(values)
        assert all(recipe.model[path.removeprefix("model.")] == value for path, value in settings.items() if path.startswith("model."))
        seen |= {(name, value) for name, value in values.items()}
    for dimension in found.dimensions:
        if dimension.values is not None and len(dimension.values) < 10:
            assert {value for name, value in seen if name == dimension.name} == set(dimension.values)


@pytest.mark.parametrize("content", [space(), space(NESTED)], ids=["depth", "nested"])
def test_random_draws_find_the_points(content):
    found = load_space(content)
    drawn = {tuple(sorted(values.items())) for values in draws(found, 3000)}
    points = {tuple(sorted(point.items())) for point in found.points()}
    assert drawn <= points
    assert len(drawn) > 0.95 * len(points)


def test_keras_tuners_defaults_are_those_of_the_space():
    for name in shipped_spaces():
        found = load_space(name)
        assert to_keras_tuner(found).values == found.default


def test_a_copy_through_keras_tuners_configuration_is_the_same():
    """Oracles keep their hyperparameters as JSON."""
    parameters = to_keras_tuner(load_space(space(KINDS)))
    again = keras_tuner.HyperParameters.from_config(parameters.get_config())
    assert [parameter.get_config() for parameter in again.space] == [parameter.get_config() for parameter in parameters.space]
    assert again.values == parameters.values


def test_values_that_are_there_already_are_kept():
    found = load_space(space())
    parameters = keras_tuner.HyperParameters()
    parameters.values = {"depth": 3, "filters_3": 8}
    declare(found, parameters)
    assert parameters.values == {**found.default, "depth": 3, "filters_3": 8}
    declare(found, parameters)
    assert len(parameters.space) == len(found.dimensions)
