"""Small forms of the classifiers, for tests that hold for all of them."""

from typing import Any

import keras
import numpy as np

from kzoo import build_model
from kzoo.models import PRESETS

from .cells import path

TINY: dict[str, dict[str, Any]] = {
    "alexnet": {"filters": [4, 6, 8, 8, 6], "dense": [8]},
    "convnext": {"filters": 4, "blocks": (1, 1, 1), "kernel_size": 3, "layer_scale": 1.0, "stochastic_depth": 0.0},
    "densenet": {"growth": 4, "blocks": (1, 1, 1)},
    "googlenet": {"modules": [[[4] * 6], [[4] * 6] * 3, [[4] * 6]], "stem_filters": [4, 4, 6]},
    "inception_v3": {"blocks": (1, 1, 1), "pool_filters": 32, "factor_filters": 128, "width": 1 / 16},
    "lenet": {"filters": [4, 6], "dense": [12, 8]},
    "mobilenet": {"filters": (8, 8, 16), "strides": (1, 2, 2), "stem_filters": 8},
    "mobilenet_v2": {
        **{"filters": (8, 8, 16), "blocks": (1, 2, 1), "strides": (1, 2, 2), "expansion": (1, 2, 2)},
        **{"stem_filters": 8, "last_filters": 16},
    },
    "nin": {"filters": [[4, 4, 4], [6, 6, 6], [6, 6]]},
    "resnet": {"filters": 4, "blocks": (1, 1, 1)},
    "shufflenet_v2": {"filters": 8, "blocks": (2, 2), "stem_filters": 4, "last_filters": 16},
    "squeezenet": {"filters": 8, "blocks": (1, 2, 1), "stem_filters": 8, "squeeze_ratio": 0.5},
    "vgg": {"filters": 4, "blocks": (1, 1, 1), "dense": [8]},
    "xception": {"stem_filters": (4, 8), "filters": (8, 12, 16), "middle_blocks": 1, "exit_filters": (16, 24, 32)},
    "zfnet": {"filters": [4, 6, 8, 8, 6], "dense": [8]},
}
"""Per builder, arguments that make it small. ConvNeXt's scale of 1e-6 and skipped branches would hide what learns."""

SMALLER: dict[str, dict[str, Any]] = {
    "alexnet": {"filters": [4, 6, 8, 8, 6], "dense": [8, 8]},
    "convnext": {"filters": 4, "kernel_size": 3, "layer_scale": 1.0, "stochastic_depth": 0.0},
    "densenet": {"growth": 4, "stem_filters": 8},
    "googlenet": {"width": 1 / 16},
    "inception_v3": {"blocks": (1, 1, 1), "pool_filters": 32, "factor_filters": 128, "width": 1 / 16},
    "lenet": {},
    "mobilenet": {"filters": (8, 8, 16), "strides": (1, 2, 2), "stem_filters": 8, "width": 1.0},
    "mobilenet_v2": {"width": 0.25, "blocks": (1, 2, 1, 1, 1, 2, 1), "last_filters": 32},
    "nin": {"filters": [[4, 4, 4], [6, 6, 6], [6, 6]]},
    "nin_imagenet": {"filters": [[4, 4, 4], [6, 6, 6], [6, 6, 6], [6, 6]]},
    "resnet": {"filters": 4},
    "shufflenet_v2": {"filters": 8, "blocks": (2, 2, 2), "last_filters": 16},
    "squeezenet": {"filters": 8, "stem_filters": 8},
    "vgg": {"filters": 4, "dense": [8, 8]},
    "xception": {"stem_filters": (4, 8), "filters": (8, 12, 16), "middle_blocks": 2, "exit_filters": (16, 24, 32)},
    "zfnet": {"filters": [4, 6, 8, 8, 6], "dense": [8, 8]},
}
"""Per builder, or for one preset, arguments that make it small and leave its structure."""


def tiny(builder: str, **options: Any) -> keras.Model:
    """A classifier of three classes for images of 8 x 8."""
    return build_model(builder, **{"input_shape": (8, 8, 1), "num_classes": 3, "small_input": True, **TINY[builder], **options})


def smaller(preset: str, **options: Any) -> keras.Model:
    """A preset with few filters; deep ones keep two blocks per stage."""
    known = PRESETS[preset]
    blocks = known.arguments.get("blocks", ())
    fewer = {"blocks": tuple(min(count, 2) for count in blocks)} if sum(blocks) > 12 else {}
    groups = {"cardinality": 4} if "cardinality" in known.arguments else {}
    return build_model(preset, **{**SMALLER.get(preset, SMALLER[known.builder]), **fewer, **groups, **options})


def learns(model: keras.Model, x: np.ndarray, classes: int) -> list[str]:
    """The paths of the weights that one step with a large rate leaves as they were, of all that can be trained.

    Saturated scores may cancel over a batch, so a weight counts only if two assignments of classes leave it as it was.
    """
    keras.utils.set_random_seed(0)
    before = [weight.copy() for weight in model.get_weights()]
    stayed = []
    for targets in (np.arange(len(x)) % classes, np.arange(len(x)) // 2 % classes):
        model.set_weights(before)
        model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", run_eagerly=True)
        model.train_on_batch(x, targets)
        triples = zip(model.weights, before, model.get_weights(), strict=True)
        stayed.append([path(v) for v, b, a in triples if np.array_equal(a, b) and (v.trainable or "moving" in path(v))])
    return [each for each in stayed[0] if each in stayed[1]]
