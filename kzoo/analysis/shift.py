"""Shift consistency (Zhang 2019, "Making convolutional networks shift-invariant again"): does the answer stay when the image moves?

The number that tells max pooling, strided convolution and blur pooling apart. Like Zhang's evaluation, it compares windows that are cut
at several offsets out of a somewhat larger image.
"""

import itertools
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from ..errors import ArgumentError, check_choice
from ..models.stages import check_positive
from ..stack import ops, tree
from .part import trace_images
from .scores import find_threshold

BORDERS = ("reflect", "wrap", "edge")

Offset = tuple[int, ...]


def shift_consistency(
    model: keras.Model,
    images: np.ndarray,
    shifts: int = 7,
    *,
    windows: int = 8,
    border: str = "reflect",
    margin: int | None = None,
    threshold: float | None = None,
    batch_size: int = 32,
    seed: int = 0,
) -> float:
    """How often a network gives the same answer to an image and to the image moved by a few pixels.

    For every image, `windows` different offsets are drawn out of all those from 0 to `shifts` pixels along each axis. A classifier's
    consistency is the probability that two windows of an image get the same class. A segmentation network's is the share of the
    pixels seen through both windows, away from the border of either, that get the same class. Both are averaged over all pairs of
    windows and all images. Two windows never have the same offset, unlike in Zhang's code, where they do once in a thousand pairs.

    Windows are of the model's input size and come from the middle of the image. An image that is smaller than the window and the
    shifts together is first extended: mirrored at its edges, or as `border` says. A model without fixed sizes sees windows of the
    image's size.

    Args:
        model: a `keras.Model` that takes `(batch, *spatial, channels)` and returns scores of classes per image or per pixel.
        images: `(count, *spatial, channels)`, prepared as the model was trained.
        shifts: int, the largest shift in pixels along each axis.
        windows: int of at least 2, windows per image; all offsets are taken where there are no more.
        border: `reflect`, `wrap` (shifts are then circular) or `edge`.
        margin: int, for segmentation: pixels left out along the border of each output; an eighth of its smallest size unless given.
        threshold: float, for a model of one score: above it lies the second class. Unless given, 0.5 where the graph ends in a sigmoid,
            0 where it ends in logits.
        batch_size: int.
        seed: int, of the offsets.

    Returns:
        float from 0 to 1, 1 for a network whose answer never changes.

    Raises:
        ArgumentError: a model of several inputs or with its channels first, images of the wrong shape, settings out of range, an
            output that is smaller than the input by more than its cropped border, a margin that leaves nothing to compare, or one
            score that the graph does not tell the kind of.

    >>> from kzoo import build_cnn
    >>> model = build_cnn(input_shape=(16, 16, 1), num_classes=3, filters=4, pooling="avg", dense=[])
    >>> 0 <= shift_consistency(model, np.random.default_rng(0).random((2, 16, 16, 1)), shifts=2) <= 1
    True
    """
    images = np.asarray(images)
    size = _check(model, images, shifts, windows, border)
    if threshold is None and model.outputs[0].shape[-1] == 1:
        threshold = find_threshold(model)
    extended = _extend(images, [n + shifts for n in size], border)
    offsets = _offsets(len(images), shifts, len(size), windows, seed)
    classes = _answers(model, extended, offsets, size, batch_size, threshold)
    if classes.ndim == 2:
        return float(np.mean([_same_class(row) for row in classes]))
    margin = min(classes.shape[2:]) // 8 if margin is None else margin
    _check_maps(classes.shape[2:], size, shifts, margin)
    return float(np.mean([_same_pixels(maps, row, margin) for maps, row in zip(classes, offsets, strict=True)]))


def _check(model: keras.Model, images: np.ndarray, shifts: int, windows: int, border: str) -> tuple[int, ...]:
    """The size of the windows, after checking the arguments."""
    graph = trace_images(model)
    check_choice("border", border, BORDERS)
    check_positive("shifts", shifts)
    check_positive("windows", windows, least=2)
    shape = graph.shapes[0][1:]
    if images.ndim != len(shape) + 1 or images.shape[-1] != shape[-1] or not len(images):
        raise ArgumentError("images", f"expected (count, *spatial, {shape[-1]}) for an input of {shape}. Received: {images.shape}.")
    return tuple(fixed or n for fixed, n in zip(shape[:-1], images.shape[1:-1], strict=True))


def _offsets(count: int, shifts: int, rank: int, windows: int, seed: int) -> list[list[Offset]]:
    """For every image, different offsets out of all."""
    every = list(itertools.product(range(shifts + 1), repeat=rank))
    rng = np.random.default_rng(seed)
    return [[every[number] for number in rng.permutation(len(every))[:windows]] for _ in range(count)]


def _extend(images: np.ndarray, sizes: Sequence[int], border: str) -> np.ndarray:
    """The middle of the images at these sizes; where they are smaller, continued beyond their edges, at the end first."""
    for axis, wanted in enumerate(sizes, start=1):
        missing = wanted - images.shape[axis]
        if missing > 0:
            widths = [(0, 0)] * images.ndim
            widths[axis] = (missing // 2, missing - missing // 2)
            images = np.pad(images, widths, mode=border)  # type: ignore[call-overload]
        start = (images.shape[axis] - wanted) // 2
        images = np.take(images, range(start, start + wanted), axis=axis)
    return images


def _answers(
    model: keras.Model,
    images: np.ndarray,
    offsets: Sequence[Sequence[Offset]],
    size: Sequence[int],
    batch_size: int,
    threshold: float | None,
) -> np.ndarray:
    """The classes of all windows: `(images, windows)`, or with the sizes of the map behind."""
    places = [(number, offset) for number, row in enumerate(offsets) for offset in row]
    scores = []
    for start in range(0, len(places), batch_size):
        batch = np.stack([_window(images[number], offset, size) for number, offset in places[start : start + batch_size]])
        scores.append(ops.convert_to_numpy(tree.flatten(model(batch, training=False))[0]))
    classes = _classes(np.concatenate(scores), threshold)
    return classes.reshape(len(offsets), -1, *classes.shape[1:])


def _window(image: np.ndarray, offset: Offset, size: Sequence[int]) -> np.ndarray:
    return image[tuple(slice(first, first + n) for first, n in zip(offset, size, strict=True))]


def _classes(scores: np.ndarray, threshold: float | None) -> np.ndarray:
    return scores.argmax(axis=-1) if threshold is None else (scores[..., 0] > threshold).astype("int64")


def _same_class(classes: np.ndarray) -> float:
    """The share of pairs of windows with the same class."""
    pairs = itertools.combinations(classes, 2)
    return float(np.mean([a == b for a, b in pairs]))


def _check_maps(maps: Sequence[int], size: Sequence[int], shifts: int, margin: int) -> None:
    if any(2 * n <= m for n, m in zip(maps, size, strict=True)) or len(maps) != len(size):
        raise ArgumentError(
            "model", f"expected one class per pixel or per image. Received: maps of {tuple(maps)} for windows of {tuple(size)}."
        )
    if margin < 0 or min(maps) - 2 * margin - shifts < 1:
        raise ArgumentError(
            "margin",
            f"expected 0 to {(min(maps) - shifts - 1) // 2}, so that windows {shifts} pixels apart share pixels. Received: {margin}.",
        )


def _same_pixels(maps: np.ndarray, offsets: Sequence[Offset], margin: int) -> float:
    """The share of equal pixels, averaged over all pairs of windows of one image."""
    return float(np.mean([np.mean(a == b) for a, b in _shared(maps, offsets, margin)]))


def _shared(maps: np.ndarray, offsets: Sequence[Offset], margin: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For every pair of windows, what each says of the pixels that both see."""
    for (one, here), (other, there) in itertools.combinations(zip(maps, offsets, strict=True), 2):
        cuts = [_cuts(n, b - a, margin) for n, a, b in zip(one.shape, here, there, strict=True)]
        yield one[tuple(c[0] for c in cuts)], other[tuple(c[1] for c in cuts)]


def _cuts(size: int, distance: int, margin: int) -> tuple[slice, slice]:
    """Along one axis, the parts of two maps that show the same pixels, the second window being `distance` further on."""
    low, high = margin + max(distance, 0), size - margin + min(distance, 0)
    return slice(low, high), slice(low - distance, high - distance)
