"""`plot_filters` and `plot_feature_maps`: what a network has learned, and what it makes of an image."""

from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from ...errors import ArgumentError
from ...models.stages import check_positive
from ...stack import ops
from ..graph import Call, Graph, trace
from ..part import Part, find_call, trace_images
from .images import displayed, fitting_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FILTERS = 256


def plot_filters(model: keras.Model, layer: str | None = None) -> "Figure":
    """Shows the kernels of a convolution as images, each from its own smallest to its own largest weight.

    Args:
        model: a `keras.Model` of images.
        layer: name of a 2-D convolution, as in a profile; the first one unless given. Kernels over three input channels are shown in
            colour, any others as one grey image per filter: the mean over the input channels.

    Returns:
        `matplotlib.figure.Figure` with one image per filter, the first 256.

    Raises:
        ArgumentError: no such layer, or one without 2-D kernels.

    >>> import kzoo
    >>> model = kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=10)
    >>> len(kzoo.plot_filters(model).axes)
    32
    """
    graph = trace(model)
    chosen = find_call(model, graph, layer) if layer else _first_convolution(graph)
    kernel = getattr(chosen.layer, "kernel", getattr(chosen.layer, "depthwise_kernel", None))  # as Keras 2 calls it
    if kernel is None or len(kernel.shape) != 4:
        raise ArgumentError("layer", f"expected a 2-D convolution. Received: {chosen.name}, a {type(chosen.layer).__name__}.")
    rows, columns, *_ = kernel.shape
    weights = ops.convert_to_numpy(kernel)
    if isinstance(chosen.layer, keras.layers.DepthwiseConv2D):
        weights = weights.reshape(rows, columns, 1, -1)
    if weights.shape[2] != 3:
        weights = weights.mean(axis=2, keepdims=True)
    filters = [displayed(weights[..., n]) for n in range(weights.shape[-1])]
    return _sheet(filters[:MOST_FILTERS], f"{chosen.name}: {len(filters)} filters of {rows}×{columns}")


def plot_feature_maps(
    model: keras.Model,
    image: np.ndarray | str | Path | None = None,
    layer: str | None = None,
    count: int = 16,
) -> "Figure":
    """Shows the first maps that a layer makes of an image, each from its own smallest to its own largest value.

    Args:
        model: a functional `keras.Model` of images, channels last.
        image: `(rows, columns)` or `(rows, columns, channels)`, or a file; a photograph of coins unless given.
        layer: name of a layer whose output has positions, as in a profile; the first convolution unless given.
        count: int, how many maps at most.

    Returns:
        `matplotlib.figure.Figure` with one image per map.

    Raises:
        ArgumentError: no such layer, one without positions, or a model that does not take images.

    >>> import kzoo
    >>> model = kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=10)
    >>> len(kzoo.plot_feature_maps(model, layer="stage2_conv1", count=4).axes)
    4
    """
    check_positive("count", count)
    part = Part.of(model, layer or _first_convolution(trace_images(model)).name)
    maps = ops.convert_to_numpy(part(fitting_image(model, image)[None]))[0]
    sizes = "×".join(map(str, maps.shape[:-1]))
    return _sheet([displayed(maps[..., [n]]) for n in range(min(count, maps.shape[-1]))], f"{part.name}: {maps.shape[-1]} maps of {sizes}")


def _first_convolution(graph: Graph) -> Call:
    for call in graph.calls:
        if isinstance(call.layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            return call
    raise ArgumentError("model", f"expected a model with a 2-D convolution. Received: {graph.name}, which has none.")


def _sheet(images: list[np.ndarray], title: str) -> "Figure":
    """Images in a grid about as wide as high."""
    from matplotlib.figure import Figure

    columns = min(max(int(np.ceil(np.sqrt(len(images)))), 1), 16)
    rows = -(-len(images) // columns)
    side = min(max(7.0 / columns, 0.4), 1.4)
    figure = Figure(figsize=(max(side * columns, 2.8), side * rows + 0.35), layout="constrained")
    figure.suptitle(title, fontsize=9)
    for number, pixels in enumerate(images, start=1):
        axis = figure.add_subplot(rows, columns, number)
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set(xticks=[], yticks=[])
    return figure
