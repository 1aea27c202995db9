"""What a data source returns: samples for training, validation and perhaps test, with their classes and a fingerprint."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..errors import ArgumentError
from ..registry import Registry
from ..schema import strict

IGNORE = 255
"""The label of pixels that count in no loss and no metric."""

Task = Literal["segmentation", "classification"]
Augmentation = Literal["none", "flip", "dihedral"]


@dataclass(frozen=True)
class Samples:
    """Images with their targets.

    Args:
        images: arrays `(height, width, channels)` of any numeric type, which may differ in size.
        targets: class maps `(height, width)` for segmentation, one integer per image for classification.
        names: one per image: file names, or running numbers.
        scale, offset: the network sees `(image - offset) * scale` in float32; one value for all or one per image.

    Raises:
        ArgumentError: images, targets or names without a length, such as a generator's, which may have no end.
    """

    images: Sequence[np.ndarray] | np.ndarray
    targets: Sequence[np.ndarray] | np.ndarray
    names: Sequence[str]
    scale: np.ndarray | float = 1.0
    offset: np.ndarray | float = 0.0

    def __post_init__(self):
        for name in ("images", "targets", "names"):
            if not hasattr(values := getattr(self, name), "__len__"):
                received = f"Received: {type(values).__name__}. Make a list of as many as an epoch shall have."
                raise ArgumentError(name, f"expected a sequence, which has an end. {received}")

    def __len__(self) -> int:
        return len(self.images)

    def inputs(self, index: int, pixels: np.ndarray) -> np.ndarray:
        """Pixels of the image at `index` as the network sees them."""
        offset, scale = (np.broadcast_to(v, len(self))[index] for v in (self.offset, self.scale))
        return (pixels.astype(np.float32) - np.float32(offset)) * np.float32(scale)


@dataclass(frozen=True)
class Dataset:
    """A data set that is ready for training; `input_shape` and `classes` size the network."""

    name: str
    task: Task
    train: Samples
    validation: Samples
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    test: Samples | None = None
    augmentation: Augmentation = "none"
    fingerprint: str = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "fingerprint", self._digest())

    @property
    def window(self) -> tuple[int, int]:
        """Height and width of what the network takes in."""
        return self.input_shape[0], self.input_shape[1]

    def splits(self) -> dict[str, Samples]:
        """The splits that exist, by name."""
        every = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: samples for name, samples in every.items() if samples is not None}

    def _digest(self) -> str:
        """32 hexadecimal digits over names, shapes, types and every value of all splits."""
        digest = hashlib.blake2b(digest_size=16)
        for split, samples in self.splits().items():
            for name, image, target in zip(samples.names, samples.images, samples.targets, strict=True):
                target = np.asarray(target)
                digest.update(repr((split, name, image.shape, image.dtype.str, target.dtype.str)).encode())
                digest.update(np.ascontiguousarray(image).data)
                digest.update(np.ascontiguousarray(target).data)
        return digest.hexdigest()


SOURCES: Registry[Callable[..., Dataset]] = Registry("source", wrap=strict)
"""The data sources by name; their arguments are checked against their signatures, also when they are called directly."""
