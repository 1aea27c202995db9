"""Paint: a scene with its places becomes artists on one matplotlib axis whose unit is the inch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import ink
from .layout import AIR, SHORTCUT, Place, scaled_height
from .legend import SAMPLE, Entry
from .scene import Box, Scene
from .skips import Skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FINE, THIN, THICK = 0.9, 1.2, 2.0
MARK = 0.05
"""Radius of the sign where a skip is added, or passes a gate."""


def paint_box(axis: "Axes", box: Box, place: Place, position: int) -> None:
    """The box, its parts, the channels above it and the sizes at its left."""
    fill = ink.BOX if box.sizes else ink.VECTOR
    start = 0.0
    for part in box.parts:
        width = place.width * part.channels / box.channels
        colour = ink.SKIPPED if part.skipped else fill
        _rectangle(axis, place.left + start, place.bottom, width, place.height, facecolor=colour, linewidth=0.4, zorder=3)
        start += width
    outline = {"facecolor": "none" if box.parts else fill, "linewidth": 0.7, "zorder": 4, "gid": f"box{position}"}
    _rectangle(axis, place.left, place.bottom, place.width, place.height, **outline)
    write(axis, place.left + place.channels_from(), place.top + AIR / 2, str(box.channels), va="bottom")
    if box.count:
        write(axis, place.x, place.y, f"×{box.count}", ha="center", va="center")
    if place.sizes:
        write(axis, place.left - AIR / 2, place.bottom - place.hang, box.label, ha="right", va="bottom", rotation=90)


def paint_step(axis: "Axes", before: Place, place: Place, colour: str, kind: str) -> None:
    """The arrow from a box to the next: level in a row, upright between rows; round a corner to a box that stands aside."""
    gid = f"arrow-{kind}"
    start, end = before.left + before.departs, place.left + place.arrives
    if before.row == place.row:
        _arrow(axis, (before.right, before.y), (place.left, place.y), colour, THIN, gid)
    elif abs(start - end) > AIR and end > before.right:
        axis.plot((before.right, end), (before.y, before.y), color=colour, linewidth=THIN, zorder=2)
        _arrow(axis, (end, before.y), (end, place.bottom if before.row > place.row else place.top), colour, THIN, gid)
    elif before.row < place.row:
        _arrow(axis, (start, before.bottom), (end, place.top), colour, THIN, gid)
    else:
        _arrow(axis, (start, before.top), (end, place.bottom), colour, THIN, gid)


def paint_skip(axis: "Axes", scene: Scene, skip: Skip, places: Sequence[Place]) -> None:
    """A connection across the U at half the height of its boxes, with the dashed region that cropping leaves; or a shortcut."""
    source, target = places[skip.source], places[skip.target]
    if not scene.crosses(skip):
        _paint_shortcut(axis, source, target)
        return
    if skip.crop:
        _paint_crop(axis, source, min(scaled_height(scene, skip.crop) / scaled_height(scene, scene.boxes[skip.source].sizes), 1.0))
    added = skip.merge != "concatenate"
    end = target.left - (2 * MARK + AIR if added else 0.0)
    _arrow(axis, (source.right, source.y), (end, target.y), ink.SKIP, THICK, gid="skip")
    if added:
        _mark(axis, end + MARK, target.y, "+" if skip.merge == "add" else "×" if skip.merge == "multiply" else "")
    if skip.gated:
        _mark(axis, source.right + (end - source.right) / 2, source.y, "×")


def paint_entry(axis: "Axes", entry: Entry, left: float, y: float) -> None:
    """A line of the legend: its text behind a short arrow or the sign of a count, or alone."""
    write(axis, left + SAMPLE + AIR, y, entry.text, va="center_baseline")
    if entry.kind == "count":
        write(axis, left + SAMPLE / 2, y, "×n", ha="center", va="center_baseline")
    if entry.kind in ("count", "note"):
        return
    thick = {"skip": THICK, "shortcut": FINE}.get(entry.kind, THIN)
    _arrow(axis, (left, y), (left + SAMPLE, y), entry.colour, thick, gid=f"legend-{entry.kind}")
    if "gate" in entry.text:
        _mark(axis, left + SAMPLE / 2 - MARK / 2, y, "×")


def write(axis: "Axes", x: float, y: float, text: str, **alignment: Any) -> None:
    """A text in the type of the figure."""
    axis.text(x, y, text, fontsize=ink.LABEL, family="DejaVu Sans", zorder=6, **alignment)


def _rectangle(axis: "Axes", left: float, bottom: float, width: float, height: float, **options: Any) -> None:
    from matplotlib.patches import Rectangle

    axis.add_patch(Rectangle((left, bottom), width, height, edgecolor=ink.EDGE, **options))


def _arrow(axis: "Axes", start: tuple[float, float], end: tuple[float, float], colour: str, width: float, gid: str) -> None:
    from matplotlib.patches import FancyArrowPatch

    arrow = FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=4.5 + width, shrinkA=0, shrinkB=0, color=colour, linewidth=width, zorder=2, gid=gid
    )
    arrow.set_joinstyle("miter")
    arrow.set_capstyle("butt")
    axis.add_patch(arrow)


def _paint_shortcut(axis: "Axes", source: Place, target: Place) -> None:
    """A line below the boxes of a row, up into the box that it joins; it begins right of where another one ends."""
    low = min(source.bottom, target.bottom) - SHORTCUT * 0.75
    start, end = source.x + source.width / 5, target.x - target.width / 5
    xs, ys = [start, start, end], [source.bottom, low, low]
    axis.plot(xs, ys, color=ink.SHORTCUT, linewidth=FINE, zorder=1, solid_joinstyle="miter", gid="shortcut")
    _arrow(axis, (end, low), (end, target.bottom), ink.SHORTCUT, FINE, gid="shortcut-end")


def _paint_crop(axis: "Axes", source: Place, share: float) -> None:
    """Dashes round the middle of a box, as much of its height as is left."""
    height, inset = source.height * share, min(0.012, source.width / 6)
    left, width = source.left + inset, source.width - 2 * inset
    _rectangle(axis, left, source.y - height / 2, width, height, fill=False, linestyle=(0, (2, 1.5)), linewidth=0.6, zorder=5, gid="crop")


def _mark(axis: "Axes", x: float, y: float, sign: str) -> None:
    """A sign in a circle."""
    from matplotlib.patches import Circle

    axis.add_patch(Circle((x, y), MARK, facecolor="white", edgecolor=ink.EDGE, linewidth=0.6, zorder=5))
    reach = MARK * 0.6
    if sign == "×":
        reach *= 0.7
        lines = [((x - reach, x + reach), (y - reach, y + reach)), ((x - reach, x + reach), (y + reach, y - reach))]
    else:
        lines = [((x - reach, x + reach), (y, y)), ((x, x), (y - reach, y + reach))] if sign else []
    for xs, ys in lines:
        axis.plot(xs, ys, color=ink.EDGE, linewidth=0.6, zorder=6)
