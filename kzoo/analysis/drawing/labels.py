"""Sizes in print: `572²`, `64×32`, and `h/2×w/2` where they follow from an input without fixed sizes."""

from collections.abc import Sequence
from fractions import Fraction

from .graph import PERIOD

LETTERS = {1: "n", 2: "hw", 3: "dhw"}
POWERS = {1: "", 2: "²", 3: "³"}


def size_text(sizes: Sequence[int], larger: Sequence[int], image: Sequence[int]) -> str:
    """The sizes of a map in print.

    Args:
        sizes: of the map.
        larger: of the map for an input that is larger by `PERIOD` along the axes without a fixed size.
        image: of the input.

    >>> size_text((284, 284), (284, 284), (572, 572))
    '284²'
    >>> size_text((126, 32), (2046, 32), (256, 64))
    'h/2−2×32'
    """
    rank = len(sizes)
    letters = LETTERS.get(rank, "n" * rank)
    if len(image) != rank:
        image = [0] * rank
    texts = [_axis(*axis) for axis in zip(sizes, larger, image, letters, strict=True)]
    if len(set(texts)) == 1 and texts[0].isdecimal():
        return texts[0] + POWERS.get(rank, "")
    return "×".join(texts)


def _axis(size: int, larger: int, image: int, letter: str) -> str:
    """One size, as a number or as a multiple of the input's and a rest."""
    slope = Fraction(larger - size, PERIOD)
    if not slope:
        return str(size)
    rest = size - slope * image
    above = "" if slope.numerator == 1 else str(slope.numerator)
    below = "" if slope.denominator == 1 else f"/{slope.denominator}"
    sign = "−" if rest < 0 else "+"
    return f"{above}{letter}{below}" + (f"{sign}{abs(rest)}" if rest else "")
