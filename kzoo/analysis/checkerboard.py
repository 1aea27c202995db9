"""Checkerboard patterns: how unevenly an up-sampling treats neighbouring positions.

After Odena et al. 2016, "Deconvolution and checkerboard artifacts", https://doi.org/10.23915/distill.00003. A transposed convolution
whose kernel is no multiple of its stride writes to some output positions from more input positions than to others. Interpolation and
pixel shuffle write to all alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from .facts import Facts
from .graph import Graph
from .moves import Transposed


@dataclass(frozen=True)
class Upsampling:
    """An up-sampling of a network.

    Attributes:
        layer: its name.
        strides: factor per spatial axis.
        fewest, most: input positions that reach an output position, the minimum and maximum over all phases.
    """

    layer: str
    strides: tuple[int, ...]
    fewest: int
    most: int

    @property
    def unevenness(self) -> float:
        """(most - fewest) / most: 0 where all positions are alike, 1 where some receive nothing."""
        return (self.most - self.fewest) / self.most


def find_upsamplings(graph: Graph, facts: Sequence[Facts | None]) -> tuple[Upsampling, ...]:
    """Every call that raises the resolution, in order."""
    found = []
    for call, known in zip(graph.calls, facts, strict=True):
        moves = known.moves if known is not None else ()
        if any(move.scale < 1 for move in moves):
            overlaps = [move.overlap() if isinstance(move, Transposed) else (1, 1) for move in moves]
            strides = tuple(int(1 / move.scale) for move in moves)
            found.append(Upsampling(call.name, strides, prod(few for few, _ in overlaps), prod(most for _, most in overlaps)))
    return tuple(found)
