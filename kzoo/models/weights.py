"""Weights of other files and of keras.applications."""

from pathlib import Path

from ..errors import ArgumentError, InputError

IMAGENET = "imagenet"
ENDINGS = (".keras", ".weights.h5")


def check_weights(weights: str | None) -> None:
    """Raises unless `weights` is None, `imagenet`, or the path of a file that exists."""
    if weights is None or weights == IMAGENET:
        return
    if not str(weights).endswith(ENDINGS):
        raise ArgumentError("weights", f"expected imagenet, or a path that ends in {' or '.join(ENDINGS)}. Received: {weights}.")
    if not Path(weights).is_file():
        raise InputError(f"{weights}: no such file.")
