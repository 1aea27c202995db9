"""A recipe with deep supervision: trained with all heads, kept with the main one."""

import keras
import numpy as np

from kzoo import train
from kzoo.stack import ops

from ..conftest import small_recipe


def test_a_recipe_trains_it_and_keeps_the_main_head(shared_store, tmp_path):
    recipe = small_recipe(experiment="deep", model__deep_supervision=1)
    trained = train(recipe, store=shared_store, progress=None)
    file = shared_store.download(trained.run_id, "model.keras", tmp_path)
    model = keras.saving.load_model(file)
    assert model.output_shape == (None, 32, 32, 2)
    images = trained.dataset.validation.images[:2]
    whole = ops.convert_to_numpy(trained.model(images, training=False)[0])
    np.testing.assert_allclose(model(images, training=False), whole, atol=1e-6)
    assert 0 <= trained.metrics["best/mean_iou"] <= 1
