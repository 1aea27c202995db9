"""Spaces over named objects: choices among them, and domains of their arguments by path."""

import pytest

from kzoo import load_space
from kzoo.search.feasibility import Judge
from kzoo.search.loading import SpaceError
from tests.conftest import small_recipe
from tests.things import LOOKAHEAD, RADAM

WRAPPED = {LOOKAHEAD: {"optimizer": {RADAM: {"learning_rate": 1e-2}}, "sync_period": 6}}


def space(domains, **settings):
    return load_space({"recipe": small_recipe(**settings), "domains": domains, "search": {"trials": 2}})


def problems(domains, **settings):
    with pytest.raises(SpaceError) as caught:
        space(domains, **settings)
    return caught.value.problems


def test_arguments_of_named_objects_by_path():
    found = space(
        {
            "training.optimizer.optimizer.learning_rate": {"from": 1.0e-4, "to": 1.0e-1, "scale": "log"},
            "training.optimizer.sync_period": {"from": 2, "to": 8},
        },
        training__optimizer=WRAPPED,
    )
    assert [(d.name, d.kind, d.default) for d in found.dimensions] == [("learning_rate", "float", 0.01), ("sync_period", "int", 6)]
    recipe = found.recipe_of({"learning_rate": 0.001, "sync_period": 3})
    assert recipe.training.optimizer == {LOOKAHEAD: {"optimizer": {RADAM: {"learning_rate": 0.001}}, "sync_period": 3}}
    assert load_space(found.resolved()).digest() == found.digest()


def test_choices_among_named_objects_and_what_only_one_of_them_has():
    found = space(
        {
            "training.optimizer": ["adam", {RADAM: {"amsgrad": True}}],
            "training.optimizer.sma_threshold": {"choices": [4.0, 5.0], "when": {"training.optimizer": {RADAM: {"amsgrad": True}}}},
        }
    )
    assert found.cardinality() == 3
    optimizers = [found.recipe_of(point).training.optimizer for point in found.points()]
    assert optimizers == ["adam", *({RADAM: {"amsgrad": True, "sma_threshold": value}} for value in (4.0, 5.0))]
    verdicts = [Judge(found).judge(point) for point in found.points()]
    assert all(verdict.feasible for verdict in verdicts)


def test_mistakes_in_domains():
    assert problems({"training.optimizer.period": [2, 3]}, training__optimizer=WRAPPED)[0].startswith(
        "domains.training.optimizer.period: unknown; expected one of optimizer, sync_period"
    )
    assert problems({"training.optimizer": ["adam", "keras.optimizers.Adm"]}) == [
        "domains.training.optimizer.keras.optimizers.Adm: expected a name in keras.optimizers. Received: Adm. Did you mean Adam?"
    ]
    assert problems({"training.optimizer": ["adam", RADAM], "training.optimizer.epsilon": [1e-7, 1e-5]}) == [
        "domains.training.optimizer.epsilon: cannot be set, since optimizer is a single value."
    ]
    metrics = {"training__metrics": [{"keras.metrics.MeanIoU": {"name": "iou"}}], "training__direction": "max"}
    assert problems({"training.metrics.0.name": ["a", "b"]}, **metrics) == [
        "domains.training.metrics.0.name: cannot be searched: trials are compared by the same metrics."
    ]
    assert load_space({"recipe": small_recipe(**metrics), "domains": {"model.filters": [4, 8]}, "search": {"objective": "iou"}})
    losses = {"training.loss.delta": {"from": 1.0, "to": 2.0}}
    assert (
        "domains.training.loss.delta: expected an objective other than loss"
        in problems(losses, training__loss={"keras.losses.Huber": {}}, training__monitor="loss")[0]
    )


@pytest.mark.parametrize(
    ("domains", "settings", "kind"),
    [
        (
            {"training.optimizer.momentum": [0.5, 3.0]},
            {"training__optimizer": {"keras.optimizers.SGD": {}}},
            "training.optimizer.keras.optimizers.SGD",
        ),
        (
            {"training.optimizer": ["adam", {LOOKAHEAD: {"optimizer": "keras.optimizers.SGD"}}]},
            {},
            f"training.optimizer.{LOOKAHEAD}",
        ),
        (
            {"training.callbacks": [None, [{"tests.things.Patient": {"patience": "x"}}]]},
            {},
            "training.callbacks.0.tests.things.Patient",
        ),
    ],
)
def test_points_whose_objects_refuse_their_arguments_are_not_feasible(domains, settings, kind):
    found = space(domains, **settings)
    good, bad = (Judge(found).judge(point) for point in found.points())
    assert good.feasible
    assert (bad.feasible, bad.kind) == (False, kind)
    assert f"{kind}: expected arguments that it takes" in bad.reason


def test_a_field_has_one_domain_however_its_path_is_written():
    sgd = {"training__optimizer": {"keras.optimizers.SGD": {"momentum": 0.5}}}
    full = "training.optimizer.keras.optimizers.SGD.momentum"
    found = space({full: [0.1, 0.2]}, **sgd)
    assert [domain.path for domain in found.domains] == ["training.optimizer.momentum"]
    assert [found.recipe_of(point).training.optimizer["keras.optimizers.SGD"]["momentum"] for point in found.points()] == [0.1, 0.2]
    assert problems({"training.optimizer.momentum": [0.3, 0.4], full: [0.1, 0.2]}, **sgd) == [
        f"domains.{full}: is searched already, as domains.training.optimizer.momentum. Leave one of them out."
    ]
    with pytest.raises(SpaceError, match=rf"settings.{full}: is searched, as domains.training.optimizer.momentum."):
        load_space({"recipe": small_recipe(**sgd), "domains": {"training.optimizer.momentum": [0.1, 0.2]}, "settings": {full: 0.3}})
