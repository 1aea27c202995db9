"""Sizes of type, in points and inches, and the colours of the operations."""

from collections.abc import Sequence
from functools import cache

LABEL = 6.5
"""Points. A figure of 7 inches, the width of a page, is printed as it is."""

HINTING = 1.04
"""Text on a screen is a little longer than its outlines, whose points move to pixels."""

LINE = 0.125
"""Inches from one line of labels to the next."""

BOX, EDGE, SKIPPED, VECTOR = "#dce9f5", "#2c4a6b", "#ffffff", "#f7e6cf"
SKIP, SHORTCUT = "#9aa0a6", "#b8860b"

COLOURS: dict[str, Sequence[str]] = {
    "conv": ("#1f6fb4", "#12355b", "#7aa6d8", "#5a3fa0"),
    "pointwise": ("#12a4a4", "#0b6464", "#66c9c2"),
    "strided_conv": ("#a2379b", "#6d1f68", "#d186cb"),
    "pool": ("#c0392b", "#7d1f15", "#e08a80"),
    "up_conv": ("#2e9e4f", "#1b6632", "#86cf9b"),
    "up": ("#7aa52a", "#4d6d12", "#b5d375"),
    "dense": ("#d9731a", "#99480a", "#efb07c"),
    "flatten": ("#777777",),
    "global_pool": ("#8c5a2b",),
    "other": ("#333333", "#888888"),
}
"""Per kind of operation, the colours of its first, second, ... text; blue, red, green and grey as in the 2015 paper."""


@cache
def text_width(text: str, points: float) -> float:
    """How long a text is in matplotlib's own font, in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text:
        return 0.0
    return TextPath((0, 0), text, size=points, prop=FontProperties(family="DejaVu Sans")).get_extents().width / 72 * HINTING
