"""Batches for `model.fit`: random windows for training, a grid of windows that covers every pixel once for validation.

What a batch holds depends on the seed, the epoch and its number only, so a training that was interrupted goes on with the batches that it
would have seen.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..stack import PyDataset
from .dataset import IGNORE, Augmentation, Samples

ORDER, WINDOWS = 1, 2
"""Random streams of their own for the order of the windows and for where they lie."""


class Window(NamedTuple):
    """A piece of an image by its number, its first row and column, and how many of those rows and columns an earlier window has."""

    image: int
    row: int = 0
    column: int = 0
    seen_rows: int = 0
    seen_columns: int = 0


class Batches(PyDataset):
    """Batches of `(inputs, targets)`, float32 `(batch, height, width, channels)` and the classes.

    Args:
        samples: what to draw from.
        batch_size: int; the last batch may be smaller.
        size: (height, width) that the network takes in; None where all images have the size that it needs (classification).
        output_size: (height, width) that comes out, at the centre; the targets are cut to it. None: the same.
        training: draws windows at random, shuffled and augmented; else the fixed grid in order.
        augmentation: `none`, `flip` (left to right) or `dihedral` (flips and quarter turns).
        seed: int; with the epoch it determines every draw.
    """

    def __init__(
        self,
        samples: Samples,
        batch_size: int,
        size: tuple[int, int] | None = None,
        output_size: tuple[int, int] | None = None,
        training: bool = False,
        augmentation: Augmentation = "none",
        seed: int = 0,
    ):
        super().__init__()
        self.samples = samples
        self.batch_size = batch_size
        self.size = size
        self.output_size = output_size or size
        self.training = training
        self.augmentation = augmentation
        self.seed = seed
        self.epoch = 0
        self._windows = [w for i in range(len(samples)) for w in self._grid(i)]

    def __len__(self) -> int:
        return -(-len(self._windows) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order()[number * self.batch_size : (number + 1) * self.batch_size]
        rng = np.random.default_rng((WINDOWS, self.seed, self.epoch, number))
        pairs = [self._pair(self._windows[place], rng) for place in chosen]
        inputs, targets = zip(*pairs, strict=True)
        return np.stack(inputs), np.stack(targets)

    @property
    def items(self) -> int:
        """Images, or windows of images, per epoch."""
        return len(self._windows)

    def _order(self) -> np.ndarray:
        if not self.training:
            return np.arange(len(self._windows))
        return np.random.default_rng((ORDER, self.seed, self.epoch)).permutation(len(self._windows))

    def _grid(self, index: int) -> list[Window]:
        """Windows that cover every pixel of an image once; training uses only their number."""
        if self.output_size is None:
            return [Window(index)]
        shape = self.samples.images[index].shape
        rows, columns = (_starts(n, window) for n, window in zip(shape, self.output_size, strict=False))
        return [Window(index, row, column, sr, sc) for row, sr in rows for column, sc in columns]

    def _pair(self, window: Window, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        image, target = self.samples.images[window.image], self.samples.targets[window.image]
        if self.size is not None and self.output_size is not None:
            if self.training:
                room = [max(n - m, 0) for n, m in zip(image.shape, self.output_size, strict=False)]
                window = Window(window.image, *(int(rng.integers(r + 1)) for r in room))
            image = _cut_input(image, window, self.size, self.output_size)
            target = _cut_target(target, window, self.output_size)
        if self.training:
            image, target = augment(image, target, self.augmentation, rng)
        return self.samples.inputs(window.image, image), np.asarray(target, np.int32)


def _cut_input(image: np.ndarray, window: Window, size: Sequence[int], output_size: Sequence[int]) -> np.ndarray:
    """The window's pixels with the margin that the network consumes, mirrored where it reaches over the border."""
    margins = [(a - b) // 2 for a, b in zip(size, output_size, strict=True)]
    return cut(image, (window.row - margins[0], window.column - margins[1]), size)


def _cut_target(target: np.ndarray, window: Window, size: Sequence[int]) -> np.ndarray:
    """The window's classes; what lies outside the image, or in an earlier window, is ignored."""
    labels = cut(target, (window.row, window.column), size, outside=IGNORE)
    if window.seen_rows or window.seen_columns:
        labels = labels.copy()
        labels[: window.seen_rows] = IGNORE
        labels[:, : window.seen_columns] = IGNORE
    return labels


def cut(array: np.ndarray, start: Sequence[int], size: Sequence[int], outside: int | None = None) -> np.ndarray:
    """A window of an image that may reach over its border: mirrored there without repeating the edge, or filled with `outside`.

    >>> cut(np.arange(4).reshape(1, 4), (0, 2), (1, 4)).tolist()
    [[2, 3, 2, 1]]
    >>> cut(np.arange(4).reshape(1, 4), (0, 2), (1, 4), outside=255).tolist()
    [[2, 3, 255, 255]]
    """
    (top, left), (height, width), (rows, columns) = start, size, array.shape[:2]
    if top >= 0 and left >= 0 and top + height <= rows and left + width <= columns:
        return array[top : top + height, left : left + width]
    y, x = np.arange(top, top + height), np.arange(left, left + width)
    window = array[_mirror(y, rows)][:, _mirror(x, columns)]
    if outside is not None:
        window[(y < 0) | (y >= rows)] = outside
        window[:, (x < 0) | (x >= columns)] = outside
    return window


def augment(image: np.ndarray, target: np.ndarray, kind: Augmentation, rng: np.random.Generator):
    """One random symmetry, applied to image and class map alike."""
    if kind == "none":
        return image, target
    turns = int(rng.integers(4)) if kind == "dihedral" else 0
    mirrored = bool(rng.integers(2))

    def move(array):
        array = np.rot90(array, turns)
        return array[:, ::-1] if mirrored else array

    return move(image), move(target) if np.ndim(target) else target


def _mirror(positions: np.ndarray, size: int) -> np.ndarray:
    """Positions outside 0 ... size - 1 reflected back inside, the edges not repeated."""
    period = max(2 * size - 2, 1)
    folded = np.abs(positions) % period
    return np.minimum(folded, period - folded) if size > 1 else np.zeros_like(positions)


def _starts(size: int, window: int) -> list[tuple[int, int]]:
    """Where windows along one axis start, and how many rows of each the window before has covered.

    >>> _starts(100, 64)
    [(0, 0), (36, 28)]
    """
    if size <= window:
        return [(0, 0)]
    starts = [min(start, size - window) for start in range(0, size, window)]
    return [(start, number * window - start) for number, start in enumerate(starts)]
