"""A classifier as the contracting path of a U-Net: its last map of every resolution is a skip, its last one the bottleneck."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from ..errors import ArgumentError
from .registry import BUILDERS
from .trunk import Tap, padded_places, taps

PROBE = 101
"""A size that no stride divides, for the axes whose size is None."""

GIVEN = ("input_shape", "num_classes", "features_only", "name")
"""Arguments of the classifier that the U-Net gives it."""


@dataclass(frozen=True)
class Encoder:
    """The contracting path in the U-Net's words.

    Attributes:
        image: the input.
        maps: a map per resolution, the bottleneck's last; None for that of the image where the classifier begins with a stride.
        filters: channels of the maps.
        strides: per down-sampling, one per axis.
    """

    image: Any
    maps: tuple[Any, ...]
    filters: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]


def attach(encoder: str | Mapping[str, Any], input_shape: Sequence[int | None]) -> Encoder:
    """Builds the classifier up to its maps, all borders padded; checks that each has ceil(size / stride) positions, as the decoder will.

    Raises:
        ArgumentError: no such classifier, or one whose maps do not fit.
    """
    model = _features(encoder, input_shape)
    found = taps(model)
    _check_sizes(model, found, input_shape)
    strides = [tap.strides for tap in found]
    before = [(1,) * len(strides[0]), *strides[:-1]]
    ratios = tuple(tuple(b // a for a, b in zip(*pair, strict=True)) for pair in zip(before, strides, strict=True))
    maps, filters = tuple(model.outputs), tuple(tap.channels for tap in found)
    if prod(strides[0]) == 1:
        return Encoder(model.inputs[0], maps, filters, ratios[1:])
    return Encoder(model.inputs[0], (None, *maps), (filters[0], *filters), ratios)


def _features(encoder: str | Mapping[str, Any], input_shape: Sequence[int | None]) -> keras.Model:
    from .identity import configuration

    if not isinstance(encoder, str | Mapping):
        raise ArgumentError("encoder", f"expected a preset's name, or a mapping with preset or builder in it. Received: {encoder!s:.80}.")
    builder, arguments = configuration(encoder)
    given = [name for name in GIVEN if isinstance(encoder, Mapping) and name in encoder]
    if given:
        raise ArgumentError("encoder", f"expected no {given[0]}, which the U-Net gives it. Received: {encoder[given[0]]!r}.")  # type: ignore[index]
    classifiers = [name for name in BUILDERS if "features_only" in inspect.signature(BUILDERS[name]).parameters]
    if builder not in classifiers:
        raise ArgumentError("encoder", f"expected a preset or builder of a classifier ({', '.join(classifiers)}). Received: {builder}.")
    try:
        with padded_places():
            return BUILDERS[builder](**{**arguments, "input_shape": tuple(input_shape), "num_classes": 0, "features_only": True})
    except ArgumentError as error:
        raise error if error.argument == "input_shape" else error.within("encoder") from error


def _check_sizes(model: keras.Model, found: Sequence[Tap], input_shape: Sequence[int | None]) -> None:
    """A decoder doubles sizes and cuts off what is too much; maps that lost their borders would be shifted against it."""
    sizes = tuple(PROBE if size is None else size for size in input_shape[:-1])
    shapes = model.compute_output_shape((1, *sizes, input_shape[-1]))
    for tap, shape in zip(found, shapes if len(found) > 1 else [shapes], strict=True):
        expected = tuple(-(-size // stride) for size, stride in zip(sizes, tap.strides, strict=True))
        if tuple(shape[1:-1]) != expected:
            raise ArgumentError(
                "encoder",
                f"expected maps of ceil(size / stride) positions, so that skips are aligned: {expected} at stride {tap.strides} for an "
                f"input of {sizes}. Received: {tuple(shape[1:-1])} from {tap.name}. Use another classifier.",
            )
