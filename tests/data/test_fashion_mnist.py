"""idx files, written here by hand in their published format."""

import gzip
import struct

import numpy as np
import pytest

from kzoo import InputError
from kzoo.data import fashion_mnist, read_idx


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("t10k", 6)):
        images, labels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8), np.arange(count, dtype=np.uint8) % 10
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def test_reads_both_kinds_and_splits(folder):
    data = fashion_mnist(path=folder, validation=5)
    assert [len(s) for s in data.splits().values()] == [15, 5, 6]
    assert data.validation.targets.tolist() == [5, 6, 7, 8, 9]
    assert data.train.images.shape == (15, 28, 28, 1)
    assert data.train.inputs(0, data.train.images[0]).max() <= 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[:-3], "cannot be read"),
        (lambda raw: raw[:20] + bytes(9) + raw[29:], "cannot be read"),
        (lambda raw: gzip.compress(gzip.decompress(raw)[:10]), "ends within its header of 16 bytes"),
        (lambda raw: gzip.compress(idx(np.zeros((20, 32, 32), np.uint8))) if raw else raw, r"expected images of 28 x 28\. Received"),
        (lambda _: b"\x89PNG....", "expected an idx file of unsigned bytes, starting with 00 00 08"),
        (lambda raw: gzip.compress(gzip.decompress(raw)[:-1]), "expected 15,696 bytes"),
        (lambda raw: gzip.compress(idx(np.zeros((3, 28, 28), np.uint8))) if raw else raw, "expected 3 labels"),
    ],
)
def test_damaged_files_are_named(folder, damage, message):
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=message) as caught:
        fashion_mnist(path=folder, validation=5)
    assert "train-" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labels_outside_the_classes(folder):
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.full(6, 10, np.uint8)))
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte: expected labels 0 to 9\. Received: 10\."):
        fashion_mnist(path=folder, validation=5)


def test_a_missing_file_names_the_folder(tmp_path):
    with pytest.raises(InputError, match=r"path: expected a folder with train-images-idx3-ubyte\.gz"):
        fashion_mnist(path=tmp_path)


def test_without_a_path_keras_downloads_and_a_failure_is_one_line(monkeypatch):
    import keras

    def fail():
        raise OSError("URL fetch failure\nno route")

    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", fail)
    with pytest.raises(InputError, match=r"^path: none was given and the download failed \(OSError: URL fetch failure\)"):
        fashion_mnist()


def test_read_idx_of_any_rank(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(idx(array))
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)
