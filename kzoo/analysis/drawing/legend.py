"""The legend: one entry for every operation and connection that a figure shows, and its place on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .ink import COLOURS, EDGE, LABEL, LINE, SHORTCUT, SKIP, text_width
from .layout import AIR, Place
from .scene import Scene

SAMPLE = 0.26
"""Length of the arrow before a text."""

SPACE = 0.18
"""Between columns."""


@dataclass(frozen=True)
class Entry:
    """A line of the legend."""

    kind: str
    text: str
    colour: str

    @property
    def width(self) -> float:
        return SAMPLE + AIR + text_width(self.text, LABEL)


def entries(scene: Scene) -> list[Entry]:
    """The operations in the order in which they appear, then the connections and the sign of a count.

    A kind has as many colours as `COLOURS` holds for it; further texts of that kind share the last one.
    """
    found: dict[tuple[str, str], Entry] = {}
    for box in scene.boxes[1:]:
        key = (box.made.kind, box.made.text)
        if key not in found:
            number = sum(kind == box.made.kind for kind, _ in found)
            colours = COLOURS[box.made.kind]
            found[key] = Entry(*key, colours[min(number, len(colours) - 1)])
    counts = [Entry("count", "n convolutions", EDGE)] if any(box.count for box in scene.boxes) else []
    notes = [Entry("note", f"main output shown, {scene.outputs - 1} more not drawn", EDGE)] if scene.outputs > 1 else []
    return [*found.values(), *_connections(scene), *counts, *notes]


def _connections(scene: Scene) -> list[Entry]:
    """Skips and shortcuts; a plain copy is not listed beside a cropped one, since dashes tell where a crop is."""
    result = {}
    for skip in scene.skips:
        crosses = scene.crosses(skip)
        text = skip.text(crosses)
        result[text] = Entry("skip" if crosses else "shortcut", text, SKIP if crosses else SHORTCUT)
    cropped = {text.replace(" and crop", "", 1) for text in result if " and crop" in text}
    return [entry for text, entry in result.items() if text not in cropped]


def arrange(legend: Sequence[Entry], places: Sequence[Place], bottom: float) -> list[tuple[float, float]]:
    """The left ends and middles of the entries: below the right arm of a U where they fit, else in columns below all boxes."""
    height, width = len(legend) * LINE, max((entry.width for entry in legend), default=0.0)
    right = max(place.reach() for place in places)
    corner = right - width
    blocked = [place.bottom - place.hang for place in places if place.reach() > corner - SPACE]
    blocked += [before.y for before, place in pairwise(places) if place.left + place.arrives > corner - SPACE and place.row < before.row]
    if min(blocked) - bottom >= height + LINE / 2:
        return [(corner, bottom + height - LINE * (number + 0.5)) for number in range(len(legend))]
    return _columns(legend, right, bottom - LINE)


def _columns(legend: Sequence[Entry], right: float, top: float) -> list[tuple[float, float]]:
    """As many columns as the figure is wide, filled from the top."""
    rows, widths = 1, [0.0]
    for rows in range(1, len(legend) + 1):
        columns = [legend[start : start + rows] for start in range(0, len(legend), rows)]
        widths = [max(entry.width for entry in column) for column in columns]
        if sum(widths) + SPACE * (len(widths) - 1) <= right or rows == len(legend):
            break
    lefts = [sum(widths[:number]) + SPACE * number for number in range(len(widths))]
    return [(lefts[n // rows], top - LINE * (n % rows + 0.5)) for n in range(len(legend))]
