"""A space in a user's own keras-tuner script."""

import keras_tuner
import pytest

from kzoo import HyperModel
from kzoo.stack import ops, random

SPACE = {
    "recipe": "digits",
    "settings": {"training.epochs": 2},
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
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.05, rel=1e-3)
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
    x, y = random.uniform((8, 8, 8, 1)), ops.zeros((8,), "int32")
    history = hypermodel.fit(hp, model, x, y, epochs=1, verbose=0)
    assert set(history.history) == {"accuracy", "loss"}
