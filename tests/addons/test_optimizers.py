"""The optimizers follow those of tensorflow-addons, and live with the rest of Keras: saving, mixed precision, schedules, accumulation."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError
from kzoo.training.optimizers import Lookahead, RectifiedAdam

from . import cases, trajectories

GOLDEN = {name: rows for name, rows in trajectories.golden("optimizers").items() if not name.startswith("swa")}
FORMS = {
    "rectified": lambda: RectifiedAdam(1e-2, weight_decay=1e-3, amsgrad=True, total_steps=30, min_lr=1e-4),
    "scheduled": lambda: RectifiedAdam(keras.optimizers.schedules.CosineDecay(1e-2, 20), weight_decay=_decay()),
    "lookahead": lambda: Lookahead(keras.optimizers.AdamW(1e-2), sync_period=3, clipnorm=1.0),
    "ranger": lambda: Lookahead(RectifiedAdam(1e-2), sync_period=3),
}


def _decay():
    return keras.optimizers.schedules.ExponentialDecay(1e-2, 5, 0.5)


def network(optimizer, policy="float32") -> keras.Model:
    inputs = keras.Input((6,))
    x = keras.layers.Dense(5, activation="tanh", dtype=policy, kernel_initializer=keras.initializers.GlorotUniform(1))(inputs)
    outputs = keras.layers.Dense(1, dtype="float32", kernel_initializer=keras.initializers.GlorotUniform(2))(x)
    model = keras.Model(inputs, outputs)
    model.compile(optimizer, "mse")
    return model


def fit(model: keras.Model, epochs: int = 2) -> list[float]:
    x = cases.random(40, 6, seed=8)
    return model.fit(x, x[:, :1] * 2, batch_size=8, epochs=epochs, shuffle=False, verbose=0).history["loss"]


def test_all_cases_are_written():
    assert set(GOLDEN) == {*(f"rectified/{name}" for name in cases.RECTIFIED), *(f"lookahead/{name}" for name in cases.LOOKAHEAD)}
    assert all(rows.shape == (cases.STEPS, 15) and np.isfinite(rows).all() for rows in GOLDEN.values())


@pytest.mark.parametrize("case", GOLDEN)
def test_a_trajectory_is_that_of_addons(case):
    rows = trajectories.follow(trajectories.made(case))
    np.testing.assert_allclose(rows, GOLDEN[case], rtol=0, atol=trajectories.TOLERANCE)


def test_the_cases_differ():
    """So that an argument without effect would be seen."""
    ends = [rows[-1] for rows in GOLDEN.values()]
    assert min(np.abs(a - b).max() for i, a in enumerate(ends) for b in ends[:i]) > 100 * trajectories.TOLERANCE


@pytest.mark.parametrize("form", ["scheduled", "lookahead", "ranger"])
def test_a_saved_training_goes_on_as_if_it_had_not_stopped(form, tmp_path):
    model, whole = network(FORMS[form]()), network(FORMS[form]())
    fit(model)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    np.testing.assert_allclose(fit(again), fit(whole, 4)[2:], rtol=1e-6)


@pytest.mark.parametrize(
    ("form", "policy"),
    [("rectified", "mixed_float16"), ("lookahead", "mixed_float16"), ("ranger", "mixed_bfloat16")],
)
def test_mixed_precision_trains_like_full_precision(form, policy):
    keras.config.set_dtype_policy(policy)
    try:
        mixed = network(FORMS[form](), policy)
        assert isinstance(mixed.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
        losses = fit(mixed, 4)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(losses, fit(network(FORMS[form]()), 4), rtol=0.05)


def test_weight_decay_spares_what_is_excluded():
    kernel, bias = keras.Variable([1.0], name="kernel"), keras.Variable([1.0], name="bias")
    optimizer = RectifiedAdam(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([keras.ops.zeros(1), keras.ops.zeros(1)], [kernel, bias])
    assert (float(kernel[0]), float(bias[0])) == (pytest.approx(0.95), 1.0)


def test_the_slow_weights_start_where_the_first_step_does():
    """Weights that are loaded after the optimizer was built count; so does an optimizer that has stepped before."""
    inner, weight = keras.optimizers.SGD(1.0), keras.Variable([5.0])
    inner.apply([keras.ops.ones(1)], [weight])
    ahead = Lookahead(inner, sync_period=2)
    ahead.build([weight])
    weight.assign([10.0])
    ahead.apply([keras.ops.ones(1)], [weight])
    assert float(weight[0]) == 9.5


def test_accumulated_gradients_count_as_one_step():
    weight = keras.Variable([0.0])
    ahead = Lookahead(keras.optimizers.SGD(1.0, gradient_accumulation_steps=2), sync_period=2)
    seen = []
    for _ in range(8):
        ahead.apply([keras.ops.ones(1)], [weight])
        seen.append(float(weight[0]))
    assert seen == [0, -1, -1, -1, -1, -2, -2, -2]
    assert int(ahead.iterations) == 4


def test_the_inner_weight_decay_counts():
    weight = keras.Variable([1.0])
    Lookahead(keras.optimizers.SGD(0.1, weight_decay=0.5)).apply([keras.ops.zeros(1)], [weight])
    assert float(weight[0]) == pytest.approx(0.95)


def test_the_rate_is_that_of_the_inner_optimizer():
    ahead = Lookahead("adam")
    assert float(ahead.learning_rate) == pytest.approx(1e-3)
    ahead.learning_rate = 0.5
    assert float(ahead.inner_optimizer.learning_rate) == 0.5


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: Lookahead("sgd", sync_period=0), "sync_period"),
        (lambda: Lookahead("sgd", slow_step_size=1.5), "slow_step_size"),
        (lambda: Lookahead(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())), "optimizer"),
        (lambda: RectifiedAdam(beta_2=1.0), "beta_2"),
        (lambda: RectifiedAdam(total_steps=-1), "total_steps"),
    ],
)
def test_wrong_arguments_are_named(make, argument):
    with pytest.raises(ArgumentError, match=f"^{argument}: expected"):
        make()
