"""What all builders of classifiers share: their common arguments, explained in one place."""

import re
from collections.abc import Callable
from typing import TypeVar

import keras

from .registry import BUILDERS

SHARED = """input_shape: `(*spatial, channels)` with one to three spatial axes, from 8 positions along each; a size may be None unless
            `pooling="flatten"`.
        num_classes: int, width of the output: 1 means one probability, 2 or more a distribution over classes. 0 means no head: the
            output is the pooled map.
        downsampling: `max_pool`, `avg_pool`, `strided_conv` or `blur_pool` in place of every stride of the network: a strided convolution
            then has stride 1 and is followed by it. None for the network's own.
        activation: name of a function in `keras.activations`, or a layer with its arguments, `{"LeakyReLU": {"negative_slope": 0.01}}`.
        normalization: `none`, `batch`, `instance`, `group` (8 groups) or `layer`.
        pooling: `avg` or `max` over all positions, or `flatten`. None, only with `num_classes=0`, for the map itself.
        dropout: float, rate before the classifier and between dense layers.
        classifier_activation: `auto` (sigmoid for one output, softmax for more), `sigmoid`, `softmax`, or None for logits.
        small_input: bool, whether to adapt the network to small images. Where a stage would get fewer than 4 positions along an axis, all
            convolutions and poolings pad their borders, and the earliest strides along that axis become 1, with kernels of at most 3, until
            every stage has 4; a last pooling, which only the head follows, may leave 1. Without it a too small input is refused.
        features_only: bool, whether to return the last map of every resolution, finest first, in place of the head; see `kzoo.models.taps`.
        weights: None; `imagenet`, where `keras.applications` holds the same network; or the path of a `.keras` or `.weights.h5` file. See
            `kzoo.models.load_weights`.
        name: str, the name of the model.

    Returns:
        An uncompiled functional `keras.Model` from `(batch, *spatial, channels)` to `(batch, num_classes)`, in float32 also under mixed
        precision; a list of maps with `features_only`.

    Raises:
        ArgumentError: a `ValueError` that names the argument, what was expected and what was received."""
"""The part of the docstrings that all classifiers share; `{shared}` stands for it."""

F = TypeVar("F", bound=Callable[..., keras.Model])


def classifier(name: str) -> Callable[[F], F]:
    """A decorator that enters a builder under `name` and completes its docstring by the shared arguments that it does not explain."""

    def enter(builder: F) -> F:
        own = builder.__doc__ or ""
        shared = [entry for entry in re.split(r"\n        (?=\w+: )", SHARED) if f"\n        {entry.partition(':')[0]}: " not in own]
        builder.__doc__ = own.replace("{shared}", "\n        ".join(shared))
        return BUILDERS.register(name)(builder)

    return enter
