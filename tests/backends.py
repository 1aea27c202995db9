"""The same weights on every backend: writes what the networks of this one give, or compares with what another one gave.

    KERAS_BACKEND=tensorflow python -m tests.backends write FOLDER
    KERAS_BACKEND=jax python -m tests.backends compare FOLDER

Every cell of the U-Net's grid, its other options, one and three dimensions; every builder of classifiers in its tiny form; and every kind
of layer that is kzoo's own.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from kzoo import build_preset
from kzoo.stack import ops

from .models import classifiers
from .models.cells import CELLS, random, scramble, tiny

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
CLASSIFIERS: list[dict] = [
    *({"builder": builder} for builder in sorted(classifiers.TINY)),
    {"preset": "lenet5_1998"},
    {"builder": "resnet", "stochastic_depth": 0.5, "shortcut": "A", "downsampling": "blur_pool"},
    {"builder": "densenet", "features_only": True},
    {"builder": "resnet", "input_shape": (9, 2)},
    {"builder": "mobilenet_v2", "input_shape": (8, 8, 8, 1)},
]
NETWORKS = [*OPTIONS, *CLASSIFIERS]
TOLERANCE = 1e-4


def build(options: dict) -> keras.Model:
    """A preset, a classifier in its tiny form, or else a U-Net; up to the logits."""
    kind = build_preset if "preset" in options else classifiers.tiny if "builder" in options else tiny
    return kind(**options, classifier_activation=None)


def outputs(options: dict) -> np.ndarray:
    """The outputs for a fixed batch under fixed weights, divided by the largest."""
    model = scramble(build(options))
    sizes = [size or 7 for size in model.input_shape[1:-1]]
    found = model(random(2, *sizes, model.input_shape[-1]), training=False)
    logits = np.concatenate([ops.convert_to_numpy(maps).ravel() for maps in (found if isinstance(found, list) else [found])])
    return logits / np.abs(logits).max()


def write(folder: Path) -> None:
    """One array per network."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "outputs.npz", *[outputs(options) for options in NETWORKS])
    print(f"{keras.backend.backend()}: wrote {len(NETWORKS)} networks")


def compare(folder: Path) -> int:
    """The number of networks that differ by more than the tolerance."""
    expected = np.load(folder / "outputs.npz")
    wrong = 0
    largest = 0.0
    for number, options in enumerate(NETWORKS):
        difference = float(np.abs(outputs(options) - expected[f"arr_{number}"]).max())
        largest = max(largest, difference)
        if not difference <= TOLERANCE:
            wrong += 1
            print(f"{options}: {difference:.2e}")
    print(f"{keras.backend.backend()}: {len(NETWORKS) - wrong} of {len(NETWORKS)} networks equal, largest difference {largest:.1e}")
    return wrong


if __name__ == "__main__":
    command, place = sys.argv[1:]
    sys.exit(write(Path(place)) if command == "write" else compare(Path(place)))
