"""Objects of tensorflow-addons in recipes and spaces, and what the golden files say of them; in the addons environment only."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kzoo import describe, load, load_recipe, train, tune
from kzoo.stack import KERAS_3
from kzoo.training import fit, prepare

if KERAS_3:
    pytest.skip("tensorflow-addons needs Keras 2", allow_module_level=True)

from tests.addons import make_golden

RADAM = {"tensorflow_addons.optimizers.RectifiedAdam": {"learning_rate": 1e-2}}
LOOKAHEAD = {"tensorflow_addons.optimizers.Lookahead": {"optimizer": RADAM, "sync_period": 3}}
OPTIMIZERS = {
    "lookahead": LOOKAHEAD,
    "moving average": {"tensorflow_addons.optimizers.MovingAverage": {"optimizer": RADAM, "average_decay": 0.5}},
    "decoupled decay": {"tensorflow_addons.optimizers.AdamW": {"learning_rate": 1e-2, "weight_decay": 1e-3, "amsgrad": True}},
    "cyclical": {
        "keras.optimizers.Adam": {
            "learning_rate": {
                "tensorflow_addons.optimizers.TriangularCyclicalLearningRate": {
                    "initial_learning_rate": 1e-3,
                    "maximal_learning_rate": 1e-1,
                    "step_size": 3,
                }
            }
        }
    },
}
INSTANCE = "tensorflow_addons.layers.InstanceNormalization"


def recipe(optimizer=LOOKAHEAD, **training) -> dict:
    """A classifier of digits in which all that can be named comes from addons; an epoch has three steps."""
    return {
        "experiment": "originals",
        "model": {"builder": "cnn", "filters": 2, "normalization": INSTANCE, "activation": "tensorflow_addons.activations.lisht"},
        "data": {"source": "digits"},
        "training": {
            "epochs": 3,
            "batch_size": 512,
            "optimizer": optimizer,
            "loss": {"tests.stack.originals.focal": {"gamma": 1.5}},
            "metrics": ["accuracy", {"tensorflow_addons.metrics.CohenKappa": {"name": "kappa"}}],
            "monitor": "kappa",
            "direction": "max",
            "callbacks": [{"tensorflow_addons.callbacks.TimeStopping": {"seconds": 3600}}],
            **training,
        },
    }


class Stop:
    """Ends a training after its first epoch, as Ctrl-C does."""

    def started(self, run_id, *_):
        self.run_id = run_id

    def epoch(self, row):  # noqa: ARG002
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_that_was_interrupted_equals_the_whole(name, tmp_path):
    content = load_recipe(recipe(OPTIMIZERS[name]))
    dataset, model = prepare(content)
    whole = fit(model, dataset, content.training, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(prepare(content)[1], dataset, content.training, tmp_path / "parts", Stop().epoch)
    again = prepare(content)[1]
    resumed = fit(again, dataset, content.training, tmp_path / "parts")
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3]
    scores = [key for key in whole.history[-1] if not key.startswith("speed/")]
    assert [resumed.history[-1][key] for key in scores] == pytest.approx([whole.history[-1][key] for key in scores], rel=1e-4)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_run_is_recorded_resumed_and_read(shared_store, tmp_path):
    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        train(recipe(), store=shared_store, progress=stop)
    trained = train(resume=stop.run_id, store=shared_store, progress=None)
    parameters, path = shared_store.get(stop.run_id).parameters, "training.optimizer"
    assert parameters[path] == "tensorflow_addons.optimizers.Lookahead"
    assert parameters[f"{path}.optimizer.learning_rate"] == "0.01"
    assert parameters["model.normalization"] == INSTANCE
    assert trained.metrics["best/kappa"] == max(row["val/kappa"] for row in trained.history)
    model = load(shared_store.download(trained.run_id, "model.keras", tmp_path))
    assert type(model.get_layer("stage1_conv1_norm")).__name__ == "InstanceNormalization"
    assert describe(model) == describe(trained.model)
    images = np.random.default_rng(0).random((4, 8, 8, 1), "float32")
    np.testing.assert_allclose(model(images), trained.model(images), atol=1e-6)


def test_a_space_over_their_arguments_is_searched(shared_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rate, period = "training.optimizer.optimizer.learning_rate", "training.optimizer.sync_period"
    space = {"recipe": recipe(epochs=1), "domains": {rate: [1e-3, 1e-1], period: [2]}, "search": {"tuner": "grid", "seed": 0}}
    found = tune(space, store=shared_store, progress=None)
    assert [outcome.status for outcome in found.outcomes] == ["completed"] * 2
    assert found.objective == "val/kappa"
    assert {outcome.values["learning_rate"] for outcome in found.outcomes} == {1e-3, 1e-1}


@pytest.mark.parametrize("make", [make_golden.optimizers, make_golden.schedules, make_golden.layers, make_golden.metrics])
def test_the_golden_files_hold_what_they_give(make):
    found = make()
    with np.load(make_golden.FOLDER / f"{make.__name__}.npz") as golden:
        assert set(golden) == set(found)
        for name, values in found.items():
            np.testing.assert_allclose(values, golden[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_names_of_the_guide_are_those_that_addons_exports():
    """In a process of its own, since to import all of addons changes TensorFlow."""
    script = "import json; from tests.addons.make_names import names; print(json.dumps(names()))"
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads((make_golden.FOLDER / "names.json").read_text())
