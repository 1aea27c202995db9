"""Shared by all tests: quiet backends, a store of their own, small data."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.pop("MLFLOW_TRACKING_URI", None)

from pathlib import Path

import keras
import numpy as np
import pytest
from skimage.io import imsave

from kzoo.stack import KERAS_3

NEED_KERAS_3 = [
    *("addons", "models/test_convolutionize.py", "models/test_weightless.py"),
    *("analysis/test_memory.py", "analysis/rules/test_shaping.py"),
]
"""What only Keras 3 has, the executor of graphs and functions of `keras.ops` in them included; the addons environment leaves it out."""

collect_ignore = [] if KERAS_3 else NEED_KERAS_3


def pytest_collection_modifyitems(items):
    for item in items:
        if not KERAS_3 and item.get_closest_marker("keras3"):
            item.add_marker(pytest.mark.skip(reason="needs Keras 3"))


@pytest.fixture(autouse=True)
def same_weights_each_time():
    """Small networks without a norm are now and then born dead (no unit of a ReLU is above 0), so no test draws its own luck."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory):
    """A store that tests share, since making the database takes a second; every test uses experiments of its own."""
    from kzoo import Store

    return Store(root=tmp_path_factory.mktemp("mlruns"))


@pytest.fixture
def image_folder_path(tmp_path) -> Path:
    """Six grey images of 40 x 48 with one bright square each, and their instance masks."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(6):
        image = rng.integers(0, 60, (40, 48), dtype=np.uint8)
        mask = np.zeros((40, 48), np.uint16)
        row, column = rng.integers(0, 24, 2)
        image[row : row + 12, column : column + 12] += 150
        mask[row : row + 12, column : column + 12] = 300 + number
        imsave(tmp_path / "images" / f"cell{number}.png", image, check_contrast=False)
        imsave(tmp_path / "masks" / f"cell{number}.png", mask, check_contrast=False)
    return tmp_path


def small_recipe(**settings) -> dict:
    """A recipe that trains in a second or two: a tiny U-Net on digit scenes."""
    recipe = {
        "experiment": "small",
        "model": {"builder": "unet", "filters": 4, "depth": 2},
        "data": {"source": "digit_scenes", "scenes": 8, "validation_scenes": 4, "size": 32, "labels": "foreground"},
        "training": {"epochs": 2, "batch_size": 4},
    }
    for path, value in settings.items():
        section, _, key = path.partition("__")
        if key:
            recipe[section] = {**recipe[section], key: value}
        else:
            recipe[section] = value
    return recipe
