"""Recipes: all mistakes at once, overrides, defaults, and those that ship."""

from pathlib import Path

import pytest
import yaml

from kzoo import InputError, load_recipe
from kzoo.models import BUILDERS
from kzoo.schema import Written
from kzoo.training.recipe import RecipeError, builder_problems, shipped_recipes
from tests.conftest import small_recipe


def test_several_mistakes_are_named_before_any_work(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        """
experment: x
model: {builder: unet, downsampling: maxpol, filtres: 3, filters: [8, 16]}
data: {source: digit_scenes, size: big}
training: {epochs: 0, optimizer: addam, early_stopping: {patience: 0}}
"""
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert caught.value.problems == [
        "experment: unknown; expected one of experiment, run, model, data, training. Did you mean experiment?",
        "model.downsampling: expected one of max_pool, avg_pool, strided_conv, strided_conv_widen, strided_first_conv, blur_pool. "
        "Received: maxpol. Did you mean max_pool?",
        next(p for p in caught.value.problems if p.startswith("model.filtres: unknown;") and p.endswith("Did you mean filters?")),
        "model.filters: expected one value or 5 (one per stage, depth=4). Received: 2 values, [8, 16].",
        "data.size: expected an integer of at least 32 and at most 192. Received: big.",
        "training.epochs: expected an integer of at least 1. Received: 0.",
        "training.optimizer: expected one of adam, adamw, sgd, rmsprop, nadam, lion or an import path. Received: addam. Did you mean adam?",
        "training.early_stopping.patience: expected an integer of at least 1. Received: 0.",
    ]
    assert str(caught.value).splitlines()[0].startswith(f"{path}: experment")


def test_what_the_builder_refuses_is_named_beside_the_rest():
    """Lengths are not in the type hints; the builder itself is asked, so that one reading finds all mistakes."""
    recipe = small_recipe(model__filters=[4, 8], training__epochs=0)
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe)
    assert caught.value.problems == [
        "model.filters: expected one value or 3 (one per stage, depth=2). Received: 2 values, [4, 8].",
        "training.epochs: expected an integer of at least 1. Received: 0.",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": {"source": "digits"}}, f"model.builder: missing; expected one of {', '.join(BUILDERS)}."),
        (
            {"model": {"builder": "umet"}, "data": {"source": "digits"}},
            f"model.builder: expected one of {', '.join(BUILDERS)}. Received: umet. Did you mean unet?",
        ),
        ({"model": {"builder": "cnn"}, "data": {"source": "image_folder"}}, "data.path: missing; expected a path."),
        ({"model": {"builder": "cnn"}, "data": {"source": "digits"}, "run": 3}, "run: expected text. Received: 3."),
    ],
)
def test_single_mistakes(content, message):
    with pytest.raises(RecipeError) as caught:
        load_recipe(content)
    assert caught.value.problems == [message]


def test_overrides_by_path():
    recipe = load_recipe(small_recipe(), {"model.depth": 1, "training.early_stopping.patience": 2, "training.seed": 7})
    assert recipe.model["depth"] == 1
    assert recipe.training.early_stopping.patience == 2
    assert recipe.training.seed == 7
    with pytest.raises(RecipeError, match=r"model\.depth\.x: cannot be set, since depth is a single value"):
        load_recipe(small_recipe(), {"model.depth.x": 1})


def test_resolved_names_every_default_and_reads_back():
    resolved = load_recipe(small_recipe()).resolved()
    assert resolved["model"]["upsampling"] == "transposed_conv"
    assert resolved["training"]["optimizer"] == "adam"
    again = load_recipe(yaml.safe_load(yaml.safe_dump(resolved)))
    assert again.resolved() == resolved
    assert again.digest() == load_recipe(small_recipe()).digest()


def test_digest_tells_recipes_apart_but_not_their_names():
    digest = load_recipe(small_recipe()).digest()
    assert load_recipe(small_recipe(experiment="other", run="x")).digest() == digest
    assert load_recipe(small_recipe(training__seed=1)).digest() != digest


def test_a_builder_names_all_that_it_refuses():
    settings = {"model__filters": [1, 2], "model__dropout": 2, "model__blocks": [1], "model__activation": "rellu"}
    problems = builder_problems("unet", load_recipe(small_recipe(**settings)).model)
    assert {p.split(":")[0] for p in problems} == {"model.filters", "model.dropout", "model.blocks", "model.activation"}


def test_a_value_as_written_is_text_where_text_is_expected():
    recipe = load_recipe(
        {"model": {"builder": "unet"}, "data": {"source": "image_folder"}},
        {"data.path": Written("2018"), "experiment": Written("no"), "model.filters": Written("[8, 16]"), "model.depth": Written("1")},
    )
    assert (recipe.data["path"], recipe.experiment) == (Path("2018"), "no")
    assert (recipe.model["filters"], recipe.model["depth"]) == ([8, 16], 1)


def test_a_key_that_stands_twice(tmp_path):
    (tmp_path / "a.yaml").write_text("model: {builder: unet}\nmodel: {builder: cnn}\n")
    with pytest.raises(InputError, match=r"the key model stands twice in one section"):
        load_recipe(tmp_path / "a.yaml")


def test_sections_of_another_kind_are_not_taken_for_none():
    with pytest.raises(RecipeError, match=r"training: expected settings as `name: value`. Received: 0"):
        load_recipe(small_recipe(training=0))
    assert load_recipe(small_recipe(training=None)).training.epochs == 10
    assert load_recipe(small_recipe(experiment=None)).experiment == "recipe"


def test_files_that_are_not_there_or_no_yaml(tmp_path):
    with pytest.raises(InputError, match=r"nuclie\.yaml: no such file\. Expected a recipe file or one of .* Did you mean nuclei\?"):
        load_recipe("nuclie.yaml")
    (tmp_path / "a.yaml").write_text("model: [")
    with pytest.raises(InputError, match=r"a\.yaml: is no valid YAML"):
        load_recipe(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("- 1")
    with pytest.raises(InputError, match=r"b\.yaml: expected a recipe with model, data and training\. Received: list"):
        load_recipe(tmp_path / "b.yaml")


def test_the_recipes_that_ship():
    clothes = {name for name in shipped_recipes() if name.startswith("fashion_mnist")}
    assert set(shipped_recipes()) == {"digit_scenes", "digits", "nuclei"} | clothes
    for name in ("digit_scenes", "digits", *clothes):
        assert load_recipe(name).experiment == ("fashion_mnist" if name in clothes else name)
    with pytest.raises(RecipeError, match=r"data\.path: missing; expected a path"):
        load_recipe("nuclei")


def test_an_activation_layer_and_kernels_per_stage_in_a_recipe():
    settings = {"model.activation": {"LeakyReLU": {"negative_slope": 0.01}}, "model.downsampling_kernel": [None, 3, [3, 3]]}
    recipe = load_recipe("digit_scenes", settings)
    assert recipe.model["activation"] == {"LeakyReLU": {"negative_slope": 0.01}}
    assert load_recipe(recipe.resolved()).digest() == recipe.digest()
    with pytest.raises(RecipeError, match=r"model.activation: expected text or settings as `name: value` or an import path. Received: 3."):
        load_recipe("digit_scenes", {"model.activation": 3})


def test_a_preset_gives_builder_and_arguments():
    """What stands beside it overrides it; sizes are left to the data."""
    recipe = load_recipe(small_recipe(model={"preset": "resnet20_cifar", "filters": 4}))
    assert recipe.builder == "resnet"
    assert (recipe.model["filters"], list(recipe.model["blocks"]), recipe.model["name"]) == (4, [3, 3, 3], "resnet20_cifar")
    assert not {"input_shape", "num_classes", "preset"} & set(recipe.model)


def test_presets_that_do_not_exist_or_stand_beside_a_builder():
    with pytest.raises(RecipeError, match=r"model.preset: expected one of .* Received: resnet19. Did you mean resnet\d+") as caught:
        load_recipe(small_recipe(model={"preset": "resnet19"}))
    assert len(caught.value.problems) == 1
    with pytest.raises(RecipeError, match=r"model.preset: expected it without builder, which the preset has. Received: builder unet"):
        load_recipe(small_recipe(model={"preset": "resnet18", "builder": "unet"}))
