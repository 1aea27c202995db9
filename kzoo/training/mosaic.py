"""The same few validation images in every run, as arrays of pixels, which are drawn in milliseconds: for MLflow's image grid."""

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np

from ..data import IGNORE, Dataset
from ..stack import ops
from .fit import make_batches
from .metrics import predicted_classes
from .objective import main, returns_logits
from .pictures import colours, displayed
from .recipe import Training

SAMPLES, TILES, GAP, BORDER = 4, 24, 4, 2
"""Segmented images; classified images on one sheet; pixels between them; pixels of the border that says right or wrong."""
RIGHT, WRONG = (0.17, 0.63, 0.17), (0.84, 0.15, 0.16)


def sampler(model: keras.Model, dataset: Dataset, training: Training) -> Callable[[], dict[str, np.ndarray]]:
    """A function that draws what a model predicts, at the moment when it is called, for the first validation images.

    Returns:
        A function without arguments. It returns RGB images `(height, width, 3)` in [0, 1] by name. For segmentation `sample_0` to
        `sample_3`, each with image and truth in the upper row, prediction and differing pixels in the lower one; for classification one
        sheet `samples`, with a green border around images that are classified rightly and a red one around the others.
    """
    maps = dataset.task == "segmentation"
    first = replace(training, batch_size=SAMPLES if maps else TILES)
    inputs, targets = make_batches(model, dataset, dataset.validation, first)[0]
    predictor, logits = main(model), returns_logits(model)

    def draw() -> dict[str, np.ndarray]:
        guesses = ops.convert_to_numpy(predicted_classes(predictor(inputs, training=False), logits))
        if not maps:
            return {"samples": _sheet(inputs, guesses == targets)}
        shades = colours(len(dataset.classes))
        return {f"sample_{n}": _square(*each, shades) for n, each in enumerate(zip(inputs, targets, guesses, strict=True))}

    return draw


def _square(image, truth, guess, shades) -> np.ndarray:
    """Image and truth above prediction and differing pixels; pixels without a label are grey."""
    valid = truth != IGNORE
    true, guessed = (np.where(valid[..., None], shades[np.where(valid, each, 0)], 0.5) for each in (truth, guess))
    differing = np.where(valid, truth != guess, 0.5)
    rows = [(_colour(displayed(image, truth.shape)), true), (guessed, _colour(differing))]
    upright, level = np.ones((truth.shape[0], GAP, 3)), np.ones((GAP, 2 * truth.shape[1] + GAP, 3))
    upper, lower = (np.concatenate([left, upright, right], axis=1) for left, right in rows)
    return np.concatenate([upper, level, lower])


def _sheet(images, right) -> np.ndarray:
    """Images in rows of eight, each within a border."""
    tiles = [_framed(_colour(displayed(i, i.shape[:2])), RIGHT if r else WRONG) for i, r in zip(images, right, strict=True)]
    tiles += [np.ones_like(tiles[0])] * (-len(tiles) % 8)
    rows = [np.concatenate(tiles[start : start + 8], axis=1) for start in range(0, len(tiles), 8)]
    return np.concatenate(rows, axis=0)


def _framed(image: np.ndarray, colour) -> np.ndarray:
    """An image within a border of a colour and a white margin."""
    height, width = image.shape[:2]
    framed = np.ones((height + 2 * (BORDER + 1), width + 2 * (BORDER + 1), 3))
    framed[1:-1, 1:-1] = colour
    framed[1 + BORDER : 1 + BORDER + height, 1 + BORDER : 1 + BORDER + width] = image
    return framed


def _colour(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)
