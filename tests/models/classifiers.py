"""Small forms of the classifiers, for tests that hold for all of them."""

from typing import Any

import keras
import numpy as np

from kzoo import build_model
from kzoo.models import PRESETS

TINY: dict[str, dict[str, Any]] = {
    "resnet": {"filters": 4, "blocks": (1, 1, 1)},
    "vgg": {"filters": 4, "blocks": (1, 1, 1), "dense": [8]},
}
"""Per builder, arguments that make it small."""

SMALLER: dict[str, dict[str, Any]] = {
    "resnet": {"filters": 4},
    "vgg": {"filters": 4, "dense": [8, 8]},
}
"""Per builder, arguments that make its presets small and leave their structure."""

FLAT: set[str] = set()
"""Builders that refuse volumes, since Keras has no such depthwise or separable convolution in three dimensions."""


def tiny(builder: str, **options: Any) -> keras.Model:
    """A classifier of three classes for images of 8 x 8."""
    return build_model(builder, **{"input_shape": (8, 8, 1), "num_classes": 3, "small_input": True, **TINY[builder], **options})


def smaller(preset: str, **options: Any) -> keras.Model:
    """A preset with few filters; deep ones keep two blocks per stage."""
    known = PRESETS[preset]
    blocks = known.arguments.get("blocks", ())
    fewer = {"blocks": tuple(min(count, 2) for count in blocks)} if sum(blocks) > 12 else {}
    groups = {"cardinality": 4} if "cardinality" in known.arguments else {}
    return build_model(preset, **{**SMALLER[known.builder], **fewer, **groups, **options})


def learns(model: keras.Model, x: np.ndarray, classes: int) -> list[str]:
    """Trains for one step with a large rate; the paths of the weights that stayed as they were."""
    before = [weight.copy() for weight in model.get_weights()]
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", run_eagerly=True)
    model.train_on_batch(x, np.arange(len(x)) % classes)
    return [v.path for v, b, a in zip(model.weights, before, model.get_weights(), strict=True) if np.array_equal(a, b)]
