"""Named objects: what is imported, what is refused with which words, and what is made."""

import sys

import keras
import pytest

from kzoo import ArgumentError, InputError
from kzoo.calls import Call
from kzoo.importing import find
from kzoo.objects import build, check, is_named, normal
from kzoo.schema import Written
from kzoo.stack import ops
from tests.things import LOOKAHEAD, RADAM, SLOPE


def problems(value, kind="optimizer"):
    return check(value, kind, "p")[1]


@pytest.mark.parametrize(
    ("value", "kind", "problem"),
    [
        (
            "keras.optimizers.Ftlr",
            "optimizer",
            "p.keras.optimizers.Ftlr: expected a name in keras.optimizers. Received: Ftlr. Did you mean Ftrl?",
        ),
        ("keras.layers.Dense", "optimizer", "p.keras.layers.Dense: expected an optimizer. Received: Dense, a layer."),
        ("collections.OrderedDict", "loss", "p.collections.OrderedDict: expected a loss. Received: OrderedDict, another class."),
        ("tests.things.NUMBER", "loss", "p.tests.things.NUMBER: expected a class or a function. Received: int."),
        (
            "keras.optimizers.Optimizer",
            "optimizer",
            "p.keras.optimizers.Optimizer: expected a class that can be used as it is. Received: Optimizer, on which",
        ),
        ("keras.losses.Loss", "loss", "p.keras.losses.Loss: expected a class that can be used as it is. Received: Loss"),
        (
            {LOOKAHEAD: {"optimizer": {"keras.optimizers.Optimizer": {}}}},
            "optimizer",
            f"p.{LOOKAHEAD}.optimizer.keras.optimizers.Optimizer: expected a class that can be used as it is.",
        ),
        ("keras.losses", "loss", "p.keras.losses: expected a class or a function. Received: module."),
        (
            {"ftrl": {"beta": 1}},
            "optimizer",
            "p: expected an import path, as in {keras.optimizers.Ftrl: {beta: 0.1}}. Received: ftrl. Did you mean keras.optimizers.Ftrl?",
        ),
        (
            {"a.b": {}, "c.d": {}},
            "metric",
            "p: expected one import path with its arguments, as in {keras.metrics.MeanIoU: {num_classes: 2}}. "
            "Received: {'a.b': {}, 'c.d': {}}.",
        ),
        (
            {"keras.optimizers.Ftrl": 3},
            "optimizer",
            "p: expected one import path with its arguments, as in {keras.optimizers.Ftrl: {beta: 0.1}}. Received: {'keras.",
        ),
        ({"tests.things.Steps": {"not": 1}}, "callback", "p.tests.things.Steps.not: unknown; expected one of note. Did you mean note?"),
        ({"tests.things.Unnamed": {"name": "x"}}, "metric", "p.tests.things.Unnamed.name: unknown; expected no arguments."),
        (
            "keras.callbacks.LambdaCallback.set_model",
            "callback",
            "p.keras.callbacks.LambdaCallback.set_model.self: missing; expected a value. ",
        ),
        (
            "keras.metrics.MeanMetricWrapper",
            "metric",
            "p.keras.metrics.MeanMetricWrapper.fn: missing; expected a value. Write {keras.metrics.MeanMetricWrapper: {fn: VALUE}}.",
        ),
        (
            LOOKAHEAD,
            "optimizer",
            f"p.{LOOKAHEAD}.optimizer: missing; expected an optimizer, as in {{keras.optimizers.Ftrl: {{beta: 0.1}}}}. "
            f"Write {{{LOOKAHEAD}: {{optimizer: VALUE}}}}.",
        ),
        (
            {LOOKAHEAD: {"optimizer": {RADAM: {"beta1": 0.5}}, "sync_period": 2.5}},
            "optimizer",
            f"p.{LOOKAHEAD}.optimizer.{RADAM}.beta1: unknown; expected one of learning_rate, beta_1",
        ),
        (
            {LOOKAHEAD: {"optimizer": "adam", "sync_period": 2.5}},
            "optimizer",
            f"p.{LOOKAHEAD}.sync_period: expected an integer. Received: 2.5.",
        ),
        (
            {LOOKAHEAD: {"optimizer": {"nowhere_at_all.X": {}}}},
            "optimizer",
            f"p.{LOOKAHEAD}.optimizer.nowhere_at_all.X: expected something",
        ),
    ],
)
def test_what_is_refused(value, kind, problem):
    assert any(line.startswith(problem) for line in problems(value, kind)), problems(value, kind)


def test_a_package_that_is_not_installed():
    assert problems("qqxyzzy_zz.Adam")[0].endswith(
        "Received: qqxyzzy_zz, of which there is no package here. "
        "Install the package that holds it, or start kzoo in the folder that holds qqxyzzy_zz.py."
    )
    assert problems("kears.optimizers.Adam")[0].endswith("of which there is no package here. Did you mean keras?")


@pytest.mark.keras3
def test_tensorflow_addons_beside_keras_3():
    said = problems("tensorflow_addons.optimizers.Lookahead")[0]
    assert said.startswith(
        "p.tensorflow_addons.optimizers.Lookahead: expected something that runs with Keras 3. Received: tensorflow_addons"
    )
    assert "`kzoo migrate` does" in said
    assert "`make addons`" in said


def test_a_module_in_the_current_folder_is_found_after_all_others(tmp_path, monkeypatch):
    (tmp_path / "own_losses_of_mine.py").write_text("from keras.losses import Huber as Mine\n")
    (tmp_path / "json.py").write_text("raise RuntimeError\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(InputError):
        find("own_losses_of_mine.Mine")
    monkeypatch.chdir(tmp_path)
    assert find("own_losses_of_mine.Mine") is keras.losses.Huber
    assert find("json.dumps")(1) == "1"


def test_a_module_that_fails_says_why(tmp_path, monkeypatch):
    (tmp_path / "broken_thing.py").write_text("import nothing_of_that_name\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    assert problems("broken_thing.X") == [
        "p.broken_thing.X: cannot be imported (ModuleNotFoundError: No module named 'nothing_of_that_name')."
    ]


def test_classes_are_called_and_functions_where_they_have_what_they_need():
    assert build("tests.things.make_sgd", "optimizer", "p").momentum == 0.9
    assert build({"tests.things.make_sgd": {"momentum": 0.5}}, "optimizer", "p").momentum == 0.5
    loss = build({"keras.losses.binary_crossentropy": {"label_smoothing": 0.5}}, "loss", "p")
    assert loss.keywords == {"label_smoothing": 0.5}
    assert build("keras.activations.gelu", "activation", "p") is keras.activations.gelu
    nested = build(
        {
            "keras.optimizers.SGD": {
                "learning_rate": {"keras.optimizers.schedules.CosineDecay": {"initial_learning_rate": 1.0, "decay_steps": 9}}
            }
        },
        "optimizer",
        "p",
    )
    assert nested._learning_rate.decay_steps == 9


def test_arguments_inside_lists_and_functions_as_arguments():
    smooth = {
        "kzoo.training.schedules.CyclicalLearningRate": {
            "initial_learning_rate": 0.0,
            "maximal_learning_rate": 1.0,
            "step_size": 2,
            "scale_fn": {"kzoo.stack.ops.sqrt": None},
        }
    }
    assert build({"keras.optimizers.SGD": {"learning_rate": smooth}}, "optimizer", "p")._learning_rate.scale_fn is ops.sqrt
    assert problems({"keras.optimizers.SGD": {"name": [{"kzoo.stack.ops.sqr": {}}]}})[0].startswith(
        "p.keras.optimizers.SGD.name.0.kzoo.stack.ops.sqr: expected a name"
    )


def test_text_with_a_dot_in_it_is_no_object_as_an_argument():
    assert build({"tests.things.Steps": {"note": "log.csv"}}, "callback", "p").note == "log.csv"


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        pytest.param(
            {LOOKAHEAD: {"optimizer": "adam", "sync_period": 0}},
            "optimizer",
            rf"^p.{LOOKAHEAD}.sync_period: expected a number of steps of at least 1",
            marks=pytest.mark.keras3,
        ),
        (
            {"keras.optimizers.SGD": {"momentum": 2}},
            "optimizer",
            r"^p.keras.optimizers.SGD: expected arguments that it takes \(ValueError: `momentum` must",
        ),
        (
            "tests.things.make_nothing",
            "optimizer",
            r"^p.tests.things.make_nothing: expected to get an optimizer from it. Received: NoneType.",
        ),
    ],
)
def test_wrong_values_are_named_when_the_object_is_made(value, kind, message):
    assert not problems(value, kind)
    with pytest.raises(ArgumentError, match=message):
        build(value, kind, "p")


def test_numbers_and_forms():
    assert check({"keras.optimizers.SGD": {"learning_rate": "1e-3", "momentum": Written("0.5"), "name": "e5"}}, "optimizer", "p")[0] == {
        "keras.optimizers.SGD": {"learning_rate": 0.001, "momentum": 0.5, "name": "e5"}
    }
    assert [normal(x) for x in ({"a.b": {}}, {"a.b": None}, "a.b", {"a.b": {"c": 1}})] == ["a.b", "a.b", "a.b", {"a.b": {"c": 1}}]
    assert not is_named({"a.b": [1]})


def test_arguments_of_bases_and_open_ends():
    def open_end(x, **more): ...

    assert Call.of(open_end).takes_any
    layer = Call.of(keras.layers.LeakyReLU)
    assert not layer.takes_any
    assert {SLOPE, "trainable", "dtype", "name"} <= set(layer.parameters)
    assert "clipnorm" in Call.of(keras.optimizers.SGD).parameters
