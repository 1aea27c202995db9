"""One value or one per stage: broadcasting and checking of the arguments that builders share."""

import re
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from ..errors import ArgumentError
from ..errors import check_rate as check_rate
from ..layers.style import Size
from ..stack import config

SpatialShape = Sequence[int | None]


def check_positive(argument: str, value: Any, least: int = 1) -> None:
    """Raises `ArgumentError` unless `value` is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ArgumentError(argument, f"expected an integer of at least {least}. Received: {value!r}.")


def check_flag(argument: str, value: Any) -> None:
    """Raises `ArgumentError` for what is neither true nor false, such as a word."""
    if not isinstance(value, bool):
        raise ArgumentError(argument, f"expected true or false. Received: {value!r}.")


def count(argument: str, values: Any) -> int:
    """The number of stages that a list with one positive integer per stage tells."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise ArgumentError(argument, f"expected a list with one value per stage, such as [2, 2, 2]. Received: {values!r}.")
    for value in values:
        check_positive(argument, value)
    return len(values)


def check_width(width: Any, argument: str = "width") -> None:
    """Raises `ArgumentError` for a width multiplier that is no number above 0."""
    if isinstance(width, bool) or not isinstance(width, Real) or not 0 < float(width) < float("inf"):
        raise ArgumentError(argument, f"expected a number above 0. Received: {width!r}.")


def times(filters: int, width: float) -> int:
    """Filters multiplied by a width, rounded, at least 1."""
    return max(round(filters * width), 1)


def check_name(name: str) -> None:
    """Raises `ArgumentError` for a name that Keras cannot give to a model."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise ArgumentError("name", f"expected letters, digits, underscores, dots or hyphens. Received: {name!r}.")


def rank_of(input_shape: SpatialShape) -> int:
    """The number of spatial axes of `(*spatial, channels)`, after checking the shape and the image data format."""
    if config.image_data_format() != "channels_last":
        raise ArgumentError(
            "input_shape",
            "expected Keras's image data format to be channels_last, which the builders use. "
            f'Received: {config.image_data_format()}. Call keras.backend.set_image_data_format("channels_last").',
        )
    shape = tuple(input_shape) if isinstance(input_shape, Sequence) else (input_shape,)
    sizes_fit = all(n is None or (isinstance(n, Integral) and not isinstance(n, bool) and n > 0) for n in shape)
    if not 2 <= len(shape) <= 4 or not sizes_fit or shape[-1] is None:
        raise ArgumentError(
            "input_shape",
            "expected (*spatial, channels) with one to three spatial axes, such as (256, 256, 1); "
            f"spatial sizes may be None. Received: {shape}.",
        )
    return len(shape) - 1


def per_stage(argument: str, value: Any, stages: int, of: str) -> tuple:
    """Broadcasts a scalar to all stages; a sequence must have one value per stage.

    >>> per_stage("blocks", 2, 3, of="depth=2")
    (2, 2, 2)
    >>> per_stage("blocks", [2, 2], 3, of="depth=2")
    Traceback (most recent call last):
    kzoo.errors.ArgumentError: blocks: expected one value or 3 (one per stage, depth=2). Received: 2 values, [2, 2].
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (value,) * stages
    if len(value) != stages:
        raise ArgumentError(
            argument,
            f"expected one value or {stages} (one per stage, {of}). Received: {len(value)} values, {list(value)}."
            f"{_remedy(argument, value, stages)}",
        )
    return tuple(value)


def _remedy(argument: str, value: Sequence, stages: int) -> str:
    """How to write sizes per axis, which are easily mistaken for sizes per stage."""
    sizes = any(word in argument for word in ("kernel", "stride", "dilation"))
    return f" One size per axis for every stage is [{value}] * {stages}." if sizes and isinstance(value, tuple) and len(value) < 4 else ""


def doubling(filters: int | Sequence[int], stages: int, of: str, argument: str = "filters") -> tuple[int, ...]:
    """Filters per stage: an int doubles from stage to stage.

    >>> doubling(64, 5, of="depth=4")
    (64, 128, 256, 512, 1024)
    """
    if not isinstance(filters, Sequence):
        check_positive(argument, filters)
        return tuple(int(filters) * 2**stage for stage in range(stages))
    result = per_stage(argument, filters, stages, of)
    for value in result:
        check_positive(argument, value)
    return tuple(map(int, result))


def sizes_per_stage(argument: str, value: Size | Sequence[Size], stages: int, rank: int, of: str) -> tuple[tuple[int, ...], ...]:
    """Kernel sizes or strides as one integer per stage and axis.

    >>> sizes_per_stage("strides", [(1, 2, 2), 2], 2, rank=3, of="depth=2")
    ((1, 2, 2), (2, 2, 2))
    """
    return tuple(axes(argument, size, rank) for size in per_stage(argument, value, stages, of))


def axes(argument: str, size: Size, rank: int) -> tuple[int, ...]:
    """One positive integer per spatial axis."""
    result = tuple(size) if isinstance(size, Sequence) else (size,) * rank
    if len(result) != rank:
        raise ArgumentError(
            argument,
            f"expected an integer or one per spatial axis ({rank}). Received: {len(result)} values, {list(result)}.",
        )
    for value in result:
        check_positive(argument, value)
    return tuple(map(int, result))
