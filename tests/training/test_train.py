"""A recipe as one MLflow run: what stands in the run, and what is refused before one is opened."""

import json
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest
import yaml
from matplotlib.image import imread

import kzoo
from kzoo import InputError, Store, TrainingError, train
from kzoo.stack import config
from kzoo.training.recipe import load_recipe
from kzoo.training.record import cost_metrics
from kzoo.training.settings import Optimizer
from kzoo.training.train import _run_name
from tests.conftest import small_recipe


@pytest.fixture(scope="module")
def trained(shared_store):
    return train(small_recipe(experiment="whole", training__schedule="cosine"), store=shared_store, progress=None)


def artifact(store, run_id, name, folder):
    return store.download(run_id, name, folder)


def test_the_run_holds_all_hyperparameters(trained, shared_store):
    record = shared_store.get(trained.run_id)
    assert record.status == "FINISHED"
    assert record.name == "unet-max_pool-transposed_conv-4"
    expected = {
        "model.builder": "unet",
        "model.filters": "4",
        "model.upsampling": "transposed_conv",
        "model.input_shape": "[32, 32, 1]",
        "model.num_classes": "2",
        "data.source": "digit_scenes",
        "data.seed": "0",
        "training.schedule": "cosine",
        "training.early_stopping": "None",
    }
    assert {key: record.parameters[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ({"preset": "resnet20_cifar"}, "resnet20_cifar"),
        ({"preset": "resnet20_cifar", "filters": 8}, "resnet20_cifar-8"),
        ({"preset": "lenet5_mnist", "downsampling": "max_pool"}, "lenet5_mnist-max_pool"),
        ({"builder": "resnet", "filters": 8}, "resnet-8"),
        ({"builder": "resnet", "filters": 8, "name": "lenet5"}, "resnet-8"),
    ],
)
def test_a_run_is_called_by_its_preset_and_what_that_was_changed_in(model, name):
    assert _run_name(load_recipe({"model": model, "data": {"source": "digits"}})) == name


def test_the_run_holds_metrics_per_epoch_and_costs(trained, shared_store):
    record = shared_store.get(trained.run_id)
    points = shared_store._client.get_metric_history(trained.run_id, "val/mean_iou")
    assert [(p.step, p.value) for p in points] == [(row["epoch"], row["val/mean_iou"]) for row in trained.history]
    assert record.metrics["cost/parameters_total"] == trained.model.count_params()
    assert record.metrics["best/mean_iou"] == max(row["val/mean_iou"] for row in trained.history)
    assert record.metrics["cost/seconds"] == pytest.approx(sum(row["speed/seconds"] for row in trained.history))
    assert record.metrics["speed/median_images_per_second"] > 0


def test_the_run_holds_versions_device_and_fingerprint(trained, shared_store):
    tags = shared_store.get(trained.run_id).tags
    assert tags["version.keras"] == keras.version()
    assert tags["backend"] == config.backend()
    assert tags["kzoo.fingerprint"] == trained.dataset.fingerprint
    assert tags["data.train"] == "8"
    assert "device" in tags
    inputs = shared_store._client.get_run(trained.run_id).inputs.dataset_inputs
    assert {(i.dataset.name, i.dataset.digest) for i in inputs} == {
        (f"digit_scenes/{split}", trained.dataset.fingerprint) for split in ("train", "validation")
    }


def test_the_saved_model_is_the_best_one_and_plain_keras(trained, shared_store, tmp_path):
    again = keras.saving.load_model(artifact(shared_store, trained.run_id, "model.keras", tmp_path))
    assert getattr(again, "optimizer", None) is None
    x = np.random.default_rng(0).random((2, 32, 32, 1), "float32")
    np.testing.assert_allclose(again.predict(x, verbose=0), trained.model.predict(x, verbose=0), atol=1e-6)


def test_the_recipe_as_written_and_as_resolved(trained, shared_store, tmp_path):
    written, resolved = (artifact(shared_store, trained.run_id, f"{n}.yaml", tmp_path) for n in ("recipe", "recipe_resolved"))
    assert yaml.safe_load(written.read_text())["model"] == {"builder": "unet", "filters": 4, "depth": 2}
    again = train(resolved, store=shared_store, progress=None)
    assert again.history[-1]["train/loss"] == pytest.approx(trained.history[-1]["train/loss"], rel=1e-5)


@pytest.mark.parametrize("name", ["learning_curves.png", "predictions.png"])
def test_the_figures_show_something(trained, shared_store, tmp_path, name):
    picture = imread(artifact(shared_store, trained.run_id, name, tmp_path))
    assert min(picture.shape[:2]) > 200
    assert picture[..., :3].std() > 0.05


def test_history_as_a_table(trained, shared_store, tmp_path):
    lines = artifact(shared_store, trained.run_id, "history.csv", tmp_path).read_text().splitlines()
    assert lines[0].startswith("epoch,")
    assert len(lines) == 1 + len(trained.history)


def test_nothing_is_left_of_the_state(trained, shared_store):
    assert not Path(shared_store.get(trained.run_id).tags["kzoo.state"]).exists()
    assert not list((shared_store.root / "journal").glob(shared_store.get(trained.run_id).tags["kzoo.key"]))


def test_a_classifier_with_a_test_split(shared_store):
    recipe = {
        "experiment": "classifier",
        "model": {"builder": "cnn", "filters": 8, "dense": []},
        "data": {"source": "digits"},
        "training": {"epochs": 4, "batch_size": 16, "learning_rate": 0.01, "metrics": ["accuracy"]},
    }
    trained = train(recipe, store=shared_store, progress=None)
    test = trained.dataset.test
    guesses = trained.model.predict(test.images / 16, verbose=0).argmax(-1)
    assert trained.metrics["test/accuracy"] == pytest.approx((guesses == test.targets).mean(), abs=1e-6)
    assert trained.metrics["test/accuracy"] > 0.5


@pytest.mark.parametrize("classifier_activation", ["auto", None])
def test_one_map_for_two_classes(shared_store, classifier_activation):
    recipe = small_recipe(experiment="one map", model__num_classes=1, model__classifier_activation=classifier_activation)
    trained = train(recipe, store=shared_store, progress=None)
    assert trained.model.output_shape[-1] == 1
    assert 0 <= trained.metrics["best/foreground_iou"] <= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"data__size": 46, "model__padding": "valid"},
            'recipe: model.input_shape: expected spatial sizes n with n % 4 == 0 and n >= 44 for padding="valid" and depth=2; '
            "the nearest to 46 are 44 and 48. Received: (46, 46, 1). The shape is that of the data: set data.size.",
        ),
        ({"data__size": 8}, "recipe: data.size: expected an integer of at least 32 and at most 192. Received: 8."),
        ({"model": {"builder": "cnn"}}, "recipe: model.builder: expected a network for class maps, as data.source=digit_scenes has."),
        ({"model__num_classes": 5}, "recipe: model.num_classes: expected 2, as the data have. Received: 5. Leave it out."),
        ({"model__input_shape": [64, 64, 1]}, "recipe: model.input_shape: expected (32, 32, 1), as the data have."),
        ({"model__filters": [1, 2]}, "recipe: model.filters: expected one value or 3 (one per stage, depth=2)."),
        (
            {"training__monitor": "accuracy"},
            "recipe: training.monitor: expected one of mean_iou, foreground_iou, loss. Received: accuracy.",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_a_run_is_opened(shared_store, settings, message):
    with pytest.raises(InputError) as caught:
        train(small_recipe(experiment="refused", **settings), store=shared_store, progress=None)
    assert str(caught.value).startswith(message)
    assert shared_store.find("refused", {}) == []


def test_faulty_data_and_a_faulty_model_in_one_reading(shared_store):
    recipe = small_recipe(data__size=8, model__filters=[1, 2])
    with pytest.raises(InputError) as caught:
        train(recipe, store=shared_store, progress=None)
    assert [p.split(":")[0] for p in caught.value.problems] == ["model.filters", "data.size"]


def test_a_loss_that_is_no_number_ends_the_run_as_failed(shared_store):
    recipe = small_recipe(experiment="nan", training__optimizer="sgd", training__learning_rate=1e30)
    with pytest.raises(TrainingError, match="at epoch 1"):
        train(recipe, store=shared_store, progress=None)
    (record,) = shared_store.find("nan", {})
    assert record.status == "FAILED"
    assert "loss is nan at epoch 1" in record.tags["kzoo.error"]
    assert "train/loss" in record.tags["kzoo.nonfinite"]
    assert record.parameters["model.filters"] == "4"
    assert "train/learning_rate" in record.metrics


def test_the_run_holds_the_totals_of_the_profile(trained, shared_store):
    """For the recipe's batch of 4: profiled anew at that size, and the arrays that the model and its optimizer really have."""
    metrics = shared_store.get(trained.run_id).metrics
    cost, step = kzoo.profile(trained.model), kzoo.profile(trained.model, batch_size=4)
    field = cost.receptive_field
    assert {key: value for key, value in metrics.items() if key.startswith("cost/")} == {
        "cost/parameters_trainable": trained.model.count_params(),
        "cost/parameters_total": trained.model.count_params(),
        "cost/macs": cost.macs,
        "cost/weight_bytes": sum(weight.nbytes for weight in trained.model.get_weights()),
        "cost/inference_bytes": cost.peak_memory,
        "cost/training_bytes": step.training.total,
        "cost/receptive_field_smallest": field.smallest[0],
        "cost/receptive_field_largest": field.largest[0],
        "cost/receptive_field_global": 0,
        "cost/seconds": metrics["cost/seconds"],
    }


def test_the_run_says_which_network_it_trained(trained, shared_store, tmp_path):
    """As text, as a tag that equal networks share, and in the file of the model, which builds the network again."""
    saved = kzoo.load(artifact(shared_store, trained.run_id, "model.keras", tmp_path))
    description = kzoo.describe(saved)
    assert description == kzoo.describe(trained.model)
    assert kzoo.build(description).count_params() == saved.count_params()
    assert shared_store.get(trained.run_id).tags["kzoo.network"] == description.hash
    assert artifact(shared_store, trained.run_id, "methods.txt", tmp_path).read_text() == description.methods


def test_the_run_holds_the_profile_as_files(trained, shared_store, tmp_path):
    def content(name):
        return artifact(shared_store, trained.run_id, name, tmp_path).read_text()

    cost = kzoo.profile(trained.model)
    assert json.loads(content("profile.json")) == cost.to_dict()
    text = content("profile.txt")
    assert all(f"│ {row.name} " in text for row in cost.layers)
    assert "│ bottleneck │ " in text
    assert text.endswith(f"\n{cost.summary()}\n")
    assert cost.warnings
    assert all(f"warning: {warning}" in text for warning in cost.warnings)
    assert "<svg" in content("network.svg")


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_costs_know_every_optimizer_of_a_recipe(optimizer):
    """The slots are those of the optimizer itself, once it is built."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
    built = keras.optimizers.get(optimizer)
    built.build(model.trainable_variables)
    slots = sum(np.asarray(variable).nbytes for variable in built.variables if len(variable.shape))
    costs = cost_metrics(kzoo.profile(model, optimizer=optimizer), 7)
    assert costs["cost/training_bytes"] == 7 * 4 * (3 + 5) + 2 * 4 * 20 + slots


def test_a_global_field_is_marked_in_the_metrics():
    model = kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=2, filters=2)
    assert cost_metrics(kzoo.profile(model), 1)["cost/receptive_field_global"] == 1


class Stop:
    """A progress that interrupts the training like Ctrl-C after an epoch."""

    def __init__(self, epoch):
        self.last = epoch

    def started(self, run_id, *_):
        self.run_id = run_id

    def epoch(self, row):
        if row["epoch"] == self.last:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def interrupted(shared_store):
    stop = Stop(2)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(small_recipe(experiment="interrupted", training__epochs=4), store=shared_store, progress=stop)
    assert any(f"kzoo train --resume {stop.run_id}" in note for note in caught.value.__notes__)
    assert shared_store.get(stop.run_id).status == "KILLED"
    return stop.run_id


def test_a_recipe_that_differs_is_not_resumed(interrupted, shared_store):
    recipe = small_recipe(experiment="interrupted", training__epochs=4, training__learning_rate=0.5)
    with pytest.raises(InputError, match=r"^training\.learning_rate: expected 0\.001, as in run .* Received: 0\.5\."):
        train(recipe, resume=interrupted, store=shared_store, progress=None)
    assert shared_store.get(interrupted).status == "KILLED"


@pytest.mark.parametrize("key", ["training.early_stopping", "run"])
def test_a_setting_that_was_not_there_before_is_not_ignored(interrupted, shared_store, key):
    value = {"patience": 1} if key.startswith("training") else "other"
    with pytest.raises(InputError, match=rf"^{key}.* expected None, as in run"):
        train(resume=interrupted, overrides={key: value}, store=shared_store, progress=None)


def test_a_run_whose_state_is_lost_is_not_trained_again_from_the_start(interrupted, shared_store):
    folder = Path(shared_store.get(interrupted).tags["kzoo.state"])
    folder.rename(folder.with_name("hidden"))
    try:
        with pytest.raises(InputError, match=rf"run {interrupted}: expected its state in {folder}, where it is not"):
            train(resume=interrupted, store=shared_store, progress=None)
    finally:
        folder.with_name("hidden").rename(folder)
    assert shared_store.get(interrupted).status == "KILLED"


def test_an_interrupted_run_goes_on_in_the_same_run(interrupted, shared_store):
    recipe = small_recipe(experiment="interrupted", training__epochs=4)
    trained = train(recipe, resume=interrupted, store=shared_store, progress=None)
    assert trained.run_id == interrupted
    assert len(shared_store.find("interrupted", {})) == 1
    steps = [p.step for p in shared_store._client.get_metric_history(interrupted, "train/loss")]
    assert steps == [1, 2, 3, 4]
    assert shared_store.get(interrupted).status == "FINISHED"
    with pytest.raises(InputError, match="is finished; only an interrupted or failed run can be resumed"):
        train(resume=interrupted, store=shared_store)


def test_a_run_that_is_not_there(shared_store):
    with pytest.raises(InputError, match=r"^run 123: not found in sqlite:.*`kzoo runs` lists the runs"):
        train(resume="123", store=shared_store)


def test_without_anything_to_train():
    with pytest.raises(InputError, match="recipe: expected a file, a name or a mapping"):
        train(store=Store.__new__(Store))
