"""The same weights in a network of keras.applications and in kzoo's."""

import keras
import numpy as np

from kzoo import build_preset
from kzoo.models import PRESETS, load_weights
from kzoo.stack import ops

from .cells import path


def largest_difference(preset: str, monkeypatch, size: int = 64, **options) -> float:
    """Random weights go through `weights="imagenet"`'s own transfer; the largest difference of the logits, relative to the largest one."""
    known = PRESETS[preset]
    shape = (size, size, 3)
    build = getattr(keras.applications, known.application)
    twin = randomized(build(weights=None, input_shape=shape, classifier_activation=None, **options))
    monkeypatch.setattr(keras.applications, known.application, lambda **_: twin)
    model = build_preset(preset, input_shape=shape, classifier_activation=None)
    load_weights(model, "imagenet")
    x = np.random.default_rng(1).normal(size=(2, *shape)).astype("float32")
    expected, found = (ops.convert_to_numpy(network(x, training=False)) for network in (twin, model))
    return float(np.abs(expected - found).max() / np.abs(expected).max())


def randomized(model: keras.Model) -> keras.Model:
    """Random weights, biases and statistics included, of a size at which the logits of two images differ by some percent."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        inputs = weight.shape[:-2] if "depthwise" in path(weight) else weight.shape[:-1]
        scale = np.sqrt(2 / max(np.prod(inputs), 1)) if len(weight.shape) > 1 else 0.1
        values = rng.normal(0, scale, weight.shape)
        weight.assign(np.abs(values) + 0.8 if "variance" in path(weight) or "gamma" in path(weight) else values)
    return model
