"""Every recipe that ships is trained, in a shrunken form."""

import gzip
import struct

import numpy as np
import pytest

from kzoo import train


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def clothes(tmp_path):
    """A folder like Fashion-MNIST's with a few random images."""
    for part, count in (("train", 40), ("t10k", 8)):
        images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(count, dtype=np.uint8) % 10))
    return tmp_path


SHRUNKEN = {"training.epochs": 1, "training.batch_size": 8, "model.filters": 4}


@pytest.mark.parametrize(
    ("name", "shrunken"),
    [
        ("digit_scenes", {"data.scenes": 8, "data.validation_scenes": 4}),
        ("digits", {}),
        ("nuclei", {"data.size": 32}),
        ("fashion_mnist", {"data.validation": 8}),
        ("fashion_mnist_113k", {"data.validation": 8}),
        ("fashion_mnist_lenet5", {"data.validation": 8, "model.filters": [4, 6]}),
        ("fashion_mnist_resnet", {"data.validation": 8}),
    ],
)
def test_shrunken(name, shrunken, shared_store, image_folder_path, clothes):
    paths = {"nuclei": image_folder_path, "fashion": clothes}
    source = name.partition("_")[0]
    where = {"data.path": str(paths[source])} if source in paths else {}
    trained = train(name, overrides={**SHRUNKEN, **shrunken, **where}, store=shared_store, progress=None)
    assert shared_store.get(trained.run_id).status == "FINISHED"
    assert np.isfinite(trained.metrics["best/loss"])
