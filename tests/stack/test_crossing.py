"""Files of the other Keras: equal outputs, from the file of a network and from its weights alone."""

import json
import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import kzoo
from kzoo import InputError, build_unet, describe
from kzoo.stack import KERAS_3
from kzoo.stack.crossing import CONFIG, METADATA, load_model

from .networks import NETWORKS, filled, images, outputs

OTHER = Path(__file__).parent / "golden" / ("keras2.zip" if KERAS_3 else "keras3.zip")

OWN = [name for name in NETWORKS if name not in ("plain", "nested", "masked", "words")]
"""Networks of kzoo's builders."""


def check(name: str, model: keras.Model, folder: Path) -> None:
    """The answers are those of the other Keras; half precision is rounded in another order by each TensorFlow."""
    close = {"rtol": 0.02, "atol": 0.01} if name == "mixed" else {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(outputs(model, images(model)), np.load(folder / f"{name}.npy"), **close)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """What the other Keras has written."""
    folder = tmp_path_factory.mktemp("other")
    with zipfile.ZipFile(OTHER) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_answers_as_it_did_there(name, files):
    model = kzoo.load(files / f"{name}.keras")
    check(name, model, files)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_alone_answer_as_they_did_there(name, files):
    model = NETWORKS[name]()
    model.load_weights(files / f"{name}.weights.h5")
    check(name, model, files)


@pytest.mark.parametrize("name", OWN)
def test_a_network_of_kzoo_knows_what_it_was_built_from(name, files):
    assert describe(kzoo.load(files / f"{name}.keras")).hash == describe(NETWORKS[name]()).hash


def test_a_builder_takes_the_file(files):
    given = {"input_shape": (None, None, 1), "num_classes": 2, "filters": 4, "depth": 2, "normalization": "batch"}
    model = build_unet(**given, downsampling="blur_pool", upsampling="transposed_conv", weights=str(files / "any_size.keras"))
    np.testing.assert_allclose(outputs(model, images(model)), np.load(files / "any_size.npy"), atol=1e-5)


def test_files_from_here_are_read_by_keras_itself(tmp_path, monkeypatch):
    model = filled("plain")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.save(tmp_path / "plain.keras")
    monkeypatch.setattr("kzoo.stack.crossing._translated", lambda _: pytest.fail("was translated"))
    again = load_model(tmp_path / "plain.keras")
    assert type(again.optimizer).__name__ == "SGD"
    np.testing.assert_array_equal(outputs(again, images(again)), outputs(model, images(model)))


def test_what_the_other_keras_compiled_is_left_out(tmp_path, files):
    with zipfile.ZipFile(files / "plain.keras") as old, zipfile.ZipFile(tmp_path / "plain.keras", "w") as new:
        for name in old.namelist():
            compiled = {**json.loads(old.read(name)), "compile_config": {"optimizer": "sgd", "loss": "mse"}} if name == CONFIG else None
            new.writestr(name, json.dumps(compiled) if compiled else old.read(name))
    assert getattr(kzoo.load(tmp_path / "plain.keras"), "optimizer", None) is None


def test_a_layer_that_only_the_other_keras_has_is_named(tmp_path, files):
    """A file of the other Keras in which a layer has been given a name that nobody knows."""
    with zipfile.ZipFile(files / "plain.keras") as old, zipfile.ZipFile(tmp_path / "odd.keras", "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb'"class_name": "Flatten"', b'"class_name": "Flatland"', old.read(name)))
        assert int(json.loads(old.read(METADATA))["keras_version"][0]) == 5 - int(keras.__version__[0])
    with pytest.raises(InputError, match=r"odd\.keras: .*Flatland") as refused:
        kzoo.load(tmp_path / "odd.keras")
    assert "\n" not in str(refused.value)
