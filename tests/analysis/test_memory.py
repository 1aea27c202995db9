"""Memory: liveness against a replay that holds and frees real arrays, and sums written out."""

import weakref

import keras
import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo.analysis.graph import trace
from kzoo.analysis.memory import bytes_of
from kzoo.errors import ArgumentError


class Ledger:
    """Counts the bytes of the arrays that are really alive: an entry falls away when Python frees its array."""

    def __init__(self):
        self.alive = self.peak = 0

    def hold(self, shape, dtype) -> np.ndarray:
        array = np.empty(shape, dtype)
        self.alive += array.nbytes
        self.peak = max(self.peak, self.alive)
        weakref.finalize(array, self.free, array.nbytes)
        return array

    def free(self, size: int) -> None:
        self.alive -= size


IDENTITIES = ("Dropout", "SpatialDropout2D", "Flatten", "Reshape")


def replay(model: keras.Model, batch_size: int, dtype="float32") -> int:
    """Runs through the layers with arrays in the place of tensors, each dropped after the last layer that reads it."""
    graph, ledger = trace(model), Ledger()
    shape = {t: (batch_size, *graph.shapes[t][1:]) for t in range(len(graph.shapes))}
    caller = [ledger.hold(shape[t], dtype) for t in graph.inputs]
    arrays = dict(zip(graph.inputs, caller, strict=True))
    waiting = {t: sum(t in call.inputs for call in graph.calls) + (t in graph.outputs) for t in shape}
    for call in graph.calls:
        for t in call.outputs:
            passes_on = type(call.layer).__name__ in IDENTITIES
            arrays[t] = arrays[call.inputs[0]] if passes_on else ledger.hold(shape[t], dtype)
        for t in {*call.inputs, *call.outputs}:
            waiting[t] -= t in call.inputs
            if not waiting[t]:
                del arrays[t]
    assert set(arrays) >= set(graph.outputs)
    return ledger.peak


MODELS = {
    "unet": lambda: kzoo.build_unet(input_shape=(32, 48, 1), num_classes=2, filters=4, depth=3),
    "unet, attention": lambda: kzoo.build_unet(input_shape=(16, 16, 1), num_classes=2, filters=4, depth=2, skip="attention"),
    "unet, 3-D, dropout": lambda: kzoo.build_unet(input_shape=(8, 8, 8, 2), num_classes=1, filters=2, depth=2, dropout=0.5),
    "unet, valid": lambda: kzoo.build_unet(input_shape=(60, 60, 1), num_classes=2, filters=4, depth=2, padding="valid"),
    "cnn": lambda: kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=10, normalization="batch", dropout=0.2, dense_dropout=0.1),
    "resnet": lambda: keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3)),
    "densenet": lambda: keras.applications.DenseNet121(weights=None, input_shape=(64, 64, 3)),
    "inception": lambda: keras.applications.InceptionV3(weights=None, input_shape=(96, 96, 3)),
}


@pytest.mark.parametrize("name", MODELS)
def test_peak_equals_a_replay_with_real_arrays(name):
    model = MODELS[name]()
    for batch_size in (1, 3):
        assert kzoo.profile(model, batch_size=batch_size).peak_memory == replay(model, batch_size)


def test_peak_in_half_precision_equals_a_replay():
    model = MODELS["unet"]()
    assert kzoo.profile(model, precision="mixed_float16").peak_memory == replay(model, 1, "float16")


@pytest.mark.parametrize("name", ["unet", "unet, valid", "cnn"])
def test_order_and_bytes_are_those_of_a_real_run(name):
    """The model is run by Keras's own executor, every layer asked for its name and the bytes it answers with."""
    model, ran = MODELS[name](), []

    def watched(layer):
        def run(*arguments, **options):
            answer = layer(*arguments, **options)
            ran.append((layer.name, keras.ops.convert_to_numpy(answer).nbytes))
            return answer

        return run

    model._run_through_graph([np.zeros((2, *model.input_shape[1:]), np.float32)], operation_fn=watched)
    assert ran == [(layer.name, layer.activation_bytes) for layer in kzoo.profile(model, batch_size=2).layers]


def test_skip_stays_alive_until_it_is_joined():
    """Written out: at the concatenation two maps of 4 channels and their joint one of 8 are alive, and the input."""
    x = inputs = keras.Input((8, 1))
    skip = layers.Conv1D(4, 3, padding="same")(x)
    x = layers.Conv1D(4, 3, padding="same")(layers.MaxPooling1D(2)(skip))
    x = layers.Concatenate(name="join")([skip, layers.UpSampling1D(2)(x)])
    found = kzoo.profile(keras.Model(inputs, x)).inference
    assert (found.layer, found.peak) == ("join", 4 * 8 * (1 + 4 + 4 + 8))
    assert found.total == found.peak + 4 * (12 + 4 + 48 + 4)


def test_training_keeps_every_output_a_gradient_and_the_slots():
    model = keras.Sequential([keras.Input((8, 1)), layers.Conv1D(4, 3, padding="same"), layers.Flatten(), layers.Dense(2)])
    found = kzoo.profile(model, batch_size=5).training
    weights = 4 * (16 + 66)
    assert found.activations == 5 * 4 * (8 + 32 + 2)
    assert (found.weights, found.gradients, found.slots) == (weights, weights, 2 * weights)
    assert found.total == found.activations + 4 * weights
    assert kzoo.profile(model, optimizer_slots=0).training.slots == 0


def test_mixed_precision_halves_activations_and_keeps_weights():
    model = MODELS["unet"]()
    full, mixed = kzoo.profile(model), kzoo.profile(model, precision="mixed_bfloat16")
    assert mixed.training.activations * 2 == full.training.activations
    assert mixed.training.weights == full.training.weights
    assert kzoo.profile(model, precision="bfloat16").training.weights * 2 == full.training.weights


def test_a_frozen_layer_needs_no_gradient():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.layers[0].trainable = False
    assert kzoo.profile(model).training.gradients == 4 * 8


def test_unknown_precision_is_named():
    with pytest.raises(ArgumentError, match=r"precision: expected a Keras dtype policy, .* Received: 'half'"):
        kzoo.profile(MODELS["cnn"](), precision="half")


@pytest.mark.parametrize("name", ["bool", "uint8", "int64", "float16", "bfloat16", "float32", "float8_e4m3fn"])
def test_bytes_of_types(name):
    expected = {"bfloat16": 2, "float8_e4m3fn": 1}.get(name) or np.dtype(name).itemsize
    assert bytes_of(name) == expected
