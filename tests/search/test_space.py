"""From the values of a trial to its recipe, and what tells two spaces apart."""

import numpy as np
import pytest

from kzoo.data import digits
from kzoo.errors import ArgumentError
from kzoo.search import load_space, shipped_spaces
from kzoo.search.space import objective_of
from kzoo.training.recipe import load_recipe
from tests.search.spaces import space


def test_names_paths_and_defaults():
    found = load_space(space())
    assert [(d.name, d.path, d.kind, d.default) for d in found.dimensions] == [
        ("depth", "model.depth", "choice", 2),
        ("filters_0", "model.filters", "choice", 4),
        ("filters_1", "model.filters", "choice", 4),
        ("filters_2", "model.filters", "choice", 4),
        ("filters_3", "model.filters", "choice", 4),
        ("kernel_size", "model.kernel_size", "int", 3),
        ("upsampling", "model.upsampling", "choice", "transposed_conv"),
        ("upsampling_kernel", "model.upsampling_kernel", "choice", 2),
    ]
    assert found.recipe.model["filters"] == [4, 4, 4]


def test_names_that_would_be_equal_are_whole_paths():
    domains = {"data.seed": [1, 2], "model.depth": [1, 2]}
    assert [d.name for d in load_space(space(domains)).dimensions] == ["seed", "depth"]
    recipe = {"model": {"builder": "cnn"}, "data": {"source": "digits"}, "training": {"early_stopping": {"patience": 3}}}
    domains = {"model.dropout": [0.0, 0.1], "training.early_stopping.patience": [2, 3]}
    found = load_space({"recipe": recipe, "domains": domains})
    assert [(d.name, d.default) for d in found.dimensions] == [("dropout", 0.0), ("patience", 3)]
    assert found.recipe_of({"dropout": 0.1, "patience": 2}).training.early_stopping.patience == 2
    recipe = {"model": {"builder": "unet", "encoder": {"builder": "cnn"}}, "data": {"source": "digit_scenes"}}
    domains = {
        "model.encoder.filters": [4, 8],
        "model.decoder_filters": [4, 8],
        "model.encoder.depth": {"choices": [1, 2], "when": {"model.encoder.filters": 4}},
    }
    assert [d.name for d in load_space({"recipe": recipe, "domains": domains}).dimensions] == ["filters", "decoder_filters", "depth"]
    domains = {
        "model.encoder.name": ["a", "b"],
        "data.size": [32, 64],
        "model.encoder.size": {"choices": [1, 2], "when": {"data.size": 32}},
    }
    found = load_space({"recipe": recipe, "domains": domains})
    assert [d.name for d in found.dimensions] == ["name", "data.size", "model.encoder.size"]
    assert found.dimensions[2].conditions[0].parent == "data.size"


def test_the_recipe_at_a_point():
    found = load_space(space())
    values = {"depth": 1, "filters_0": 8, "filters_1": 4, "kernel_size": 5, "upsampling": "nearest"}
    recipe = found.recipe_of({**values, "filters_3": 8, "upsampling_kernel": 4, "tuner/epochs": 3})
    assert recipe.model == {"filters": [8, 4], "depth": 1, "kernel_size": 5, "upsampling": "nearest"}
    assert (recipe.experiment, recipe.data, recipe.training) == ("small", found.recipe.data, found.recipe.training)


def test_the_text_of_a_trials_recipe_is_that_recipe(tmp_path):
    """The file that a winner is written to gives the same trial."""
    found = load_space(space())
    rng = np.random.default_rng(0)
    for _ in range(20):
        recipe = found.recipe_of(found.sample(rng))
        (tmp_path / "recipe.yaml").write_text(recipe.text)
        assert load_recipe(tmp_path / "recipe.yaml").digest() == recipe.digest()


def test_an_inactive_field_has_the_default_of_its_signature():
    settings = {"model.upsampling_kernel": 3}
    recipe = load_space(space({"model.depth": [1, 2]}, settings=settings)).recipe
    assert recipe.model["upsampling_kernel"] == 3
    content = space()
    content["recipe"] = {**content["recipe"], "model": {**content["recipe"]["model"], "upsampling_kernel": 3}}
    found = load_space(content)
    assert "upsampling_kernel" not in found.recipe_of({**found.default, "upsampling": "nearest"}).model
    assert found.recipe_of(found.default).model["upsampling_kernel"] == 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dept": 1}, "dept: unknown; expected one of depth, filters_0, .* Did you mean depth?"),
        ({"depth": 1}, "filters_0: missing; expected a value of model.filters."),
        ({"depth": 4}, "depth: expected one of 1, 2, 3. Received: 4."),
        ({"kernel_size": 9}, "kernel_size: expected an integer from 3 to 7. Received: 9."),
        ({"kernel_size": 3.5}, "kernel_size: expected an integer from 3 to 7. Received: 3.5."),
        ({"kernel_size": "3"}, "kernel_size: expected an integer from 3 to 7. Received: '3'."),
    ],
)
def test_values_that_the_space_does_not_have(values, message):
    found = load_space(space())
    complete = values if len(values) == 1 and values in ({"dept": 1}, {"depth": 1}) else {**found.default, "filters_3": 4, **values}
    with pytest.raises(ArgumentError, match=message):
        found.recipe_of(complete)


def test_widths_that_double():
    domains = {"model.filters": {"double_per_stage_from": [4, 8]}, "model.blocks": {"double_per_stage_from": [1], "stages": 3}}
    found = load_space(space(domains))
    assert found.recipe_of({"filters": 8, "blocks": 1}).model == {"filters": 8, "depth": 2, "blocks": [1, 2, 4]}
    domains = {"model.depth": [1, 2], "model.filters": {"double_per_stage_from": {"from": 4, "to": 8}, "stages": "model.depth + 1"}}
    found = load_space(space(domains))
    assert found.recipe_of({"depth": 1, "filters": 7}).model["filters"] == [7, 14]
    assert found.recipe_of({"depth": 2, "filters": 5}).model["filters"] == [5, 10, 20]
    assert found.cardinality() == 2 * 5


def test_stages_by_a_value_of_the_recipe():
    found = load_space(space({"model.blocks": {"per_stage": [1, 2], "stages": "model.depth+1"}}))
    assert found.recipe_of({"blocks_0": 1, "blocks_1": 2, "blocks_2": 1}).model["blocks"] == [1, 2, 1]


def test_lists_nulls_and_layers_are_values():
    domains = {
        "model.strides": [2, [2, 1]],
        "model.classifier_activation": [None, "auto"],
        "model.activation": ["relu", {"LeakyReLU": {"negative_slope": 0.1}}],
        "model.dropout": [0, 0.1],
    }
    found = load_space(space(domains))
    assert [d.values for d in found.dimensions] == [
        ("2", "[2, 1]"),
        ("null", "auto"),
        ("relu", '{"LeakyReLU": {"negative_slope": 0.1}}'),
        (0.0, 0.1),
    ]
    values = {"strides": "[2, 1]", "classifier_activation": "null", "activation": found.dimensions[2].values[1], "dropout": 0.0}
    model = found.recipe_of(values).model
    assert (model["strides"], model["classifier_activation"], model["dropout"]) == ([2, 1], None, 0)
    assert model["activation"] == {"LeakyReLU": {"negative_slope": 0.1}}


def test_what_was_resolved_can_be_loaded():
    for content in (space(constraints=["macs >= 1000"], search={"seed": 3}), *shipped_spaces()):
        found = load_space(content)
        again = load_space(found.resolved())
        assert (again.digest(), again.dimensions, again.search) == (found.digest(), found.dimensions, found.search)
        assert found.differences(again) == []


def test_differences_are_named():
    found = load_space(space(constraints=["macs <= 1e6"]))
    more = {"search.trials": 99, "search.retries": 2}
    assert found.digest() == load_space(found, more).digest()
    assert found.differences(load_space(found, more)) == []
    changes = {"training.epochs": 9, "search.seed": 1, "domains.model.depth": [1, 2], "constraints": []}
    other = load_space(found, changes)
    assert other.digest() != found.digest()
    assert found.differences(other) == [
        "recipe.training.epochs: 2 here, 9 there",
        "domains.model.depth: [1, 2, 3] here, [1, 2] there",
        "constraints: [macs <= 1e+06] here, [] there",
        "search.seed: 0 here, 1 there",
    ]


def test_the_order_of_domains_is_a_difference():
    first, second = ({"model.depth": [1, 2], "model.skip": ["add", "none"]}, {"model.skip": ["add", "none"], "model.depth": [1, 2]})
    assert load_space(space(first)).differences(load_space(space(second))) == [
        "order of the domains: [model.depth, model.skip] here, [model.skip, model.depth] there"
    ]


def test_the_objective_must_be_measured_on_the_data():
    recipe = {"model": {"builder": "cnn"}, "data": {"source": "digits"}}
    given = {"recipe": recipe, "domains": {"model.depth": [1, 2]}}
    assert objective_of(load_space(given), digits()) == ("accuracy", "max")
    assert objective_of(load_space({**given, "search": {"objective": "loss"}}), digits()) == ("loss", "min")
    with pytest.raises(ArgumentError, match=r"search.objective: expected one of accuracy, loss, which the recipe measures"):
        objective_of(load_space({**given, "search": {"objective": "mean_iou"}}), digits())
