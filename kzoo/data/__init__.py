"""Data sources: functions from a few settings to a `Dataset` of training, validation and test samples."""

from .batches import Batches
from .dataset import IGNORE, SOURCES, Dataset, Samples
from .digit_scenes import Scenes, digit_scenes, make_scenes
from .digits import digits
from .fashion_mnist import fashion_mnist, read_idx
from .image_folder import image_folder

__all__ = [
    "IGNORE",
    "SOURCES",
    "Batches",
    "Dataset",
    "Samples",
    "Scenes",
    "digit_scenes",
    "digits",
    "fashion_mnist",
    "image_folder",
    "make_scenes",
    "read_idx",
]
