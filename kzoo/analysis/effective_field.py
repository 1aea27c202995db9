"""The effective receptive field (Luo et al. 2016, "Understanding the effective receptive field in deep convolutional neural networks").

Where the theoretical field says which input positions can matter, the effective one says how much they do.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from ..errors import ArgumentError, did_you_mean
from .gradient import input_gradient


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
    input's channels. A layer's own activation is left out, since the gradient vanishes where a softmax or a sigmoid saturates.

    Args:
        model: a functional `keras.Model` with one input.
        inputs: `(batch, *spatial, channels)`, a few images to average over.
        position: one index per spatial axis of the output; the middle unless given.
        layer: name of the layer whose output is meant; the model's last map unless given.
        seed: int, of the signs.

    Returns:
        `spatial` numbers from 0 to 1; all 0 where nothing matters.

    Raises:
        ArgumentError: no such layer, a layer without positions, or a position outside its map.

    >>> from kzoo import build_unet
    >>> keras.utils.set_random_seed(0)
    >>> model = build_unet(input_shape=(32, 32, 1), num_classes=1, filters=8, depth=1)
    >>> field = effective_field(model, np.random.default_rng(0).normal(size=(4, 32, 32, 1)), (16, 16))
    >>> field.shape, float(field.max())
    ((32, 32), 1.0)
    """
    check_model(model)
    part = map_model(model, layer)
    shape = part.compute_output_shape(inputs.shape)
    position = check_position(position, shape[1:-1])
    weights = np.zeros(shape, "float32")
    at_position = np.moveaxis(weights, 0, -2)[position]
    at_position[:] = np.random.default_rng(seed).choice([-1.0, 1.0], size=(len(inputs), shape[-1]))
    with _linear(part):
        gradient = np.abs(input_gradient(part, inputs, weights)).sum(axis=-1).mean(axis=0)
    return gradient / (gradient.max() or 1.0)


@contextmanager
def _linear(model: keras.Model) -> Iterator[None]:
    """The model without its last activation, for as long as the context lasts."""
    layer = model.layers[-1]
    before = getattr(layer, "activation", None)
    try:
        if before is not None:
            layer.activation = keras.activations.linear
        yield
    finally:
        if before is not None:
            layer.activation = before


def check_model(model: object) -> None:
    """Raises `ArgumentError` unless it is a model with a graph."""
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ArgumentError("model", f"expected a built functional or sequential keras.Model. Received: {type(model).__name__}.")


def map_model(model: keras.Model, layer: str | None) -> keras.Model:
    """The model up to a layer; without one, up to its last output that has positions."""
    if layer is None and len(model.outputs[0].shape) > 2:
        return keras.Model(model.inputs[0], model.outputs[0])
    tensor = find_layer(model, layer).output if layer else last_map(model).output
    if len(tensor.shape) <= 2:
        raise ArgumentError("layer", f"expected a layer whose output has positions. Received: {layer}, whose shape is {tensor.shape[1:]}.")
    return keras.Model(model.inputs[0], tensor)


def last_map(model: keras.Model) -> keras.layers.Layer:
    """The last layer whose output has more than one position."""
    for layer in reversed(model.layers):
        output = layer.output if not isinstance(layer.output, list) else layer.output[0]
        if len(output.shape) > 2 and any(size != 1 for size in output.shape[1:-1]):
            return layer
    raise ArgumentError("model", f"expected a model with maps. Received: {model.name}, which has none.")


def find_layer(model: keras.Model, name: str) -> keras.layers.Layer:
    """A layer by name, or an error that names the nearest."""
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise ArgumentError("layer", f"expected the name of a layer of {model.name}. Received: {name}.{did_you_mean(name, names)}")
    return model.get_layer(name)


def check_position(position: Sequence[int] | None, sizes: Sequence[int]) -> tuple[int, ...]:
    """The position, or the middle of a map of these sizes."""
    if position is None:
        return tuple(size // 2 for size in sizes)
    if len(position) != len(sizes) or not all(0 <= p < n for p, n in zip(position, sizes, strict=True)):
        limits = ", ".join(f"0 to {n - 1}" for n in sizes)
        raise ArgumentError("position", f"expected one index per spatial axis ({limits}). Received: {tuple(position)}.")
    return tuple(position)
