"""What both Kerases mean by the same names, against NumPy; and what only one has."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest

import kzoo.stack
from kzoo import InputError, build_unet, profile
from kzoo.models.weightless import weightless
from kzoo.stack import KERAS_3, config, needs_keras_3, network_variables, ops, optimizer_variables, random, standardize_dtype, variable

X = np.random.default_rng(0).normal(size=(2, 4, 6)).astype("float32")
CLASSES = np.array([[0, 2], [1, 1]])
SCORES = np.random.default_rng(1).uniform(0.1, 1, size=(2, 2, 3)).astype("float32")
SCORES /= SCORES.sum(-1, keepdims=True)

FUNCTIONS = {
    "arange": (lambda: ops.arange(3), np.arange(3)),
    "arange of a part": (lambda: ops.arange(1, 9, 3, dtype="float32"), np.arange(1.0, 9, 3)),
    "argmax": (lambda: ops.argmax(X, axis=1), X.argmax(1)),
    "average_pool": (lambda: ops.average_pool(X, (2,), (2,), "valid"), X.reshape(2, 2, 2, 6).mean(2)),
    "binary_crossentropy": (
        lambda: ops.binary_crossentropy(np.float32([0, 1]), np.float32([0.25, 0.5]), from_logits=False),
        -np.log([0.75, 0.5]),
    ),
    "concatenate": (lambda: ops.concatenate([X, X], axis=-1), np.concatenate([X, X], -1)),
    "one_hot": (lambda: ops.one_hot(CLASSES, 3, dtype="float32"), np.eye(3)[CLASSES]),
    "outer": (lambda: ops.outer(X[0, 0], X[0, 1]), np.outer(X[0, 0], X[0, 1])),
    "pad": (lambda: ops.pad(X, [(0, 0), (1, 0), (0, 2)], constant_values=-1.0), np.pad(X, [(0, 0), (1, 0), (0, 2)], constant_values=-1)),
    "segment_sum": (
        lambda: ops.segment_sum(X[0, 0], np.array([0, 2, 2, 0, 0, 2]), num_segments=4),
        [X[0, 0][[0, 3, 4]].sum(), 0, X[0, 0][[1, 2, 5]].sum(), 0],
    ),
    "sparse_categorical_crossentropy": (
        lambda: ops.sparse_categorical_crossentropy(CLASSES, SCORES, from_logits=False),
        -np.log(np.take_along_axis(SCORES, CLASSES[..., None], -1)[..., 0]),
    ),
    "squeeze": (lambda: ops.squeeze(X[..., :1], -1), X[..., 0]),
    "swapaxes": (lambda: ops.swapaxes(X, -1, -2), X.swapaxes(-1, -2)),
    "take": (lambda: ops.take(X, [3, 0], axis=1), X[:, [3, 0]]),
    "take of all": (lambda: ops.take(X[0, 0], CLASSES), X[0, 0][CLASSES]),
    "take_along_axis": (
        lambda: ops.take_along_axis(SCORES, CLASSES[..., None], axis=-1),
        np.take_along_axis(SCORES, CLASSES[..., None], -1),
    ),
    "where": (lambda: ops.where(X > 0, ops.convert_to_tensor(X), 0.0), X * (X > 0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_numpy(name):
    function, expected = FUNCTIONS[name]
    found = ops.convert_to_numpy(function())
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_whole_numbers_are_of_32_bits():
    assert {standardize_dtype(x.dtype) for x in (ops.arange(3), ops.argmax(X, axis=-1))} == {"int32"}


def test_known_sizes_are_numbers():
    assert ops.shape(ops.convert_to_tensor(X)) == (2, 4, 6)


def test_a_generator_repeats_from_its_seed_and_moves_on():
    one, two = random.SeedGenerator(3), random.SeedGenerator(3)
    draws = [ops.convert_to_numpy(random.uniform((4,), dtype="float32", seed=each)) for each in (one, one, two)]
    np.testing.assert_array_equal(draws[0], draws[2])
    assert (draws[0] != draws[1]).any()


def test_the_state_of_dropout_is_kept():
    inputs = keras.Input((8,))
    model = keras.Model(inputs, keras.layers.Dropout(0.5)(inputs))
    states = network_variables(model)
    before = [ops.convert_to_numpy(each) for each in states]
    first = np.asarray(model(np.ones((1, 8)), training=True))
    for each, value in zip(states, before, strict=True):
        each.assign(value)
    np.testing.assert_array_equal(np.asarray(model(np.ones((1, 8)), training=True)), first)


def test_what_an_optimizer_keeps():
    kept = optimizer_variables(keras.optimizers.Adam(), [variable(np.zeros((3, 2), "float32"))])
    assert sum(tuple(each.shape) == (3, 2) for each in kept) == 2


def test_networks_without_values_are_profiled():
    given = {"input_shape": (32, 32, 1), "num_classes": 2, "filters": 4, "depth": 2, "normalization": "batch", "dropout": 0.1}
    with weightless():
        light = build_unet(**given)
    found, expected = profile(light), profile(build_unet(**given))
    assert (found.total, found.macs, found.training) == (expected.total, expected.macs, expected.training)


def test_the_policy_is_that_of_keras():
    assert config.dtype_policy().name == "float32"
    assert config.backend() == keras.backend.backend()


@pytest.mark.skipif(KERAS_3, reason="what Keras 2 lacks")
def test_what_needs_keras_3_says_so_by_name():
    message = r"^kzoo\.x: expected Keras 3\. Received: Keras 2\.15\.0\. Take y\.$"
    with pytest.raises(InputError, match=message):
        needs_keras_3("kzoo.x", "Take y.")
    with pytest.raises(InputError, match=r"^kzoo\.training\.optimizers: expected Keras 3\. .*tensorflow_addons\.optimizers\.RectifiedAdam"):
        import kzoo.training.optimizers  # noqa: F401
    from kzoo.models import convolutionize

    with pytest.raises(InputError, match=r"^kzoo\.models\.convolutionize: expected Keras 3\."):
        convolutionize(build_unet(input_shape=(16, 16, 1), num_classes=2, depth=1))


@pytest.mark.skipif(not KERAS_3, reason="what Keras 3 has")
def test_keras_3_has_all():
    needs_keras_3("kzoo.x", "Take y.")


def test_both_have_the_same_names():
    folder = Path(kzoo.stack.__file__).parent
    trees = [ast.parse((folder / name).read_text()) for name in ("keras2.py", "keras3.py")]
    names = [
        [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"]
        for tree in trees
    ]
    assert names[0] == names[1]
    assert len(names[0][0]) > 15
