"""Writes the files of networks that the other Keras reads in its tests.

    .venv/bin/python -m tests.stack.make_files          # golden/keras3.zip
    .venv-addons/bin/python -m tests.stack.make_files   # golden/keras2.zip

Keras's files of small networks are nearly all padding, so they are kept compressed.
"""

import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

import kzoo
from kzoo.models.identity import is_described

from .networks import NETWORKS, filled, images, outputs

GOLDEN = Path(__file__).parent / "golden"


def write(name: str, folder: Path) -> None:
    """The network as a `.keras` file, its weights alone, and what it answers."""
    model = filled(name)
    save = kzoo.save if is_described(model) else keras.Model.save
    save(model, folder / f"{name}.keras")
    model.save_weights(folder / f"{name}.weights.h5")
    np.save(folder / f"{name}.npy", outputs(model, images(model)))


def main() -> None:
    archive = GOLDEN / f"keras{keras.__version__[0]}.zip"
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as golden:
        for name in NETWORKS:
            write(name, Path(folder))
        for path in sorted(Path(folder).iterdir()):
            golden.write(path, path.name)
    print(f"{archive}: {archive.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
