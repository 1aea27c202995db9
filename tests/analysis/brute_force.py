"""The field of every output position by brute force: which input positions change it.

All weights are made positive and biases zero, so that no contribution can cancel or vanish in a ReLU or a pooling; then the model sees
one bright line after another on a black input (finite differences of the gradient, which work on every backend).
"""

import keras
import numpy as np

from kzoo.analysis.sight import survey_model
from kzoo.layers import TrainableSubsampling
from kzoo.stack import KERAS_3, ops


def make_positive(model: keras.Model) -> keras.Model:
    """Kernels that average, biases 0, batch-norm statistics and trainable sub-sampling as they begin."""
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if isinstance(layer, keras.layers.BatchNormalization | TrainableSubsampling):
            continue
        for weight in layer._trainable_variables if KERAS_3 else layer._trainable_weights:
            shape = tuple(weight.shape)
            weight.assign(np.zeros(shape) if len(shape) == 1 else np.full(shape, 4.0 / np.prod(shape[:-1])))
    return model


def dependencies(model: keras.Model, axis: int) -> np.ndarray:
    """A matrix (input positions, output positions) along a spatial axis: True where the output depends on the input."""
    shape = model.input_shape[1:]
    lines = np.zeros((shape[axis], *shape), np.float32)
    for position in range(shape[axis]):
        index = [slice(None)] * len(shape)
        index[axis] = position
        lines[(position, *index)] = 1.0
    answers = ops.convert_to_numpy(model(lines, training=False))
    others = tuple(a for a in range(1, answers.ndim) if a != axis + 1)
    return answers.max(axis=others) > 0


def central_windows(model: keras.Model, axis: int, count: int) -> dict[int, tuple[int, int] | None]:
    """First and last input position for `count` output positions around the middle."""
    depends = dependencies(model, axis)
    middle = depends.shape[1] // 2
    windows = {}
    for position in range(middle - count // 2, middle - count // 2 + count):
        found = np.flatnonzero(depends[:, position])
        windows[position] = (int(found[0]), int(found[-1])) if len(found) else None
    return windows


def check_fields(model: keras.Model, count: int = 8, axes: range | None = None) -> None:
    """Predicted and found windows are equal around the middle of every axis, where nothing is cut off by the border."""
    make_positive(model)
    found = survey_model(model)
    view = found.sights[found.graph.outputs[0]].views[0]
    assert view.everywhere is None
    for axis in axes or range(len(view.fields)):
        size = model.input_shape[1 + axis]
        for position, window in central_windows(model, axis, min(count, model.output_shape[1 + axis])).items():
            predicted = view.fields[axis].window(position)
            assert predicted is None or (predicted[0] >= 0 and predicted[1] < size), "the test needs a larger input"
            assert predicted == window, (axis, position, [layer.get_config() for layer in model.layers])
