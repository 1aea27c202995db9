"""Any folder of images with masks beside them: `images/NAME.png` belongs to `masks/NAME.png` (or tif, jpg, bmp)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from ..domains import Positive, Seed, Share
from ..errors import ArgumentError, InputError, one_line
from .dataset import IGNORE, SOURCES, Augmentation, Dataset, Samples

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")
SHOWN = 10
"""How many faulty files one error lists."""


class Pair(NamedTuple):
    """An image `(height, width, channels)` with its class map `(height, width)`."""

    name: str
    image: np.ndarray
    mask: np.ndarray


@SOURCES.register("image_folder")
def image_folder(
    *,
    path: Path,
    images: str = "images",
    masks: str = "masks",
    labels: Literal["instances", "classes"] = "instances",
    classes: Sequence[str] = ("background", "object"),
    size: Positive = 128,
    intensity: Literal["range", "standardize"] = "range",
    validation: Share = 0.2,
    augmentation: Augmentation = "dihedral",
    seed: Seed = 0,
) -> Dataset:
    """Reads all images of a folder and their masks into memory and splits them at random, by image.

    Args:
        path: folder that holds the two folders named next.
        images, masks: str, their names. Image and mask have the same file name but for the suffix.
        labels: what mask values mean. `instances`: 0 is background, anything else an object; `classes`: the value is the class,
            255 is ignored.
        classes: names of the classes, background first.
        size: int, height and width of the windows that the network sees. Training draws windows at random, as many per epoch as
            cover the images; validation covers every pixel of every image once. Smaller images are mirrored at their border.
        intensity: `range` divides by the largest value of the file's integer type; `standardize` brings every image to mean 0 and
            standard deviation 1.
        validation: float, the share of images kept for validation, drawn with `seed`.
        augmentation: `none`, `flip` (left to right) or `dihedral` (flips and quarter turns), in training.
        seed: int, of the split.

    Returns:
        A segmentation `Dataset` of shape (size, size, channels).

    Raises:
        InputError: every image without a mask, mask of another size, unreadable or truncated file, label outside the classes; one
            line each, with the file's name and the remedy.
    """
    if len(classes) < 2:
        raise ArgumentError("classes", f"expected at least two names. Received: {list(classes)}.")
    if labels == "instances" and len(classes) != 2:
        raise ArgumentError(
            "classes",
            f'expected two names for labels="instances": background and object. Received: {list(classes)}.',
        )
    pairs = _read_pairs(_match(Path(path), images, masks), labels, len(classes))
    order = np.random.default_rng(seed).permutation(len(pairs))
    held_back = min(max(round(len(pairs) * validation), 1), len(pairs) - 1)
    if len(pairs) < 2:
        raise ArgumentError("path", f"expected at least two images, one of them for validation. Received: 1 in {path}.")
    return Dataset(
        name=Path(path).resolve().name,
        task="segmentation",
        train=_samples([pairs[i] for i in sorted(order[held_back:])], intensity),
        validation=_samples([pairs[i] for i in sorted(order[:held_back])], intensity),
        input_shape=(size, size, pairs[0].image.shape[-1]),
        classes=tuple(classes),
        augmentation=augmentation,
    )


def _match(folder: Path, images: str, masks: str) -> list[tuple[Path, Path]]:
    """Image and mask files with the same stem; refuses leftovers on either side."""
    image_files, mask_files = (_by_stem(folder, name, key) for name, key in ((images, "images"), (masks, "masks")))
    alone = [f"{image_files[s]}: has no mask. Add {masks}/{s}.png, or remove the image." for s in image_files if s not in mask_files]
    alone += [f"{mask_files[s]}: has no image. Add {images}/{s}.png, or remove the mask." for s in mask_files if s not in image_files]
    _raise_all(alone)
    return [(image_files[stem], mask_files[stem]) for stem in image_files]


def _by_stem(folder: Path, name: str, argument: str) -> dict[str, Path]:
    place = folder / name
    if not folder.is_dir():
        raise ArgumentError("path", f"expected a folder that holds {name}/. Received: {folder}, which is none.")
    if not place.is_dir():
        found = ", ".join(sorted(p.name for p in folder.iterdir() if p.is_dir())) or "no folder"
        raise ArgumentError(argument, f"expected the name of a folder in {folder}, which holds {found}. Received: {name}.")
    paths = [p for p in sorted(place.iterdir()) if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    files = {p.stem: p for p in paths}
    _raise_all([f"{p}: has the name of {files[p.stem].name} too. Rename one of them." for p in paths if files[p.stem] != p])
    if not files:
        raise InputError(f"{place}: expected image files ({', '.join(SUFFIXES)}). Received: a folder without any.")
    return files


def _read_pairs(files: list[tuple[Path, Path]], labels: str, num_classes: int) -> list[Pair]:
    """Reads and checks all files, in parallel; one error names all that are faulty."""

    def read(pair: tuple[Path, Path]) -> Pair | InputError:
        try:
            return _read_pair(*pair, labels, num_classes)
        except InputError as error:
            return error

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(read, files))
    _raise_all([str(result) for result in results if isinstance(result, InputError)])
    pairs = [result for result in results if isinstance(result, Pair)]
    channels = pairs[0].image.shape[-1]
    _raise_all(
        [
            f"{path}: expected {channels} channel(s), as in {files[0][0].name}. Received: {pair.image.shape[-1]}. Convert it."
            for (path, _), pair in zip(files, pairs, strict=True)
            if pair.image.shape[-1] != channels
        ]
    )
    if all((pair.mask == IGNORE).all() for pair in pairs):
        raise InputError(f"{files[0][1].parent}: expected masks with labels. Received: only {IGNORE}, which is ignored.")
    return pairs


def _read_pair(image_path: Path, mask_path: Path, labels: str, num_classes: int) -> Pair:
    image, mask = _channels_last(_read(image_path), image_path), _read_mask(mask_path)
    if not np.isfinite(image).all():
        raise InputError(f"{image_path}: expected finite pixel values. Received: NaN or infinite ones. Replace or remove it.")
    if mask.ndim != 2:
        raise InputError(
            f"{mask_path}: expected a mask of one channel, or with a palette. Received: shape {mask.shape}. Save labels, not colours."
        )
    if mask.shape != image.shape[:2]:
        raise InputError(
            f"{mask_path}: expected {image.shape[0]} x {image.shape[1]} pixels, as {image_path.name} has. "
            f"Received: {mask.shape[0]} x {mask.shape[1]}."
        )
    return Pair(image_path.stem, image, _class_map(mask, mask_path, labels, num_classes))


def _read(path: Path) -> np.ndarray:
    from skimage.io import imread

    try:
        return imread(path)
    except Exception as error:
        raise InputError(f"{path}: cannot be read as an image ({one_line(error)}). Replace or remove it.") from error


def _read_mask(path: Path) -> np.ndarray:
    """Pixel values of a mask; of a palette image the indices, which are the labels, not the colours."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode == "P":
                return np.asarray(image)
    except OSError:
        pass
    return _read(path)


def _channels_last(image: np.ndarray, path: Path) -> np.ndarray:
    """`(height, width, channels)`, an alpha channel that says nothing left out."""
    if image.ndim == 2:
        return image[..., None]
    if image.ndim != 3:
        raise InputError(f"{path}: expected one image of one or more channels. Received: shape {image.shape}.")
    whole = np.issubdtype(image.dtype, np.integer)
    if whole and image.shape[-1] in (2, 4) and (image[..., -1] == np.iinfo(image.dtype).max).all():
        return image[..., :-1]
    return image


def _class_map(mask: np.ndarray, path: Path, labels: str, num_classes: int) -> np.ndarray:
    broken = mask[mask != np.floor(mask)]
    if broken.size:
        raise InputError(f"{path}: expected whole numbers as labels. Received: {broken[0]}, among others.")
    if labels == "instances":
        return (mask != 0).astype(np.uint8)
    wrong = np.unique(mask[((mask < 0) | (mask >= num_classes)) & (mask != IGNORE)])
    if len(wrong):
        raise InputError(
            f"{path}: expected labels 0 to {num_classes - 1} ({num_classes} classes) or {IGNORE} (ignored). "
            f"Received: {', '.join(map(str, wrong[:5]))}. Mend the mask or name more classes."
        )
    return mask.astype(np.uint8)


def _samples(pairs: list[Pair], intensity: str) -> Samples:
    images, masks, names = ([getattr(p, field) for p in pairs] for field in ("image", "mask", "name"))
    if intensity == "standardize":
        offset = np.array([image.mean() for image in images])
        scale = 1 / np.array([max(float(image.std()), 1e-6) for image in images])
        return Samples(images, masks, names, scale, offset)
    largest = [np.iinfo(i.dtype).max if np.issubdtype(i.dtype, np.integer) else 1.0 for i in images]
    return Samples(images, masks, names, scale=1 / np.array(largest, float))


def _raise_all(problems: list[str]) -> None:
    if problems:
        more = [f"... and {len(problems) - SHOWN} more files."] if len(problems) > SHOWN else []
        raise InputError("\n".join(problems[:SHOWN] + more))
