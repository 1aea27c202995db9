"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747): 70,000 images of clothing, 28 x 28, in the idx format."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from ..domains import Positive
from ..errors import ArgumentError, InputError, one_line
from .dataset import SOURCES, Dataset, Samples

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@SOURCES.register("fashion_mnist")
def fashion_mnist(*, path: Path | None = None, validation: Positive = 5000) -> Dataset:
    """The official split; the last images of the training part are kept for validation, the test part for the end.

    Args:
        path: folder with the four idx files (`train-images-idx3-ubyte`, ..., with or without `.gz`). None: `keras.datasets`
            downloads them.
        validation: int, how many of the 60,000 training images are kept for validation.

    Returns:
        A classification `Dataset` of shape (28, 28, 1), values 0 to 1, 10 classes.

    Raises:
        InputError: a file is missing, truncated or no idx file, named with the remedy.
    """
    train, test = _from_folder(Path(path)) if path else _from_keras()
    if validation >= len(train[0]):
        raise ArgumentError("validation", f"expected a number from 1 to {len(train[0]) - 1}. Received: {validation}.")
    kept = len(train[0]) - validation

    def part(images: np.ndarray, labels: np.ndarray) -> Samples:
        return Samples(images[..., None], labels, [f"{n:05}" for n in range(len(images))], scale=1 / 255)

    return Dataset(
        name="fashion_mnist",
        task="classification",
        train=part(train[0][:kept], train[1][:kept]),
        validation=part(train[0][kept:], train[1][kept:]),
        test=part(*test),
        input_shape=(28, 28, 1),
        classes=CLASSES,
    )


def read_idx(path: Path) -> np.ndarray:
    """Reads an idx file of unsigned bytes, gzipped or not (format: http://yann.lecun.com/exdb/mnist).

    Raises:
        InputError: the file cannot be read, is truncated, or holds something else.
    """
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({one_line(error)}). Expected an idx file; fetch it again.") from error
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise InputError(f"{path}: expected an idx file of unsigned bytes, starting with 00 00 08. Received: {raw[:4].hex(' ')}.")
    header = 4 + 4 * raw[3]
    if len(raw) < header:
        raise InputError(f"{path}: ends within its header of {header} bytes. Fetch the file again.")
    shape = tuple(int(n) for n in np.frombuffer(raw[4:header], ">u4"))
    expected = header + int(np.prod(shape))
    if len(raw) != expected:
        raise InputError(f"{path}: expected {expected:,} bytes for shape {shape}. Received: {len(raw):,}. Fetch the file again.")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _from_folder(folder: Path):
    return tuple((_pair_of(folder, f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")) for part in ("train", "t10k"))


def _pair_of(folder: Path, images_name: str, labels_name: str) -> tuple[np.ndarray, np.ndarray]:
    images_path, labels_path = _find(folder, images_name), _find(folder, labels_name)
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.shape[1:] != (28, 28):
        raise InputError(f"{images_path}: expected images of 28 x 28. Received: shape {images.shape}.")
    if len(images) != len(labels):
        raise InputError(f"{labels_path}: expected {len(images):,} labels, one per image of {images_path.name}. Received: {len(labels):,}.")
    if labels.max(initial=0) >= len(CLASSES):
        raise InputError(f"{labels_path}: expected labels 0 to {len(CLASSES) - 1}. Received: {labels.max()}.")
    return images, labels


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / f"{name}.gz", folder / name):
        if candidate.is_file():
            return candidate
    raise ArgumentError(
        "path",
        f"expected a folder with {name}.gz or {name}. Received: {folder}. Leave the path out to download the data.",
    )


def _from_keras():
    import keras

    try:
        return keras.datasets.fashion_mnist.load_data()
    except Exception as error:
        raise ArgumentError(
            "path",
            f"none was given and the download failed ({one_line(error)}). Give a folder with the four idx files.",
        ) from error
