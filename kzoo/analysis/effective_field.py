"""The effective receptive field (Luo et al. 2016, "Understanding the effective receptive field in deep convolutional neural networks").

Where the theoretical field says which input positions can matter, the effective one says how much they do.
"""

from collections.abc import Sequence

import keras
import numpy as np

from ..errors import ArgumentError
from .gradient import input_gradient
from .part import Part


def effective_field(
    model: keras.Model,
    inputs: np.ndarray,
    position: Sequence[int] | None = None,
    *,
    layer: str | None = None,
    seed: int = 0,
) -> np.ndarray:
    """How much each input position moves one output position: the absolute gradient, averaged over inputs, its largest value 1.

    The channels of the output position are weighted by random signs, anew for each input; the absolute values are summed over the
    input's channels. A layer's own activation is left out, since the gradient vanishes where a softmax or a sigmoid
    saturates; the model itself stays as it is.

    Args:
        model: a functional `keras.Model` with one input, channels last.
        inputs: `(batch, *spatial, channels)`, a few images to average over.
        position: one index per spatial axis of the output; the middle unless given.
        layer: name of the layer whose output is meant, as in a profile; the model's last map unless given.
        seed: int, of the signs.

    Returns:
        `spatial` numbers from 0 to 1; all 0 where nothing matters.

    Raises:
        ArgumentError: several inputs, channels first, no such layer, a layer without positions, or a position outside its map.

    >>> from kzoo import build_unet
    >>> keras.utils.set_random_seed(0)
    >>> model = build_unet(input_shape=(32, 32, 1), num_classes=1, filters=8, depth=1)
    >>> field = effective_field(model, np.random.default_rng(0).normal(size=(4, 32, 32, 1)), (16, 16))
    >>> field.shape, float(field.max())
    ((32, 32), 1.0)
    """
    part = Part.of(model, layer)
    shape = part.output_shape(inputs.shape)
    position = check_position(position, shape[1:-1])
    weights = np.zeros(shape, "float32")
    at_position = np.moveaxis(weights, 0, -2)[position]
    at_position[:] = np.random.default_rng(seed).choice([-1.0, 1.0], size=(len(inputs), shape[-1]))
    gradient = np.abs(input_gradient(part.linear(), inputs, weights)).sum(axis=-1).mean(axis=0)
    return gradient / (gradient.max() or 1.0)


def check_position(position: Sequence[int] | None, sizes: Sequence[int]) -> tuple[int, ...]:
    """The position, or the middle of a map of these sizes."""
    if position is None:
        return tuple(size // 2 for size in sizes)
    if len(position) != len(sizes) or not all(0 <= p < n for p, n in zip(position, sizes, strict=True)):
        limits = ", ".join(f"0 to {n - 1}" for n in sizes)
        raise ArgumentError("position", f"expected one index per spatial axis ({limits}). Received: {tuple(position)}.")
    return tuple(position)
