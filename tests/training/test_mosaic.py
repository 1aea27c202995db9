"""Pictures as arrays: what lies where, by single pixels."""

from dataclasses import replace

import numpy as np
import pytest

from kzoo.training import prepare
from kzoo.training.mosaic import BORDER, GAP, RIGHT, WRONG, sampler
from kzoo.training.recipe import load_recipe
from tests.conftest import small_recipe


def test_image_and_truth_above_prediction_and_differences():
    recipe = load_recipe(small_recipe())
    dataset, model = prepare(recipe)
    drawn = sampler(model, dataset, recipe.training)()
    assert list(drawn) == [f"sample_{n}" for n in range(4)]
    picture, truth = drawn["sample_0"], np.asarray(dataset.validation.targets[0])
    assert picture.shape == (64 + GAP, 64 + GAP, 3)
    upper, lower = picture[:32], picture[32 + GAP :]
    np.testing.assert_array_equal(upper[:, 32 + GAP :].any(-1), truth == 1)
    guess = lower[:, :32].any(-1)
    np.testing.assert_array_equal(lower[:, 32 + GAP :, 0], guess != (truth == 1))
    assert upper[:, :32].min() == 0
    assert upper[:, :32].max() == 1


def test_it_draws_what_the_model_says_at_the_moment():
    recipe = load_recipe(small_recipe())
    dataset, model = prepare(recipe)
    draw = sampler(model, dataset, recipe.training)
    before = draw()["sample_1"]
    model.layers[-1].set_weights([w * 0 - 50 * (np.arange(w.shape[-1]) == 0) for w in model.layers[-1].get_weights()])
    after = draw()["sample_1"]
    assert after[32 + GAP :, :32].any(-1).all()
    np.testing.assert_array_equal(before[:32], after[:32])


@pytest.mark.parametrize(
    ("recipe", "count"), [(small_recipe(), 4), ({"model": {"builder": "cnn", "filters": 4}, "data": {"source": "digits"}}, 1)]
)
def test_what_is_drawn_does_not_depend_on_the_batch_size(recipe, count):
    recipe = load_recipe(recipe)
    dataset, model = prepare(recipe)
    few, many = (sampler(model, dataset, replace(recipe.training, batch_size=size))() for size in (3, 32))
    assert len(few) == count
    for name, picture in many.items():
        np.testing.assert_allclose(few[name], picture)


@pytest.mark.parametrize("right", [True, False])
def test_a_border_says_whether_a_class_is_right(right):
    recipe = load_recipe({"model": {"builder": "cnn", "filters": 4}, "data": {"source": "digits"}, "training": {"batch_size": 32}})
    dataset, model = prepare(recipe)
    first = int(dataset.validation.targets[0])
    said = first if right else (first + 1) % 10
    head = model.layers[-1]
    head.set_weights([np.zeros(w.shape) if w.ndim > 1 else np.eye(10)[said] for w in head.get_weights()])
    sheet = sampler(model, dataset, recipe.training)()["samples"]
    side = 8 + 2 * (BORDER + 1)
    assert sheet.shape == (3 * side, 8 * side, 3)
    np.testing.assert_allclose(sheet[1, 1], RIGHT if right else WRONG)
