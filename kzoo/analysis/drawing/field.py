"""`draw_receptive_field`: what one output pixel sees of an image, in theory and in effect."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from ..effective_field import check_position, effective_field
from ..part import Part
from ..sight import input_window
from .images import displayed, fitting_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INPUTS, NOISE = 8, 0.2
"""The gradient is averaged over so many copies of the image, with so much noise added to each (standard deviation)."""

FRAME = "#ffb000"


def draw_receptive_field(
    model: keras.Model,
    image: np.ndarray | str | Path | None = None,
    position: Sequence[int] | None = None,
    *,
    layer: str | None = None,
    seed: int = 0,
) -> "Figure":
    """Paints over an image what one output pixel sees of it.

    The rectangle is the theoretical field: nothing outside can matter. The red is the effective field: the absolute gradient of the
    output pixel, averaged over 8 copies of the image with noise, the largest value 1. An untrained network's is a blob far smaller
    than the rectangle (Luo et al. 2016).

    Args:
        model: a functional `keras.Model` of images, channels last.
        image: `(rows, columns)` or `(rows, columns, channels)`, or a file; a photograph of coins unless given. It is scaled to the
            model's size where that is fixed, else cut to a legal one.
        position: (row, column) of the output; the middle unless given.
        layer: name of the layer whose output is meant; the model's output unless given, or the last map of a classifier.
        seed: int, of the noise.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ArgumentError: the model does not take images, the position lies outside, or a layer on the way has no known field.

    >>> import kzoo
    >>> model = kzoo.build_unet(input_shape=(64, 64, 1), num_classes=1, filters=2, depth=2)
    >>> figure = kzoo.draw_receptive_field(model, position=(20, 20))
    """
    pixels = fitting_image(model, image)
    part = Part.of(model, layer)
    shape = part.output_shape((1, *pixels.shape))
    position = check_position(position, shape[1:-1])
    if layer is not None or part.tensor != part.graph.outputs[0]:
        layer = part.name
    window = input_window(model, position, layer)
    noise = np.random.default_rng(seed).normal(scale=NOISE, size=(INPUTS, *pixels.shape))
    field = effective_field(model, (pixels + noise).astype("float32"), position, layer=layer, seed=seed)
    where = f"position {position[0]}, {position[1]} of {layer or 'the output'}, {shape[1]}×{shape[2]}"
    return _paint(displayed(pixels), field, window, where)


def _paint(image: np.ndarray, field: np.ndarray, window: Sequence[tuple[int, int]], where: str) -> "Figure":
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    (top, bottom), (left, right) = window
    rows, columns = field.shape
    height = max(bottom, rows - 1) - min(top, 0)
    width = max(right, columns - 1) - min(left, 0)
    figure = Figure(figsize=(5.0, min(max(3.8 * height / max(width, 1), 2.0), 7.0) + 0.8), layout="constrained")
    axis = figure.add_subplot()
    axis.imshow(image, cmap="gray", vmin=0, vmax=1)
    painted = axis.imshow(field, cmap=_transparent_red(), norm=PowerNorm(0.5, 0, 1), interpolation="nearest", gid="effective-field")
    bar = figure.colorbar(painted, ax=axis, shrink=0.8, ticks=[0, 0.1, 0.25, 0.5, 1])
    bar.set_label("effective field: |gradient|, largest = 1", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    _frame(axis, window)
    axis.set_xlim(min(left, 0) - 0.5 - 0.02 * columns, max(right, columns - 1) + 0.5 + 0.02 * columns)
    axis.set_ylim(max(bottom, rows - 1) + 0.5 + 0.02 * rows, min(top, 0) - 0.5 - 0.02 * rows)
    axis.set_title(where, fontsize=9)
    axis.tick_params(labelsize=8)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), frameon=False, fontsize=8)
    return figure


def _frame(axis: "Axes", window: Sequence[tuple[int, int]]) -> None:
    """The rectangle of the theoretical field; what lies outside the image is padding."""
    from matplotlib.patches import Rectangle

    (top, bottom), (left, right) = window
    rows, columns = bottom - top + 1, right - left + 1
    label = f"theoretical field: {rows}×{columns} pixels"
    corner = (left - 0.5, top - 0.5)
    axis.add_patch(Rectangle(corner, columns, rows, fill=False, edgecolor=FRAME, linewidth=1.6, label=label, gid="theoretical-field"))


def _transparent_red():
    """From nothing to opaque red, so that the image shows where the gradient is small."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("field", [(0.9, 0.1, 0.1, 0.0), (0.9, 0.1, 0.1, 0.85), (1.0, 0.95, 0.3, 1.0)])
