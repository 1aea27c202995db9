"""Places on paper, in inches: a box as wide as the root of its channels and as high as the root of its size.

Roots, since 1 to 1024 channels and 572 to 28 rows don't fit on one page to scale. In a U, every resolution is a row; the trunk runs
down and up through the rows, ever to the right, so that nothing overlaps. A strip is a U of one row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import Literal

from .ink import LABEL, LINE, text_width
from .scene import Box, Scene

PAGE = 7.0
"""The width that a figure should have at most."""

WIDTHS = (0.42, 0.36, 0.3, 0.24, 0.2)
"""Of the box with the most channels: the first of these that fits on a page; stages may be twice as wide."""

NARROWEST = 0.07
"""The least width of a box."""

HIGHEST, LONGEST, LOWEST = 1.15, 0.85, 0.13
"""Heights of the largest map, of the longest vector, and of any."""

ROOMY = 0.3
"""The least width and height of a box that bears a count or two vertical arrows."""

GAP, CROSSING = 0.2, 0.5
"""Between boxes of a row: room for an arrow and a rotated label; the same for a skip that crosses the U."""

FALL = 0.16
"""Between rows, besides the labels: room for the vertical arrow."""

AIR, CLEAR = 0.04, 0.075
"""Between a text and anything else, and between the sizes of a map and the middle of an arrow."""

SHORTCUT = 0.12
"""How far below the boxes of a row its shortcuts run."""


@dataclass
class Place:
    """Where a box stands.

    Attributes:
        width, height: of the box.
        row: 0 at the top.
        arrives, departs: where the arrows of the trunk end and begin, from the left edge.
        channels: length of the text above the box, and on which side of a vertical arrow it stands.
        sizes: length of the text at the left of the box, 0 where the row goes on with the same sizes.
        left, y: the left edge and the middle of the height.
        hang: how far the sizes begin below the box.
    """

    width: float
    height: float
    row: int
    arrives: float
    departs: float
    channels: float
    side: Literal["left", "centre", "right"]
    sizes: float
    left: float = 0.0
    y: float = 0.0
    hang: float = 0.0

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def x(self) -> float:
        return self.left + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y - self.height / 2

    @property
    def top(self) -> float:
        return self.y + self.height / 2

    def channels_from(self) -> float:
        """Where the text above the box begins, from its left edge."""
        if self.side == "right":
            return max(self.arrives, self.departs) + AIR
        if self.side == "left":
            return self.departs - AIR - self.channels
        return (self.width - self.channels) / 2

    def reach(self) -> float:
        """The right end of the box and its text."""
        return max(self.right, self.left + self.channels_from() + self.channels)


def lay_out(scene: Scene) -> list[Place]:
    """Gives every box of a scene its place; the first one begins at x = 0, the page at y = 0 and runs downwards."""
    factor = 2 if any(box.count for box in scene.boxes) else 1
    for widest in WIDTHS:
        places = _line_up(scene, widest * factor)
        if max(place.reach() for place in places) <= PAGE:
            break
    targets = {skip.target for skip in scene.skips if scene.crosses(skip)}
    for position, place in enumerate(places):
        level = position > 0 and places[position - 1].row == place.row
        free = place.height / 2 - CLEAR if level or position in targets else place.height
        place.hang = max(place.sizes - free, 0.0)
    _stack(places, {places[skip.target].row for skip in scene.skips if not scene.crosses(skip)})
    return places


def _line_up(scene: Scene, widest: float) -> list[Place]:
    """The places without their y."""
    rows = _rows(scene)
    places = [_place(scene, rows, position, widest) for position in range(len(scene.boxes))]
    _walk(places)
    return places


def _rows(scene: Scene) -> list[int]:
    levels = sorted({box.scale for box in scene.boxes}, reverse=True)
    return [levels.index(box.scale) if scene.is_u else 0 for box in scene.boxes]


def _place(scene: Scene, rows: Sequence[int], position: int, widest: float) -> Place:
    """A box without its x and y."""
    box, row = scene.boxes[position], rows[position]
    before = rows[position - 1] if position else row
    after = rows[position + 1] if position + 1 < len(rows) else row
    from_above, upwards = before < row, after < row
    turns = from_above and upwards
    least = ROOMY if box.count or turns else NARROWEST
    width = max(_width(scene, box, widest), least)
    arrives = _trunk_middle(box, width) if before > row else width / (4 if turns else 2)
    departs = width * (0.75 if turns else 0.5)
    side: Literal["left", "centre", "right"] = "right" if from_above else "left" if upwards else "centre"
    labelled = position == 0 or before != row or box.label != scene.boxes[position - 1].label
    sizes = text_width(box.label, LABEL) if labelled else 0.0
    return Place(width, _height(scene, box), row, arrives, departs, text_width(str(box.channels), LABEL), side, sizes)


def _width(scene: Scene, box: Box, widest: float) -> float:
    """Vectors are as thin as can be."""
    most = max((other.channels for other in scene.boxes if other.sizes), default=1)
    return widest * sqrt(box.channels / most) if box.sizes else NARROWEST


def _height(scene: Scene, box: Box) -> float:
    """Maps by the geometric mean of their sizes, vectors by their width."""
    least = ROOMY if box.count else LOWEST
    if box.sizes:
        return max(scaled_height(scene, box.sizes), least)
    longest = max(other.channels for other in scene.boxes if not other.sizes)
    return max(LONGEST * sqrt(box.channels / longest), least)


def scaled_height(scene: Scene, sizes: Sequence[int]) -> float:
    """The height of a map of these sizes in a scene."""
    largest = max(_mean(box.sizes) for box in scene.boxes if box.sizes)
    return HIGHEST * sqrt(_mean(sizes) / largest)


def _mean(sizes: Sequence[int]) -> float:
    return prod(sizes) ** (1 / len(sizes))


def _trunk_middle(box: Box, width: float) -> float:
    """The middle of what the trunk brought to a concatenated map, from the left edge."""
    start = 0
    for part in box.parts:
        if not part.skipped:
            return width * (start + part.channels / 2) / box.channels
        start += part.channels
    return width / 2


def _walk(places: Sequence[Place]) -> None:
    """Gives every box its x: after the one before it, and right of all that stands in its row."""
    places[0].left = 0.0
    reach = {places[0].row: places[0].reach()}
    for position in range(1, len(places)):
        before, place = places[position - 1], places[position]
        if before.row == place.row:
            place.left = max(before.right + GAP, reach[place.row] + AIR - place.channels_from())
        else:
            place.left = before.left + before.departs - place.arrives
            missing = reach.get(place.row, float("-inf")) + CROSSING - place.left
            if missing > 0:
                place.left += missing
                _follow(places, position - 1, missing)
                reach[before.row] = before.reach()
        reach[place.row] = place.reach()


def _follow(places: Sequence[Place], position: int, distance: float) -> None:
    """Moves a box to the right, below the one that it leads up to; one that hangs below another stays."""
    if position and places[position - 1].row == places[position].row:
        places[position].left += distance


def _stack(places: Sequence[Place], with_shortcuts: set[int]) -> None:
    """Gives every row its y, from the top down, with room for what hangs below its boxes."""
    y = 0.0
    for row in range(max(place.row for place in places) + 1):
        members = [place for place in places if place.row == row]
        height = max(place.height for place in members)
        y -= LINE + height / 2
        lowest = max(place.height / 2 + place.hang for place in members)
        for place in members:
            place.y = y
        y -= max(lowest, height / 2 + (SHORTCUT if row in with_shortcuts else 0.0)) + FALL
