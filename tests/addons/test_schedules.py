"""The schedules give the rates of tensorflow-addons, and one cycle those that PyTorch documents."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError
from kzoo.training import schedules
from kzoo.training.schedules import CyclicalLearningRate, OneCycleLearningRate, TriangularCyclicalLearningRate

from . import cases
from .trajectories import golden

GOLDEN = golden("schedules")
REGISTERED = keras.saving.register_keras_serializable("kzoo_tests")(cases.halved)
FORMS = [*cases.SCHEDULES, "one_cycle", "one_cycle_linear"]


def made(name: str):
    if name.startswith("one_cycle"):
        return OneCycleLearningRate(1e-2, 30, annealing="linear" if name.endswith("linear") else "cosine")
    kind, options = cases.SCHEDULES[name]
    filled = {key: REGISTERED if value == "halved" else value for key, value in options.items()}
    return getattr(schedules, kind)(**cases.RATES, **filled)


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_rates_are_those_of_addons(name):
    np.testing.assert_allclose([float(made(name)(step)) for step in range(60)], GOLDEN[name], rtol=1e-5, atol=1e-9)


def pytorch(step: int, peak: float, total: int, linear: bool) -> float:
    """`torch.optim.lr_scheduler.OneCycleLR` by its documentation: 30 % up from peak / 25, then down to peak / 25 / 10000."""
    turn = 0.3 * total - 1
    start, end, share = (peak / 25, peak, step / turn) if step <= turn else (peak, peak / 25e4, (step - turn) / (total - 1 - turn))
    return start + (end - start) * share if linear else end + (start - end) / 2 * (1 + np.cos(np.pi * share))


@pytest.mark.parametrize("annealing", ["linear", "cosine"])
def test_one_cycle(annealing):
    schedule = OneCycleLearningRate(0.5, 40, annealing=annealing)
    rates = [float(schedule(step)) for step in range(40)]
    np.testing.assert_allclose(rates, [pytorch(step, 0.5, 40, annealing == "linear") for step in range(40)], rtol=1e-5, atol=1e-7)
    assert (np.argmax(rates), max(rates)) == (11, pytest.approx(0.5))
    assert float(schedule(1000)) == pytest.approx(rates[-1])


@pytest.mark.parametrize("name", FORMS)
def test_a_compiled_model_is_saved_with_it(name, tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(made(name)), "mse")
    model.fit(np.ones((8, 2)), np.ones(8), batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").optimizer
    assert float(again.learning_rate) == pytest.approx(float(made(name)(4)))
    assert [float(again._learning_rate(step)) for step in range(40)] == [float(made(name)(step)) for step in range(40)]


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: TriangularCyclicalLearningRate(0.0, 1.0, 0), "step_size"),
        (lambda: CyclicalLearningRate(0.0, 1.0, 2, REGISTERED, scale_mode="step"), "scale_mode"),
        (lambda: OneCycleLearningRate(1.0, 3), "total_steps"),
        (lambda: OneCycleLearningRate(1.0, 30, warmup_proportion=1.0), "warmup_proportion"),
        (lambda: OneCycleLearningRate(1.0, 30, annealing="cos"), "annealing"),
    ],
)
def test_wrong_arguments_are_named(make, argument):
    with pytest.raises(ArgumentError, match=f"^{argument}: expected"):
        make()
