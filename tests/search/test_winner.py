"""The recipe of a trial."""

from datetime import date

import pytest
import yaml

from kzoo import InputError, load_recipe
from kzoo.search.winner import best_recipe

from ..conftest import small_recipe
from .trials import outcome


@pytest.fixture
def search(tmp_path):
    folder = tmp_path / "unet_filters"
    for trial, filters in (("000", 4), ("007", 6)):
        recipe = load_recipe(small_recipe(), {"model.filters": filters, "training.seed": 11})
        (folder / "trials" / trial).mkdir(parents=True)
        (folder / "trials" / trial / "recipe.yaml").write_text(yaml.safe_dump(recipe.resolved(), sort_keys=False))
    return folder


def test_the_recipe_rebuilds_the_trial(search, tmp_path):
    text = best_recipe(search, outcome(7, 0.5))
    (tmp_path / "best.yaml").write_text(text)
    found, trained = load_recipe(tmp_path / "best.yaml"), load_recipe(search / "trials" / "007" / "recipe.yaml")
    assert found.digest() == trained.digest() != load_recipe(search / "trials" / "000" / "recipe.yaml").digest()
    assert (found.model["filters"], found.training.seed) == (6, 11)
    assert found.digest() in text


def test_the_header_says_where_it_comes_from(search):
    trial = outcome(7, 0.5, scores=(0.4, 0.6), values={"model.filters": 6, "note": "a\nb"}, epochs=20, seconds=75.0, run_id="abc")
    text = best_recipe(search, trial, objective="val/mean_iou", command="kzoo best unet_filters -o best.yaml", today=date(2026, 11, 3))
    header, _, body = text.partition("\n\n")
    assert header.splitlines()[:-1] == [
        "# Search: unet_filters",
        "# Trial: 007",
        "# val/mean_iou: 0.5000 ± 0.1414 (mean of 2 executions)",
        "# Hyperparameters: model.filters 6, note a b",
        "# Trained: 20 epochs in 1 min 15 s",
        "# Run: abc",
        "# Written: 2026-11-03 by: kzoo best unet_filters -o best.yaml",
    ]
    assert body == (search / "trials" / "007" / "recipe.yaml").read_text()


def test_a_trial_whose_recipe_is_not_there(search):
    with pytest.raises(InputError, match=r"^trial 005: expected its recipe in .*trials/005/recipe\.yaml, where it is not"):
        best_recipe(search, outcome(5, 0.5))


def test_a_recipe_that_is_broken(search):
    (search / "trials" / "007" / "recipe.yaml").write_text("model: {builder: unett}")
    with pytest.raises(InputError, match="Did you mean unet"):
        best_recipe(search, outcome(7, 0.5))
