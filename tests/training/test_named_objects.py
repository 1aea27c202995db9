"""Recipes that name objects: equal to a compile by hand, kept through a kill, recorded, and refused where they contradict themselves."""

from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

from kzoo import ArgumentError, load_recipe, train
from kzoo.importing import find
from kzoo.schema import Written
from kzoo.training import RecipeError, Training, fit, prepare
from kzoo.training.fit import make_batches
from kzoo.training.losses import Crossentropy
from kzoo.training.objective import check_objective, compile_model, completed, counted_optimizer, make_callbacks
from kzoo.training.recipe import flatten
from tests.conftest import small_recipe
from tests.things import LOOKAHEAD, RADAM, Counter, Steps, Stop

Lookahead, RectifiedAdam = find(LOOKAHEAD), find(RADAM)
SWA, MCC = "kzoo.training.callbacks.SWA", "kzoo.training.metrics.MatthewsCorrelationCoefficient"
WRAPPED = {LOOKAHEAD: {"optimizer": {RADAM: {"learning_rate": 1e-2, "sma_threshold": 4}}, "sync_period": 3}}


def small(**settings):
    tiny = {"model__filters": 2, "model__depth": 1, "data__scenes": 16, "data__validation_scenes": 4, "training__epochs": 2}
    return small_recipe(**{**tiny, **{f"training__{key}": value for key, value in settings.items()}})


def refused(**settings):
    with pytest.raises(RecipeError) as caught:
        load_recipe(small(**settings))
    return caught.value.problems


def test_named_optimizers_train_as_a_compile_by_hand(tmp_path):
    recipe = load_recipe(small(optimizer=WRAPPED, epochs=1))
    dataset, model = prepare(recipe)
    fit(model, dataset, recipe.training, tmp_path)
    dataset, other = prepare(recipe)
    batches = make_batches(other, dataset, dataset.train, recipe.training, training_split=True)
    other.compile(Lookahead(RectifiedAdam(1e-2, sma_threshold=4), sync_period=3), Crossentropy())
    other.fit(batches, shuffle=False, verbose=0)
    assert int(other.optimizer.iterations) == 4
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


class InterruptionError(Exception):
    pass


FULL = {
    "optimizer": WRAPPED,
    "metrics": ["mean_iou", {MCC: {"name": "mcc"}}],
    "monitor": "mcc",
    "direction": "max",
    "callbacks": [
        {SWA: {"start_averaging": 2, "average_period": 1}},
        {"keras.callbacks.ReduceLROnPlateau": {"monitor": "val_loss", "patience": 1, "min_delta": 10.0, "factor": 0.5}},
        "tests.things.Counter",
    ],
    "epochs": 3,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted training that collects the weights after every step."""
    recipe = load_recipe(small(**FULL))
    dataset, model = prepare(recipe)
    steps = Steps()
    return recipe, fit(model, dataset, recipe.training, tmp_path_factory.mktemp("whole"), callbacks=[steps]), model, steps


def test_the_model_is_the_average_and_its_scores_are_those_of_the_average(whole):
    recipe, fitted, model, steps = whole
    assert len(steps.weights) == 12
    for number, variable in enumerate(model.get_weights()):
        np.testing.assert_allclose(variable, np.mean([w[number] for w in steps.weights[2:]], axis=0), rtol=1e-5, atol=1e-6)
    scores = model.evaluate(
        make_batches(model, prepare(recipe)[0], prepare(recipe)[0].validation, recipe.training), return_dict=True, verbose=0
    )
    assert {key: fitted.best[f"val/{key}"] for key in scores} == pytest.approx(scores, rel=1e-5)
    assert fitted.best_epoch == 3
    assert fitted.best["val/loss"] != fitted.history[-1]["val/loss"]


def test_callbacks_act_on_an_optimizer_inside_another(whole):
    assert [row["train/learning_rate"] for row in whole[1].history] == pytest.approx([0.01, 0.005, 0.0025])


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_training_that_was_interrupted_equals_the_whole(whole, tmp_path, epoch):
    """Also after its last epoch, before the callbacks have ended."""
    recipe, fitted, model, _ = whole

    def interrupt(row):
        if row["epoch"] == epoch:
            raise InterruptionError

    dataset, first = prepare(recipe)
    with pytest.raises(InterruptionError):
        fit(first, dataset, recipe.training, tmp_path, interrupt, callbacks=[Steps()])
    dataset, second = prepare(recipe)
    steps = Steps()
    resumed = fit(second, dataset, recipe.training, tmp_path, callbacks=[steps])
    assert len(steps.weights) == 12
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3]
    assert resumed.final == pytest.approx(fitted.final, rel=1e-4)
    assert resumed.history[-1]["train/learning_rate"] == fitted.history[-1]["train/learning_rate"]
    for a, b in zip(model.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_callback_that_says_what_it_knows_and_one_that_ends_the_training(tmp_path):
    recipe = load_recipe(small(epochs=3))
    dataset, model = prepare(recipe)
    fit(model, dataset, recipe.training, tmp_path, callbacks=[Counter(), Stop()])
    counter = Counter()
    fitted = fit(prepare(recipe)[1], dataset, recipe.training, tmp_path, callbacks=[counter, Stop()])
    assert (len(fitted.history), counter.count) == (1, 1)
    with pytest.raises(Exception, match=r"callbacks: expected 2, as the training began with. Received: 1"):
        fit(prepare(recipe)[1], dataset, recipe.training, tmp_path, callbacks=[counter])


@pytest.mark.keras3  # Keras 2 puts them back within the last epoch, which then counts as the best
def test_weights_of_an_earlier_epoch_make_it_the_best(tmp_path):
    """Keras's early stopping goes back to the first epoch, since none is better by so much."""
    stopping = {"monitor": "val_loss", "patience": 1, "min_delta": 10.0, "restore_best_weights": True}
    recipe = load_recipe(small(callbacks=[{"keras.callbacks.EarlyStopping": stopping}], epochs=4))
    dataset, model = prepare(recipe)
    fitted = fit(model, dataset, recipe.training, tmp_path)
    assert [row["epoch"] for row in fitted.history] == [1, 2]
    assert (fitted.best_epoch, fitted.best) == (1, fitted.history[0])
    validation = make_batches(model, dataset, dataset.validation, recipe.training)
    assert fitted.best["val/loss"] == pytest.approx(model.evaluate(validation, return_dict=True, verbose=0)["loss"], rel=1e-5)


def test_the_lowest_value_of_a_metric_may_be_the_best(tmp_path):
    recipe = load_recipe(small(metrics=["tests.things.error_rate", "tests.things.Unnamed"], monitor="error_rate", direction="min"))
    dataset, model = prepare(recipe)
    fitted = fit(model, dataset, recipe.training, tmp_path)
    values = [row["val/error_rate"] for row in fitted.history]
    assert fitted.best["val/error_rate"] == min(values)
    assert "val/unnamed" in fitted.best


def test_the_run_of_a_recipe_with_named_objects(tmp_path, shared_store):
    store = shared_store
    content = small(optimizer=WRAPPED, loss={"keras.losses.SparseCategoricalCrossentropy": {}}, metrics=[MCC], direction="max", epochs=1)
    content["experiment"] = "named objects"
    content["model"]["normalization"] = {"tests.things.Scale": {"start": 0.5}}
    trained = train(content, store=store, progress=None)
    parameters = store.get(trained.run_id).parameters
    expected = {
        "model.normalization": "tests.things.Scale",
        "model.normalization.start": "0.5",
        "training.optimizer": LOOKAHEAD,
        "training.optimizer.optimizer": RADAM,
        "training.optimizer.optimizer.learning_rate": "0.01",
        "training.learning_rate": "None",
        "training.loss": "keras.losses.SparseCategoricalCrossentropy",
        "training.loss.from_logits": "False",
        "training.loss.ignore_class": "255",
        "training.metrics.0.num_classes": "2",
        "training.metrics.0.sparse_labels": "True",
    }
    assert {key: parameters[key] for key in expected} == expected
    recorded = load_recipe(store.download(trained.run_id, "recipe_resolved.yaml", tmp_path))
    assert recorded.training.loss == {"keras.losses.SparseCategoricalCrossentropy": {"from_logits": False, "ignore_class": 255}}
    saved = keras.saving.load_model(store.download(trained.run_id, "model.keras", tmp_path), compile=False)
    assert any(type(layer).__name__ == "Scale" for layer in saved.layers)


def test_forms_of_a_recipe_that_are_the_same():
    bare, empty, full = (load_recipe(small(optimizer=o)) for o in ("keras.optimizers.Ftrl", {"keras.optimizers.Ftrl": {}}, WRAPPED))
    assert bare.digest() == empty.digest() != full.digest()
    assert load_recipe(full.resolved()).digest() == full.digest()
    assert load_recipe(full, {"training.optimizer.optimizer.learning_rate": Written("1e-3")}).training.optimizer == {
        LOOKAHEAD: {"optimizer": {RADAM: {"learning_rate": 0.001, "sma_threshold": 4}}, "sync_period": 3}
    }
    assert load_recipe(bare, {"training.optimizer": WRAPPED}).digest() == full.digest()
    typed = {"training.optimizer": Written("keras.optimizers.Ftrl"), "training.optimizer.beta": Written("0.1")}
    assert flatten(load_recipe(small(), typed).resolved())["training.optimizer.beta"] == 0.1


def test_a_rate_that_was_given_is_not_left_out_for_another_optimizer():
    """Although it is the usual one."""
    given = load_recipe(small(learning_rate=1e-3))
    with pytest.raises(RecipeError, match=r"training.learning_rate: expected none beside training.optimizer"):
        load_recipe(given, {"training.optimizer": WRAPPED})
    assert load_recipe(given, {"training.epochs": 3}).rate_given
    assert load_recipe(given, {"training.optimizer": WRAPPED, "training.learning_rate": None}).training.learning_rate is None
    assert load_recipe(small(learning_rate=None)).rate_given is False


def test_mistakes_in_a_recipe_are_all_named_at_once():
    assert refused(
        optimizer={LOOKAHEAD: {"optimizer": {RADAM: {"rate": 1}}}},
        loss="keras.losses.Hubr",
        metrics=["mean_io", {"keras.layers.Dense": {}}],
        callbacks=[{SWA: {"period": 3}}, "swa"],
    ) == [
        next(p for p in refused(optimizer={LOOKAHEAD: {"optimizer": {RADAM: {"rate": 1}}}}) if "optimizer" in p),
        "training.loss.keras.losses.Hubr: expected a name in keras.losses. Received: Hubr. Did you mean Huber?",
        "training.metrics.0: expected one of mean_iou, foreground_iou, accuracy or an import path. Received: mean_io. "
        "Did you mean mean_iou?",
        "training.metrics.1.keras.layers.Dense: expected a metric. Received: Dense, a layer.",
        f"training.callbacks.0.{SWA}.period: unknown; expected one of start_averaging, average_period, batches. "
        "Did you mean average_period?",
        "training.callbacks.1: expected an import path. Received: swa.",
    ]
    assert refused(optimizer={LOOKAHEAD: {"optimizer": {RADAM: {"rate": 1}}}})[0].startswith(
        f"training.optimizer.{LOOKAHEAD}.optimizer.{RADAM}.rate: unknown; expected one of learning_rate, "
    )


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"optimizer": WRAPPED, "learning_rate": 1e-3},
            f"training.learning_rate: expected none beside training.optimizer.{LOOKAHEAD}.optimizer.{RADAM}.learning_rate, which sets the "
            "rate. Received: 0.001. Leave one out.",
        ),
        (
            {"optimizer": WRAPPED, "schedule": "cosine"},
            f"training.schedule: expected none beside training.optimizer.{LOOKAHEAD}.optimizer.{RADAM}.learning_rate, which sets the rate.",
        ),
        (
            {"optimizer": "tests.things.make_sgd", "warmup_epochs": 1},
            "training.warmup_epochs: expected none beside training.optimizer.tests.things.make_sgd, which sets the rate. Received: 1.",
        ),
        (
            {"optimizer": {RADAM: {"weight_decay": 0.1}}, "weight_decay": 0.2},
            f"training.weight_decay: expected none beside training.optimizer.{RADAM}.weight_decay, which sets the decay. Received: 0.2.",
        ),
        (
            {"optimizer": {LOOKAHEAD: {"optimizer": "adam"}}, "weight_decay": 0.2},
            f"training.weight_decay: expected null for training.optimizer.{LOOKAHEAD}, which takes no weight_decay. Received: 0.2.",
        ),
        (
            {"callbacks": SWA},
            f"training.callbacks: expected a list of import paths or null. Received: {SWA}.",
        ),
        (
            {"metrics": MCC},
            "training.metrics: expected a list of names out of mean_iou, foreground_iou, accuracy or import paths or null. Received: ",
        ),
        ({"monitor": "mcc"}, "training.monitor: expected one of mean_iou, foreground_iou, accuracy, loss. Received: mcc."),
        (
            {"metrics": [{MCC: {"name": "mcc"}}]},
            "training.direction: missing; expected max or min, whether a high or a low mcc is best, with monitor: mcc.",
        ),
        ({"direction": "min"}, "training.direction: expected max or null for the metrics of kzoo. Received: min."),
        ({"monitor": "loss", "direction": "max"}, "training.direction: expected min or null for loss. Received: max."),
    ],
)
def test_contradictions(settings, problem):
    found = refused(**settings)
    assert len(found) == 1
    assert found[0].startswith(problem)


def held(optimizer, name):
    """What an optimizer was given, which the older kind keeps elsewhere."""
    return optimizer._get_hyper(name) if hasattr(optimizer, "_get_hyper") else getattr(optimizer, name.replace("learning", "_learning"))


def rates_of(optimizer, **settings):
    dataset, model = prepare(load_recipe(small(optimizer=optimizer, **settings)))
    compile_model(model, load_recipe(small(optimizer=optimizer, **settings)).training, dataset, steps_per_epoch=10)
    inner = model.optimizer
    while wrapped := getattr(inner, "inner_optimizer", getattr(inner, "_optimizer", None)):
        inner = wrapped
    rate = held(inner, "learning_rate")
    return inner, [float(rate(step)) if callable(rate) else float(rate) for step in (0, 10)]


def test_rate_schedule_and_decay_of_the_recipe_reach_an_inner_optimizer():
    inner, rates = rates_of({LOOKAHEAD: {"optimizer": {RADAM: {}}}}, learning_rate=0.5, schedule="cosine", weight_decay=0.25)
    assert rates == pytest.approx([0.5, 0.25])
    assert held(inner, "weight_decay") == 0.25
    assert rates_of({LOOKAHEAD: {"optimizer": "sgd"}}, learning_rate=0.5, schedule="cosine")[1] == pytest.approx([0.5, 0.25])
    assert rates_of("tests.things.make_sgd")[1] == [0.25, 0.25]


def test_the_rate_is_left_to_the_optimizer_that_has_one():
    assert Training().learning_rate == Training(learning_rate=None).learning_rate == 1e-3
    assert Training(optimizer=WRAPPED).learning_rate is None
    with pytest.raises(ArgumentError, match=r"^learning_rate: expected none beside training.optimizer"):
        check_objective(Training(optimizer=WRAPPED, learning_rate=0.1), prepare(load_recipe(small()))[0])


def test_what_the_training_fills_in():
    dataset, model = prepare(load_recipe(small(loss={"tests.things.OneMinusTruth": {"power": 2.0}}, class_weights=[1, 2])))
    training = load_recipe(small(loss={"tests.things.OneMinusTruth": {"power": 2.0}}, class_weights=[1, 2])).training
    assert completed(training, dataset, True).loss == {"tests.things.OneMinusTruth": {"power": 2.0, "num_classes": 2}}
    compile_model(model, training, dataset, 1)
    assert list(model.loss.class_weights) == [1, 2]
    kept = Training(loss={"keras.losses.SparseCategoricalCrossentropy": {"from_logits": False}})
    assert completed(kept, dataset, True).loss["keras.losses.SparseCategoricalCrossentropy"]["from_logits"] is False
    assert make_callbacks(Training(callbacks=[SWA]), batches=[1])[0].batches == [1]
    assert [counted_optimizer(Training(optimizer=o)) for o in ("adam", WRAPPED, "keras.optimizers.Adafactor")] == ["adam", 3, None]
    with pytest.raises(ArgumentError, match=r"^optimizer.keras.optimizers.SGD: expected arguments that it takes"):
        counted_optimizer(Training(optimizer={"keras.optimizers.SGD": {"momentum": 7}}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"loss": "keras.losses.CategoricalCrossentropy"},
            r"training.loss.keras.losses.CategoricalCrossentropy: expected one that takes class numbers of shape \(1, 32, 32\)",
        ),
        (
            {"metrics": ["mean_iou", "keras.metrics.F1Score"]},
            r"training.metrics.1.keras.metrics.F1Score: expected one that takes class numbers",
        ),
        (
            {"optimizer": {"keras.optimizers.SGD": {"momentum": 7}}},
            r"training.optimizer.keras.optimizers.SGD: expected arguments that it takes",
        ),
        (
            {"callbacks": [{SWA: {"average_period": 0}}]},
            rf"training.callbacks.0.{SWA}.average_period: expected at least 1 step. Received: 0.",
        ),
        (
            {"loss": "tests.things.error_rate", "class_weights": [1, 2]},
            r"training.class_weights: expected null for training.loss.tests.things",
        ),
    ],
)
def test_what_the_data_or_the_object_refuse_is_named_before_the_training(settings, message):
    recipe = load_recipe(small(**settings))
    with pytest.raises(RecipeError, match=message):
        prepare(recipe)


@pytest.mark.keras3
def test_the_recipe_of_the_guide_is_valid():
    text = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
    recipe = load_recipe(yaml.safe_load(text.split("```yaml")[1].split("```")[0]))
    assert prepare(recipe)[1].get_layer("encoder1_conv1_norm").groups == 4
