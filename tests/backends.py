"""The same weights on every backend: writes what the networks of this one give, or compares with what another one gave.

    KERAS_BACKEND=tensorflow python -m tests.backends write FOLDER
    KERAS_BACKEND=jax python -m tests.backends compare FOLDER

Every cell of the U-Net's grid, its other options, one and three dimensions, and every kind of layer that is kzoo's own.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from .models.cells import CELLS, random, run, scramble, tiny

OPTIONS: list[dict] = [
    *({"downsampling": down, "upsampling": up, "size": 7} for down, up in CELLS),
    {"rank": 1, "size": 7, "downsampling": "strided_conv", "upsampling": "nearest"},
    {"rank": 1, "size": 7, "upsampling": "max_unpool"},
    {"rank": 1, "size": 7, "downsampling": "blur_pool", "upsampling": "pixel_shuffle"},
    {"rank": 3, "size": 5},
    {"rank": 3, "size": 5, "upsampling": "bilinear", "downsampling": "blur_pool"},
    {"size": None},
    {"size": 56, "padding": "valid", "upsampling": "max_unpool"},
    {"skip": "attention", "normalization": "batch", "block_order": "norm-act-conv"},
    {"skip": "add", "normalization": "instance", "activation": {"LeakyReLU": {"negative_slope": 0.01}}},
    {"normalization": "group", "filters": 8, "block_order": "conv-act-norm"},
    {"normalization": "layer", "convolution": "separable", "dilation": 2},
    {"size": 9, "deep_supervision": 1},
]
TOLERANCE = 1e-4


def outputs(options: dict) -> np.ndarray:
    """The logits for a fixed batch under fixed weights, divided by the largest."""
    model = scramble(tiny(**options, classifier_activation=None))
    sizes = [size or 7 for size in model.input_shape[1:-1]]
    found = model(random(2, *sizes, 2), training=False) if options.get("deep_supervision") else [run(model, random(2, *sizes, 2))]
    logits = np.concatenate([keras.ops.convert_to_numpy(maps).ravel() for maps in found])
    return logits / np.abs(logits).max()


def write(folder: Path) -> None:
    """One array per network."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "outputs.npz", *[outputs(options) for options in OPTIONS])
    print(f"{keras.backend.backend()}: wrote {len(OPTIONS)} networks")


def compare(folder: Path) -> int:
    """The number of networks that differ by more than the tolerance."""
    expected = np.load(folder / "outputs.npz")
    wrong = 0
    largest = 0.0
    for number, options in enumerate(OPTIONS):
        difference = float(np.abs(outputs(options) - expected[f"arr_{number}"]).max())
        largest = max(largest, difference)
        if difference > TOLERANCE:
            wrong += 1
            print(f"{options}: {difference:.2e}")
    print(f"{keras.backend.backend()}: {len(OPTIONS) - wrong} of {len(OPTIONS)} networks equal, largest difference {largest:.1e}")
    return wrong


if __name__ == "__main__":
    command, place = sys.argv[1:]
    sys.exit(write(Path(place)) if command == "write" else compare(Path(place)))
