"""A space in a user's own keras-tuner script."""

import itertools

import keras_tuner
import numpy as np
import pytest

from kzoo import ArgumentError, HyperModel
from kzoo.data.dataset import Samples
from kzoo.stack import KERAS_3, PyDataset

pytestmark = pytest.mark.usefixtures("eager")

SPACE = {
    "recipe": "digits",
    "settings": {"training.epochs": 2, "training.batch_size": 256},
    "domains": {"model.filters": [[4, 4], [8, 8]], "training.learning_rate": {"from": 1e-4, "to": 1e-1, "scale": "log"}},
}


class Tuner(keras_tuner.RandomSearch):
    """keras-tuner 1.4 imports tensorboard here, which neither TensorFlow nor kzoo needs."""

    def _configure_tensorboard_dir(self, *_):
        pass


def test_build_gives_a_compiled_network_of_the_point():
    hypermodel = HyperModel(SPACE)
    hp = keras_tuner.HyperParameters()
    hp.values["filters"] = "[8, 8]"
    hp.values["learning_rate"] = 0.05
    model = hypermodel.build(hp)
    assert model.get_layer("stage1_conv1").filters == 8
    assert float(model.optimizer._learning_rate(0)) == pytest.approx(0.05, rel=1e-3)
    assert [p.name for p in hp.space] == ["filters", "learning_rate"]


def test_keras_tuner_searches_it_on_the_data_of_the_recipe(tmp_path):
    tuner = Tuner(HyperModel(SPACE), objective="val_loss", max_trials=2, directory=tmp_path, seed=1)
    tuner.search()
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    assert tuner.get_best_models()[0].output_shape == (None, 10)


def test_data_of_the_script_come_first():
    hypermodel = HyperModel(SPACE)
    hp = keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    x, y = np.zeros((8, 8, 8, 1), "float32"), np.zeros(8, "int32")
    history = hypermodel.fit(hp, model, x, y, epochs=1, verbose=0)
    assert set(history.history) == {"accuracy", "loss"}


class Endless(PyDataset):
    """Batches by their number, which are never at an end."""

    num_batches = None

    def __getitem__(self, number):
        return batch()


def batch():
    return np.zeros((4, 8, 8, 1), "float32"), np.zeros(4, "int32")


def generated():
    while True:
        yield batch()


def repeated():
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(batch()).repeat()


ENDLESS = {"generator": generated, "tf.data": repeated, **({"PyDataset": Endless} if KERAS_3 else {})}
"""A `Sequence` of Keras 2 has a length."""


@pytest.fixture(scope="module")
def network():
    hypermodel, hp = HyperModel(SPACE), keras_tuner.HyperParameters()
    return hypermodel, hp, hypermodel.build(hp)


@pytest.mark.parametrize("kind", ENDLESS)
def test_data_without_an_end_are_refused_before_training(kind, network):
    hypermodel, hp, model = network
    with pytest.raises(ArgumentError, match=r"^steps_per_epoch: expected with data whose end cannot be seen\. Received: x of type"):
        hypermodel.fit(hp, model, ENDLESS[kind](), epochs=1, verbose=0)
    with pytest.raises(ArgumentError, match=r"^validation_steps: .* Received: validation_data of type .* and no validation_steps\."):
        hypermodel.fit(hp, model, *batch(), validation_data=ENDLESS[kind](), epochs=1, verbose=0)


@pytest.mark.parametrize("kind", ENDLESS)
def test_the_steps_of_an_epoch_are_its_end(kind, network):
    hypermodel, hp, model = network
    steps = {"steps_per_epoch": 2, "validation_steps": 1}
    history = hypermodel.fit(hp, model, x=ENDLESS[kind](), validation_data=ENDLESS[kind](), epochs=1, verbose=0, **steps)
    assert set(history.history) == {"accuracy", "loss", "val_accuracy", "val_loss"}


@pytest.mark.parametrize("what", ["images", "targets", "names"])
def test_samples_have_an_end(what):
    images, targets = batch()
    with pytest.raises(ArgumentError, match=rf"^{what}: expected a sequence, which has an end\. Received: repeat\."):
        Samples(**{"images": images, "targets": targets, "names": list("abcd"), what: itertools.repeat(0)})
