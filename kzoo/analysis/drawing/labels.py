"""Sizes in print: `572²`, `64×32`, and `(n/2)²` where they follow from an input without fixed sizes."""

from collections.abc import Sequence
from fractions import Fraction

from .nodes import PERIOD

POWERS = {1: "", 2: "²", 3: "³"}


def size_text(sizes: Sequence[int], larger: Sequence[int], image: Sequence[int]) -> str:
    """The sizes of a map in print; n stands for any size of the input that is not fixed.

    Args:
        sizes: of the map.
        larger: of the map for an input that is larger by `PERIOD` along the axes without a fixed size.
        image: of the input.

    >>> size_text((284, 284), (284, 284), (572, 572))
    '284²'
    >>> size_text((126, 32), (2046, 32), (256, 64))
    '(n−4)/2×32'
    """
    rank = len(sizes)
    if len(image) != rank:
        image = [0] * rank
    texts = [_axis(*axis) for axis in zip(sizes, larger, image, strict=True)]
    if len(set(texts)) == 1 and rank in POWERS:
        return (texts[0] if texts[0].isalnum() or rank == 1 else f"({texts[0]})") + POWERS[rank]
    return "×".join(texts)


def _axis(size: int, larger: int, image: int) -> str:
    """One size, as a number or by the input's size n."""
    slope = Fraction(larger - size, PERIOD)
    if not slope:
        return str(size)
    rest = size * slope.denominator - slope.numerator * image
    above = f"{'' if slope.numerator == 1 else slope.numerator}n"
    if rest:
        above += f"{'−' if rest < 0 else '+'}{abs(rest)}"
    if slope.denominator == 1:
        return above
    return f"({above})/{slope.denominator}" if rest else f"{above}/{slope.denominator}"
