"""The built-in set: handwritten digits on real textures, several per scene, some touching, with exact class and instance masks.

Made on the spot from what scikit-learn and scikit-image install: 1,797 digits (Alpaydin and Kaynak 1998) and the photographs brick, grass
and gravel. Nothing is shared between training and validation: neither writers nor pieces of texture.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ..domains import Positive, Seed
from ..schema import strict
from .dataset import SOURCES, Dataset, Samples

FORM_STARTS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667, 1797)
"""Where a new form begins. Every writer copied the same sequence (0 to 9 three times, then a fixed order), which repeats here."""

TRAIN_DIGITS = slice(FORM_STARTS[0], FORM_STARTS[10])
"""Ten forms; the eleventh belongs to neither part, should one writer have filled two in a row."""

VALIDATION_DIGITS = slice(FORM_STARTS[11], FORM_STARTS[14])
TEXTURES = ("brick", "grass", "gravel")
TRAIN_COLUMNS = slice(0, 320)
VALIDATION_COLUMNS = slice(320, 512)
SOLID = 0.4
"""The share of ink from which on a pixel belongs to the digit."""


@dataclass(frozen=True)
class Scenes:
    """Scenes as arrays: images uint8 `(n, size, size, 1)`; classes uint8 `(n, size, size)`, 0 background, digit d is d + 1;
    instances uint8 `(n, size, size)`, 0 background, then 1, 2, ... in the order of placing."""

    images: np.ndarray
    classes: np.ndarray
    instances: np.ndarray


@SOURCES.register("digit_scenes")
def digit_scenes(
    *,
    scenes: Positive = 600,
    validation_scenes: Positive = 150,
    size: Annotated[int, Field(ge=32, le=192)] = 64,
    most_digits: Annotated[int, Field(ge=2, le=254)] = 5,
    labels: Literal["digits", "foreground"] = "digits",
    seed: Seed = 0,
) -> Dataset:
    """Handwritten digits on brick, grass and gravel, to be segmented.

    Args:
        scenes, validation_scenes: int, how many of each.
        size: int, height and width in pixels, from 32 to 192.
        most_digits: int, digits per scene at the most; at least two are tried.
        labels: `digits` for background and ten classes, `foreground` for background and digit.
        seed: int; the same seed gives the same scenes.

    Returns:
        A segmentation `Dataset` of shape (size, size, 1), values 0 to 1.

    >>> data = digit_scenes(scenes=4, validation_scenes=2)
    >>> data.input_shape, len(data.train), len(data.classes)
    ((64, 64, 1), 4, 11)
    """
    names = ("background", *(f"digit {d}" for d in range(10))) if labels == "digits" else ("background", "digit")

    def part(count: int, subset: Literal["train", "validation"]) -> Samples:
        made = make_scenes(count=count, size=size, most_digits=most_digits, subset=subset, seed=seed)
        targets = made.classes if labels == "digits" else (made.classes > 0).astype(np.uint8)
        return Samples(made.images, targets, [f"{n:05}" for n in range(count)], scale=1 / 255)

    return Dataset(
        name="digit_scenes",
        task="segmentation",
        train=part(scenes, "train"),
        validation=part(validation_scenes, "validation"),
        input_shape=(size, size, 1),
        classes=names,
    )


@strict
def make_scenes(
    *,
    count: Positive,
    size: Annotated[int, Field(ge=32, le=192)] = 64,
    most_digits: Annotated[int, Field(ge=2, le=254)] = 5,
    subset: Literal["train", "validation"] = "train",
    seed: Seed = 0,
) -> Scenes:
    """Composes scenes.

    Args:
        count: int, how many.
        size: int, height and width in pixels, from 32 to 192.
        most_digits: int, digits per scene at the most; those that find no place are left out.
        subset: `train` or `validation`: which writers and which columns of the textures.
        seed: int.

    Returns:
        `Scenes`, arrays of images, classes and instances.

    Raises:
        ArgumentError: a count below 1, or a size out of range.
    """
    rng = np.random.default_rng((seed, subset == "validation"))
    digits, labels, textures = _material(subset)
    made = [_scene(size, most_digits, digits, labels, textures, rng) for _ in range(count)]
    images, classes, instances = (np.stack(arrays) for arrays in zip(*made, strict=True))
    return Scenes(images[..., None], classes, instances)


def _material(subset: str):
    """Digits of this part's writers with values 0 to 1, their labels, and this part's columns of the textures."""
    from skimage import data
    from sklearn.datasets import load_digits

    training = subset == "train"
    digits, labels = load_digits(return_X_y=True)
    chosen = TRAIN_DIGITS if training else VALIDATION_DIGITS
    columns = TRAIN_COLUMNS if training else VALIDATION_COLUMNS
    textures = [getattr(data, name)()[:, columns] / 255 for name in TEXTURES]
    return digits[chosen].reshape(-1, 8, 8) / 16, labels[chosen], textures


def _scene(size: int, most_digits: int, digits, labels, textures, rng: np.random.Generator):
    image = _background(size, textures, rng)
    classes, instances = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(2, most_digits + 1)):
        which = rng.integers(len(digits))
        ink = _enlarge(digits[which], int(rng.integers(14, 23)))
        place = _place(ink >= SOLID, instances > 0, rng)
        if place is None:
            continue
        window = tuple(slice(start, start + n) for start, n in zip(place, ink.shape, strict=True))
        solid = ink >= SOLID
        image[window] = _draw(image[window], ink * ~((instances[window] > 0) & ~solid), rng)
        classes[window][solid] = labels[which] + 1
        instances[window][solid] = instances.max() + 1
    return (image * 255).round().astype(np.uint8), classes, instances


def _background(size: int, textures, rng: np.random.Generator) -> np.ndarray:
    """A random piece of a random texture with its contrast halved, so that ink stands out on it."""
    texture = textures[rng.integers(len(textures))]
    row, column = (rng.integers(n - size + 1) for n in texture.shape)
    piece = texture[row : row + size, column : column + size]
    return np.clip(rng.uniform(0.35, 0.65) + 0.5 * (piece - piece.mean()), 0, 1)


def _enlarge(digit: np.ndarray, side: int) -> np.ndarray:
    """The 8 x 8 digit at `side` x `side` pixels, cut to its ink."""
    from skimage.transform import resize

    ink = resize(digit, (side, side), order=1)
    rows, columns = (np.flatnonzero((ink >= SOLID).any(axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _place(solid: np.ndarray, taken: np.ndarray, rng: np.random.Generator) -> tuple[int, int] | None:
    """A free place for a digit; every other one is pushed left against its neighbour, if it has one. None if there is no room."""
    touching = bool(rng.integers(2))
    room = [n - m for n, m in zip(taken.shape, solid.shape, strict=True)]
    for _ in range(20):
        row, column = (int(rng.integers(r + 1)) for r in room)
        if not _overlaps(solid, taken, row, column):
            return row, _pushed_left(solid, taken, row, column) if touching else column
    return None


def _pushed_left(solid: np.ndarray, taken: np.ndarray, row: int, column: int) -> int:
    for nearer in range(column - 1, -1, -1):
        if _overlaps(solid, taken, row, nearer):
            return nearer + 1
    return column


def _overlaps(solid: np.ndarray, taken: np.ndarray, row: int, column: int) -> bool:
    height, width = solid.shape
    return bool((solid & taken[row : row + height, column : column + width]).any())


def _draw(under: np.ndarray, ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light or dark ink over the texture, which shines through a little."""
    tone = rng.uniform(0.85, 1.0) if rng.integers(2) else rng.uniform(0.0, 0.15)
    cover = np.clip(ink * 1.5, 0, 0.9)
    return (1 - cover) * under + cover * tone
