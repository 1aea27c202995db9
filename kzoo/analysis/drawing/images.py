"""Images for the figures: any array or file as an input that a model takes."""

from pathlib import Path

import keras
import numpy as np

from ...errors import ArgumentError, InputError, one_line
from ..part import trace_images
from ..sizes import legal_sizes


def fitting_image(model: keras.Model, image: np.ndarray | str | Path | None) -> np.ndarray:
    """An image as one input of a model of images.

    Args:
        model: a functional model whose input is `(rows, columns, channels)`.
        image: `(rows, columns)` or `(rows, columns, channels)`, or a file; None takes a photograph of coins that ships with
            scikit-image. Integers are divided by the largest value of their type. Grey becomes colour and colour grey as the model
            needs; an image of another size than the model's is scaled, or cut to a legal size where the model's is not fixed.

    Returns:
        `(rows, columns, channels)`, float32.

    Raises:
        ArgumentError: the model does not take images, or the array is none.
        InputError: the file cannot be read.
    """
    shape = trace_images(model).shapes[0][1:]
    if len(shape) != 3 or shape[-1] is None:
        raise ArgumentError("model", f"expected one input of (rows, columns, channels). Received: {model.name}, which takes {shape}.")
    pixels = _with_channels(_as_floats(_read(image)), shape[-1])
    if None in shape[:-1]:
        pixels = _cut(pixels, model)
    wanted = tuple(fixed or n for fixed, n in zip(shape[:-1], pixels.shape, strict=False))
    if pixels.shape[:-1] != wanted:
        from skimage.transform import resize

        pixels = resize(pixels, wanted, anti_aliasing=True)
    return pixels.astype("float32")


def displayed(pixels: np.ndarray) -> np.ndarray:
    """An image or map for `imshow`: RGB where it has three channels, else its first one, from 0 to 1."""
    pixels = np.asarray(pixels, dtype="float64")
    pixels = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-12)
    return pixels if pixels.shape[-1] == 3 else pixels[..., 0]


def _read(image: np.ndarray | str | Path | None) -> np.ndarray:
    if image is not None and not isinstance(image, str | Path):
        return np.asarray(image)
    import skimage

    if image is None:
        return skimage.data.coins()
    try:
        return skimage.io.imread(image)
    except Exception as error:
        raise InputError(f"{image}: cannot be read as an image ({one_line(error)}).") from error


def _as_floats(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim not in (2, 3):
        raise ArgumentError("image", f"expected (rows, columns) or (rows, columns, channels). Received: shape {pixels.shape}.")
    if np.issubdtype(pixels.dtype, np.integer):
        pixels = pixels / np.iinfo(pixels.dtype).max
    return (pixels if pixels.ndim == 3 else pixels[..., None]).astype("float32")


def _with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Grey to colour, colour to grey, transparency left out."""
    if pixels.shape[-1] in (2, 4) and channels != pixels.shape[-1]:
        pixels = pixels[..., :-1]
    if pixels.shape[-1] == 3 and channels == 1:
        return pixels.mean(axis=-1, keepdims=True)
    if pixels.shape[-1] == 1:
        return np.repeat(pixels, channels, axis=-1)
    if pixels.shape[-1] != channels:
        raise ArgumentError("image", f"expected {channels} channels, as the model takes. Received: {pixels.shape[-1]}.")
    return pixels


def _cut(pixels: np.ndarray, model: keras.Model) -> np.ndarray:
    """The middle of an image, as large as the model can take it along the axes whose size is not fixed."""
    for axis, (size, fixed) in enumerate(zip(legal_sizes(model), model.inputs[0].shape[1:-1], strict=True)):
        if fixed is None and size is not None:
            n = pixels.shape[axis]
            wanted = size.nearest(n)[0]
            if wanted > n:
                raise ArgumentError("image", f"expected at least {wanted} pixels along axis {axis}, as the model needs. Received: {n}.")
            start = (n - wanted) // 2
            pixels = np.take(pixels, range(start, start + wanted), axis=axis)
    return pixels
