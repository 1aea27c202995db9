"""Where a classifier changes the size of its maps: what each place leaves of an input, and the rule for small images.

A *place* is a convolution or pooling that has a stride or no padding. A classifier declares its places in order, as in the paper's table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import ArgumentError
from ..layers.style import PoolAlignment

ROOM = 4
"""Positions along each axis that the rule for small images leaves to every stage."""


@dataclass(frozen=True)
class Place:
    """A convolution or pooling that changes the size of the map.

    Attributes:
        name: of the stage or layer, for messages.
        kernel_size, strides: int, or one per axis.
        padding: of the published network.
        least: positions along each axis that what follows needs: 2 for spatial kernels, which would see only padding on a single
            position; 1 where only the head follows.
    """

    name: str
    kernel_size: int | tuple[int, ...]
    strides: int | tuple[int, ...] = 1
    padding: PoolAlignment = "symmetric"
    least: int = 2

    def after(self, size: int) -> int:
        """The size that is left along one axis (of a place with one kernel and stride per axis)."""
        kernel, stride = int(self.kernel_size), int(self.strides)  # type: ignore[arg-type]
        if self.padding in ("same", "symmetric"):
            return -(-size // stride)
        around = 2 * self.padding if isinstance(self.padding, int) else {"valid": 0, "ceil": stride - 1}[self.padding]
        return -(-(size + around - kernel + 1) // stride)


def fit(places: Sequence[Place], input_shape: Sequence[int | None], small_input: bool) -> list[Place]:
    """The places for an input, with one kernel and stride per axis; those of an axis whose size is None are the published ones.

    With `small_input`, an axis on which a stage would get fewer than 4 positions is adapted: all convolutions and poolings pad their
    borders, also those of the other axes, and its earliest strides become 1, with kernels of at most 3, until every stage has 4. A last
    pooling, which only the head follows, may leave 1.

    Raises:
        ArgumentError: a stage would be left without positions; or `small_input` for sizes that are not known.
    """
    sizes = tuple(input_shape[:-1])
    if small_input and None in sizes:
        raise ArgumentError(
            "input_shape",
            f"expected fixed sizes for small_input=True, to which strides are adapted. Received: {tuple(input_shape)}. Give the sizes.",
        )
    per_axis = [[_along(place, axis) for place in places] for axis in range(len(sizes))]
    fitted = []
    for axis, (size, line) in enumerate(zip(sizes, per_axis, strict=True)):
        line = _adapted(line, size) if small_input and size is not None else line
        if size is not None:
            _check(line, size, axis, tuple(input_shape), small_input)
        fitted.append(line)
    return [_merged(axes) for axes in zip(*fitted, strict=True)]


def least_size(places: Sequence[Place]) -> int:
    """The smallest size that leaves every stage what it needs (places with one kernel and stride)."""
    size = 1
    while any(n < place.least for place, n in zip(places, _sizes(places, size), strict=True)):
        size += 1
    return size


def _sizes(places: Sequence[Place], size: int) -> list[int]:
    """The size after each place."""
    found = []
    for place in places:
        size = max(place.after(size), 0)
        found.append(size)
    return found


def _adapted(places: list[Place], size: int) -> list[Place]:
    if _roomy(places, size):
        return places
    places = [place if place.padding == "symmetric" else replace(place, padding="same") for place in places]
    for number, place in enumerate(places):
        if not _roomy(places, size) and place.strides != 1:
            places[number] = replace(place, strides=1, kernel_size=min(int(place.kernel_size), 3))  # type: ignore[arg-type]
    return places


def _roomy(places: Sequence[Place], size: int) -> bool:
    return all(n >= (ROOM if place.least > 1 else 1) for place, n in zip(places, _sizes(places, size), strict=True))


def _check(places: Sequence[Place], size: int, axis: int, shape: tuple, small_input: bool) -> None:
    before = size
    for place, after in zip(places, _sizes(places, size), strict=True):
        if after < place.least:
            needs = " and needs fixed sizes" if None in shape else ""
            remedy = "" if small_input else f", or small_input=True, which adapts the strides{needs}"
            raise ArgumentError(
                "input_shape",
                f"expected larger sizes: {place.name} gets {before} along axis {axis + 1} and leaves {after}, "
                f"where {place.least} {'are' if place.least > 1 else 'is'} needed. Received: {shape}. "
                f"Use at least {least_size(places)}{remedy}.",
            )
        before = after


def _along(place: Place, axis: int) -> Place:
    """The place as one axis has it."""
    kernel, stride = (value if isinstance(value, int) else value[axis] for value in (place.kernel_size, place.strides))
    return replace(place, kernel_size=kernel, strides=stride)


def _merged(axes: Sequence[Place]) -> Place:
    """One place from what each axis has; it pads unless no axis does."""
    kernels, strides = tuple(int(p.kernel_size) for p in axes), tuple(int(p.strides) for p in axes)  # type: ignore[arg-type]
    padding = "same" if any(place.padding == "same" for place in axes) else axes[0].padding
    return replace(axes[0], kernel_size=kernels, strides=strides, padding=padding)
