"""`draw`: a model as a figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import keras

from .ink import LINE
from .layout import SHORTCUT, Place, lay_out
from .legend import arrange, entries
from .paint import paint_box, paint_entry, paint_skip, paint_step
from .scene import Detail, Scene, read_scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARGIN = 0.08


def draw(model: keras.Model, *, detail: Detail = "auto") -> "Figure":
    """Draws a model: an encoder-decoder as a U in the manner of figure 1 of the U-Net paper (2015), any other as a strip.

    Boxes are maps, as wide as the root of their channels and as high as the root of their size; channels stand above them, sizes
    at their left where they change. Arrows are layers, coloured by what they do; normalization and activation belong to the arrow
    of their convolution. Grey arrows are skips; dashes show what cropping leaves of a map. All is read from the model's graph.

    Args:
        model: any functional or sequential `keras.Model` with one input; sizes may be None and are then written as `h/2×w/2`.
        detail: `layers` gives every map a box, `stages` every run of maps of one resolution, with `×n` for n convolutions;
            `auto` takes layers where they fit on a page.

    Returns:
        `matplotlib.figure.Figure`, as large as its content needs; at up to 7 inches it prints on a page with type of 6.5 points.

    Raises:
        ArgumentError: the model has no graph that can be read, or several inputs; or `detail` is unknown.

    >>> import kzoo
    >>> model = kzoo.build_unet(input_shape=(64, 64, 1), num_classes=2, filters=8, depth=2)
    >>> figure = kzoo.draw(model)
    >>> figure.savefig("unet.svg")  # doctest: +SKIP
    """
    scene = read_scene(model, detail)
    places = lay_out(scene)
    legend = entries(scene)
    under = {skip.target: SHORTCUT for skip in scene.skips if not scene.crosses(skip)}
    lowest = min(place.bottom - max(place.hang, under.get(number, 0.0)) for number, place in enumerate(places))
    spots = arrange(legend, places, lowest)

    left = min(p.left - (LINE if p.sizes else 0.0) for p in places) - MARGIN
    right = max([p.reach() for p in places] + [x + e.width for e, (x, _) in zip(legend, spots, strict=True)]) + MARGIN
    bottom = min([lowest] + [y - LINE / 2 for _, y in spots]) - MARGIN
    axis = _page(left, right, bottom, MARGIN)
    _paint(axis, scene, places, {(entry.kind, entry.text): entry.colour for entry in legend})
    for entry, (x, y) in zip(legend, spots, strict=True):
        paint_entry(axis, entry, x, y)
    return axis.figure


def _paint(axis, scene: Scene, places: Sequence[Place], colours: Mapping[tuple[str, str], str]) -> None:
    """The boxes, the steps between them and the skips."""
    for position, (box, place) in enumerate(zip(scene.boxes, places, strict=True)):
        paint_box(axis, box, place, position)
        if position:
            made = box.made
            paint_step(axis, places[position - 1], place, colours[made.kind, made.text], made.kind)
    for skip in scene.skips:
        paint_skip(axis, scene, skip, places)


def _page(left: float, right: float, bottom: float, top: float):
    """A figure of that many inches, with one axis whose unit is the inch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(right - left, top - bottom))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(left, right), ylim=(bottom, top))
    axis.set_axis_off()
    return axis
