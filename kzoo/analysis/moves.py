"""How a layer maps positions along one axis: which input positions an output position is computed from, and how many there are.

Positions count from 0 and may lie outside the map, in its padding. A `Move` knows one axis; layers have one per spatial axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Protocol


class Move(Protocol):
    """What any move can tell about an axis of n positions."""

    @property
    def scale(self) -> Fraction:
        """Input positions per output position: 2 for a stride of 2, 1/2 for an up-sampling by 2."""

    @property
    def period(self) -> int:
        """Input positions after which the sizes repeat: so many more give `period / scale` output positions more, whatever n is."""

    @property
    def width(self) -> Fraction:
        """Input positions that an output position spans, as a mean over all phases."""

    def size(self, n: int) -> int:
        """Number of output positions for n input positions."""

    def taps(self, position: int, n: int) -> Sequence[int]:
        """The input positions that an output position is computed from, in rising order; empty where there is none."""

    def centre(self, n: int) -> Fraction:
        """The middle of the input positions of output position 0, as a mean over all phases."""


@dataclass(frozen=True)
class _Kernel:
    """What a convolution and a transposed one share."""

    kernel: int
    stride: int = 1
    dilation: int = 1

    @property
    def span(self) -> int:
        """Positions from the first to the last of a window."""
        return self.dilation * (self.kernel - 1) + 1


@dataclass(frozen=True)
class _Finer:
    """What up-samplings without weights share: a whole factor and half-pixel centres."""

    factor: int

    @property
    def period(self) -> int:
        return 1

    @property
    def scale(self) -> Fraction:
        return Fraction(1, self.factor)

    def size(self, n: int) -> int:
        return n * self.factor

    def centre(self, n: int) -> Fraction:  # noqa: ARG002
        return Fraction(1 - self.factor, 2 * self.factor)


@dataclass(frozen=True)
class Window(_Kernel):
    """A window that moves by a stride: convolution and pooling; padding and cropping are windows of size 1.

    Args:
        kernel: int, size of the window.
        stride: int.
        dilation: int, distance between the window's positions.
        padding: `valid`, `same`, `causal` as in Keras, or positions added before and after (negative ones are cut off).

    Output size: floor((n + before + after - dilation * (kernel - 1) - 1) / stride) + 1; `same` pads such that it is ceil(n / stride),
    the odd position after the map.

    >>> Window(3, stride=2, padding="same").size(33)
    17
    >>> Window(3, dilation=2).taps(0, n=16)
    range(0, 5, 2)
    """

    padding: str | tuple[int, int] = "valid"

    @property
    def scale(self) -> Fraction:
        return Fraction(self.stride)

    @property
    def period(self) -> int:
        return self.stride

    @property
    def width(self) -> Fraction:
        return Fraction(self.span)

    def pads(self, n: int) -> tuple[int, int]:
        """Positions added before and after a map of n."""
        if isinstance(self.padding, tuple):
            return self.padding
        if self.padding == "same":
            total = max((-(-n // self.stride) - 1) * self.stride + self.span - n, 0)
            return total // 2, total - total // 2
        return (self.span - 1 if self.padding == "causal" else 0), 0

    def size(self, n: int) -> int:
        return (n + sum(self.pads(n)) - self.span) // self.stride + 1

    def taps(self, position: int, n: int) -> Sequence[int]:
        start = position * self.stride - self.pads(n)[0]
        return range(start, start + self.span, self.dilation)

    def centre(self, n: int) -> Fraction:
        return Fraction(self.span - 1, 2) - self.pads(n)[0]


@dataclass(frozen=True)
class Transposed(_Kernel):
    """A transposed convolution: every input position writes a window of the output, windows a stride apart.

    Args:
        kernel, stride, dilation: int.
        padding: `valid` or `same`, as in Keras: (n - 1) * stride + max(span, stride), or n * stride positions.
        output_padding: int or None, as in Keras.

    >>> Transposed(3, 2, padding="same").taps(2, n=8), Transposed(3, 2, padding="same").taps(3, n=8)
    ([0, 1], [1])
    """

    padding: str = "valid"
    output_padding: int | None = None

    @property
    def scale(self) -> Fraction:
        return Fraction(1, self.stride)

    @property
    def period(self) -> int:
        return 1

    @property
    def width(self) -> Fraction:
        return max(Fraction(self.span, self.stride), Fraction(1))

    def size(self, n: int) -> int:
        start = (n - 1) * self.stride
        if self.output_padding is None:
            return n * self.stride if self.padding == "same" else start + max(self.span, self.stride)
        return start + self.output_padding + (self.span % 2 if self.padding == "same" else self.span)

    def cropped(self, n: int) -> int:
        """Positions cut off before the output."""
        if self.padding == "valid":
            return 0
        return max((n - 1) * self.stride + self.span - self.size(n), 0) // 2

    def taps(self, position: int, n: int) -> Sequence[int]:
        reach = position + self.cropped(n)
        offsets = [reach - self.dilation * tap for tap in reversed(range(self.kernel))]
        return [offset // self.stride for offset in offsets if offset % self.stride == 0]

    def centre(self, n: int) -> Fraction:
        return (self.cropped(n) - Fraction(self.span - 1, 2)) / self.stride

    def overlap(self) -> tuple[int, int]:
        """Fewest and most input positions that an output position receives, over all phases."""
        counts = [0] * self.stride
        for tap in range(self.kernel):
            counts[self.dilation * tap % self.stride] += 1
        return min(counts), max(counts)


@dataclass(frozen=True)
class PadTo:
    """Positions added behind the last, up to the next multiple.

    >>> PadTo(16).size(33), PadTo(16).taps(5, n=33)
    (48, (5,))
    """

    multiple: int

    @property
    def scale(self) -> Fraction:
        return Fraction(1)

    @property
    def period(self) -> int:
        return self.multiple

    @property
    def width(self) -> Fraction:
        return Fraction(1)

    def size(self, n: int) -> int:
        return -(-n // self.multiple) * self.multiple

    def taps(self, position: int, n: int) -> Sequence[int]:  # noqa: ARG002
        return (position,)

    def centre(self, n: int) -> Fraction:  # noqa: ARG002
        return Fraction(0)


@dataclass(frozen=True)
class Repeat(_Finer):
    """Every position becomes `factor` positions: nearest up-sampling and pixel shuffle.

    >>> Repeat(2).taps(5, n=8)
    (2,)
    """

    @property
    def width(self) -> Fraction:
        return Fraction(1)

    def taps(self, position: int, n: int) -> Sequence[int]:  # noqa: ARG002
        return (position // self.factor,)


@dataclass(frozen=True)
class Interpolation(_Finer):
    """Interpolation by a whole factor with half-pixel centres.

    Args:
        factor: int.
        reach: int, how far an input position is heard: 1 for linear, 2 for cubic, the number in `lanczos3`.

    >>> Interpolation(2).taps(1, n=8), Interpolation(3).taps(1, n=8)
    (range(0, 2), range(0, 1))
    """

    reach: int = 1

    @property
    def width(self) -> Fraction:
        on_a_pixel = Fraction(self.factor % 2, self.factor)
        return 2 * self.reach - on_a_pixel * (2 * self.reach - 1)

    def taps(self, position: int, n: int) -> Sequence[int]:  # noqa: ARG002
        place = (position + Fraction(1, 2)) / self.factor - Fraction(1, 2)
        if place.denominator == 1:
            return range(int(place), int(place) + 1)
        return range(floor(place) - self.reach + 1, ceil(place) + self.reach)
