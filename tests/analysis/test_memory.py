"""Memory: liveness against a replay of what Keras's executor did with real arrays, and sums written out."""

from contextlib import contextmanager
from unittest import mock

import keras
import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo.analysis import Facts, rule
from kzoo.analysis.memory import BY_SHAPE, OPTIMIZER_SLOTS, bytes_of
from kzoo.errors import ArgumentError
from kzoo.stack import KERAS_3, config, ops

from .executor import Run, replay


def nested() -> keras.Model:
    """A network inside a network, beside a skip over it."""
    inner = keras.Input((16, 16, 4))
    x = layers.Conv2D(6, 3, padding="same")(inner)
    x = layers.Conv2D(4, 3, padding="same")(layers.ReLU()(x))
    inner = keras.Model(inner, x)
    image = keras.Input((16, 16, 1))
    x = layers.Conv2D(4, 3, padding="same")(image)
    return keras.Model(image, layers.Flatten()(layers.Concatenate()([inner(x), x])))


MODELS = {
    "unet": lambda: kzoo.build_unet(input_shape=(32, 48, 1), num_classes=2, filters=4, depth=3),
    "unet, attention": lambda: kzoo.build_unet(input_shape=(16, 16, 1), num_classes=2, filters=4, depth=2, skip="attention"),
    "unet, 3-D, dropout": lambda: kzoo.build_unet(input_shape=(8, 8, 8, 2), num_classes=1, filters=2, depth=2, dropout=0.5),
    "unet, valid": lambda: kzoo.build_unet(input_shape=(60, 60, 1), num_classes=2, filters=4, depth=2, padding="valid"),
    "nested": lambda: nested(),
    "cnn": lambda: kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=10, normalization="batch", dropout=0.2, dense_dropout=0.1),
    "resnet": lambda: keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3)),
    "densenet": lambda: keras.applications.DenseNet121(weights=None, input_shape=(64, 64, 3)),
    "inception": lambda: keras.applications.InceptionV3(weights=None, input_shape=(128, 128, 3)),
}


needs_addresses = pytest.mark.skipif(config.backend() != "tensorflow", reason="asks TensorFlow where its buffers lie")


@contextmanager
def policy(name):
    before = config.dtype_policy()
    config.set_dtype_policy(name)
    try:
        yield
    finally:
        config.set_dtype_policy(before)


@needs_addresses
@pytest.mark.parametrize("name", MODELS)
def test_peak_equals_a_replay_with_real_arrays(name):
    model = MODELS[name]()
    for batch_size in (1, 3):
        assert kzoo.profile(model, batch_size=batch_size).peak_memory == replay(Run(model, batch_size))


@needs_addresses
@pytest.mark.parametrize("name", MODELS)
def test_stored_activations_are_the_arrays_that_were_made(name):
    """All that is made and read by anyone; at inference a dropout makes nothing, so models with one are left out."""
    model = MODELS[name]()
    if any(isinstance(layer, layers.Dropout) for layer in model.layers):
        pytest.skip("a dropout makes a new array only in training")
    run = Run(model, 2)
    made = {*run.inputs}.union(*({*step.made, *step.inner} for step in run.steps))
    assert kzoo.profile(model, batch_size=2).training.activations == sum(buffer.nbytes for buffer in made)


@needs_addresses
@pytest.mark.parametrize("name", ["unet", "unet, valid", "cnn", "resnet", "nested"])
def test_order_and_bytes_are_those_of_a_real_run(name):
    model = MODELS[name]()
    ran = [(step.name, sum(buffer.nbytes for buffer in step.made)) for step in Run(model, 2).steps]
    rows = kzoo.profile(model, batch_size=2).layers
    assert ran == [(row.name.rpartition("/")[2], row.activation_bytes) for row in rows]


def with_types():
    """Layers that were given types of their own, functions of `keras.ops` that follow or set them, and integers."""
    image, label = keras.Input((8, 8, 3)), keras.Input((8, 8, 3), dtype="int32")
    x = layers.Conv2D(4, 3, padding="same", name="first")(image)
    x = layers.BatchNormalization()(x)
    exact = layers.Conv2D(4, 1, dtype="float32", name="exact")(x)
    x = ops.relu(x) * 2.0
    x = layers.Add()([x, layers.Conv2D(4, 1)(exact)])
    x = layers.Concatenate()([x, ops.cast(label, "float32")])
    y = layers.Flatten()(image)
    return keras.Model([image, label], [layers.Conv2D(2, 1, activation="softmax", dtype="float32", name="head")(x), layers.Dense(2)(y)])


POLICIES = ["float32", "mixed_float16", "mixed_bfloat16", "bfloat16", "float64"]


@needs_addresses
@pytest.mark.parametrize("wanted", POLICIES)
@pytest.mark.parametrize("built", ["float32", "mixed_float16"])
def test_precision_is_that_of_the_model_built_under_the_policy(wanted, built):
    with policy(built):
        found = kzoo.profile(with_types(), batch_size=2, precision=wanted)
    with policy(wanted):
        model = with_types()
    run = Run(model, 2)
    assert [row.activation_bytes for row in found.layers] == [sum(buffer.nbytes for buffer in step.made) for step in run.steps]
    assert found.peak_memory == replay(run)
    assert found.training.weights == sum(np.asarray(weight).nbytes for weight in model.weights)
    assert found.training.gradients == sum(np.asarray(weight).nbytes for weight in model.trainable_weights)


def test_the_head_of_a_mixed_network_stays_in_float32():
    with policy("mixed_float16"):
        model = MODELS["unet"]()
    own, same = kzoo.profile(model), kzoo.profile(model, precision="mixed_bfloat16")
    assert own.to_dict() | {"precision": "mixed_bfloat16"} == same.to_dict()
    assert {row.name: row.activation_bytes for row in own.layers}["head"] == 32 * 48 * 2 * 4


def test_a_saved_model_says_the_same(tmp_path):
    with policy("mixed_float16"):
        model = with_types()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert kzoo.profile(loaded, precision="bfloat16").training == kzoo.profile(model, precision="bfloat16").training


def test_skip_stays_alive_until_it_is_joined():
    """Written out: at the concatenation two maps of 4 channels and their joint one of 8 are alive, and the input."""
    x = inputs = keras.Input((8, 1))
    skip = layers.Conv1D(4, 3, padding="same")(x)
    x = layers.Conv1D(4, 3, padding="same")(layers.MaxPooling1D(2)(skip))
    x = layers.Concatenate(name="join")([skip, layers.UpSampling1D(2)(x)])
    found = kzoo.profile(keras.Model(inputs, x)).inference
    assert (found.layer, found.peak) == ("join", 4 * 8 * (1 + 4 + 4 + 8))
    assert found.total == found.peak + 4 * (12 + 4 + 48 + 4)


def test_the_peak_can_lie_inside_a_layer():
    """Four positions: 2 + 10 + 1 numbers at the dense layers, 2 + 1 + 1 and 30 inside at the convolution."""
    parts = [layers.Dense(10), layers.Dense(1), layers.SeparableConv1D(1, 1, depth_multiplier=30, name="inside")]
    found = kzoo.profile(keras.Sequential([keras.Input((4, 2)), *parts])).inference
    assert (found.layer, found.peak) == ("inside", 4 * 4 * (2 + 1 + 1 + 30))


def test_training_keeps_every_output_a_gradient_and_the_slots():
    model = keras.Sequential([keras.Input((8, 1)), layers.Conv1D(4, 3, padding="same"), layers.Flatten(), layers.Dense(2)])
    found = kzoo.profile(model, batch_size=5).training
    weights = 4 * (16 + 66)
    assert found.activations == 5 * 4 * (8 + 32 + 2)
    assert (found.weights, found.gradients, found.slots) == (weights, weights, 2 * weights)
    assert found.total == found.activations + 4 * weights


WRAPPERS = ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")

OPTIMIZERS = {
    name.lower(): value
    for name, value in vars(keras.optimizers).items()
    if isinstance(value, type) and issubclass(value, keras.optimizers.Optimizer) and name not in WRAPPERS
} | {"sgd_momentum": lambda: keras.optimizers.SGD(momentum=0.9)}


def test_every_optimizer_of_keras_is_known():
    assert not {*OPTIMIZERS} - {*OPTIMIZER_SLOTS, *BY_SHAPE}


@pytest.mark.parametrize("name", sorted({*OPTIMIZER_SLOTS} & {*OPTIMIZERS}))
def test_slots_are_those_that_keras_makes(name):
    model = keras.Sequential([keras.Input((7,)), layers.Dense(11)])
    optimizer = OPTIMIZERS[name]()
    optimizer.build(model.trainable_variables)
    kept = sum(np.asarray(variable).nbytes for variable in optimizer.variables if len(variable.shape))
    assert kzoo.profile(model, optimizer=name).training.slots == kept
    assert kzoo.profile(model, optimizer=np.int64(3)).training.slots == 3 * 4 * 88


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        (keras.optimizers.SGD(), 0),
        (keras.optimizers.SGD(momentum=0.9), 1),
        (keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10)), 2),
        (keras.optimizers.Adam(amsgrad=True), 3),
        (keras.optimizers.RMSprop(momentum=0.9, centered=True), 3),
        (keras.optimizers.Adam(use_ema=True), 3),
        *([(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()), 2)] if KERAS_3 else []),
    ],
)
def test_the_slots_of_an_optimizer_follow_its_settings(optimizer, slots):
    """Papers' counts: a momentum, a mean square, its maximum, a mean gradient, an averaged weight."""
    model = keras.Sequential([keras.Input((7,)), layers.Dense(11)])
    found = kzoo.profile(model, optimizer=optimizer)
    assert (found.training.slots, found.optimizer) == (slots * 4 * 88, slots)
    assert not optimizer.built


@pytest.mark.parametrize("optimizer", ["adafactor", keras.optimizers.Adafactor()])
def test_an_optimizer_that_goes_by_shapes_is_refused(optimizer):
    with pytest.raises(ArgumentError) as error:
        kzoo.profile(MODELS["cnn"](), optimizer=optimizer)
    expected = "expected one that keeps as many values for every weight, or a number of them, as 2."
    assert str(error.value) == f"optimizer: {expected} Received: adafactor, which goes by shapes."


def test_dropout_makes_a_new_map_in_training_only():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(5), layers.Dropout(0.5), layers.Dense(1)])
    found = kzoo.profile(model)
    assert (found.training.activations, found.peak_memory) == (4 * (6 + 5 + 5 + 1), 4 * (6 + 5 + 1))


def test_a_frozen_layer_needs_no_gradient():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.layers[0].trainable = False
    assert kzoo.profile(model).training.gradients == 4 * 8


def attention(rank, **options):
    """Two maps of different sizes, one asking the other."""
    query, value = keras.Input((*(4, 3)[:rank], 6)), keras.Input((*(5, 2)[:rank], 8))
    x = layers.MultiHeadAttention(2, 3, value_dim=5, attention_axes=(1, 2)[:rank], name="attention", **options)(query, value)
    return keras.Model([query, value], layers.Dense(3)(x))


@needs_addresses
@pytest.mark.parametrize(("rank", "options"), [(2, {}), (2, {"use_bias": False}), (1, {"dropout": 0.1})])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_attention_holds_what_the_layers_inside_make(rank, options, batch_size):
    """Keras itself is asked: the answers of the layers inside, and what the projection at the end is given."""
    model = attention(rank, **options)
    run, found = Run(model, batch_size), kzoo.profile(model, batch_size=batch_size)
    (step,) = (step for step in run.steps if step.name == "attention")
    (row,) = (row for row in found.layers if row.name == "attention")
    assert len(step.inner) == 5
    assert row.inner_bytes == sum(buffer.nbytes for buffer in step.inner)
    assert (found.peak_memory, found.inference.layer) == (replay(run), "attention")


def test_attention_equals_its_parts():
    """One head written out as dense layers and two products; the softmax belongs to the first product."""

    class Scores(layers.Layer):
        def call(self, query, key):
            return ops.softmax(query @ ops.transpose(key, (0, 2, 1)))

    class Mix(layers.Layer):
        def call(self, scores, value):
            return scores @ value

    rule(Scores, Mix)(lambda _: Facts())
    query, value = keras.Input((10, 6)), keras.Input((7, 4))
    whole = keras.Model([query, value], layers.MultiHeadAttention(1, 3, value_dim=5)(query, value))
    scores = Scores()(layers.Dense(3)(query), layers.Dense(3)(value))
    parts = keras.Model([query, value], layers.Dense(6)(Mix()(scores, layers.Dense(5)(value))))
    assert kzoo.profile(whole, batch_size=4).training == kzoo.profile(parts, batch_size=4).training


@pytest.mark.parametrize("mode", ["dot", "concat"])
def test_dot_product_and_additive_attention_hold_their_scores(mode):
    query, value = keras.Input((10, 6)), keras.Input((7, 6))
    layer, seen = layers.Attention(score_mode=mode), []
    row = kzoo.profile(keras.Model([query, value], layer([query, value])), batch_size=2).layers[0]
    tanh = keras.ops.tanh
    with mock.patch("keras.src.ops.tanh", lambda x: seen.append(tanh(x)) or seen[-1]):
        seen.append(layer([np.ones((2, 10, 6)), np.ones((2, 7, 6))], return_attention_scores=True)[1])
    assert len(seen) == (1 if mode == "dot" else 2)
    assert row.inner_bytes == sum(ops.convert_to_numpy(array).nbytes for array in seen)


@pytest.mark.parametrize("options", [{}, {"strides": 2}, {"dilation_rate": 2, "padding": "same"}, {"depth_multiplier": 3}], ids=str)
def test_a_separable_convolution_equals_its_two_parts(options):
    whole = keras.Sequential([keras.Input((9, 8, 4)), layers.SeparableConv2D(5, 3, use_bias=False, **options)])
    parts = [layers.DepthwiseConv2D(3, use_bias=False, **options), layers.Conv2D(5, 1, use_bias=False)]
    one, two = kzoo.profile(whole, batch_size=3), kzoo.profile(keras.Sequential([keras.Input((9, 8, 4)), *parts]), batch_size=3)
    assert one.training == two.training
    assert one.macs == two.macs
    assert one.layers[0].inner_bytes == two.layers[0].activation_bytes


def test_unknown_precision_is_named():
    with pytest.raises(ArgumentError, match=r"precision: expected the name of a Keras dtype policy, .* Received: 'half'"):
        kzoo.profile(MODELS["cnn"](), precision="half")


@pytest.mark.parametrize("received", ["int8", "uint8", "bool", "string"])
def test_training_needs_floating_point(received):
    with pytest.raises(ArgumentError) as error:
        kzoo.profile(MODELS["cnn"](), precision=received)
    message = f"precision: expected a floating-point policy, such as float32 or mixed_bfloat16. Received: {received!r}."
    assert str(error.value) == message


@pytest.mark.parametrize("received", [16, 1.5, ["float16"]])
def test_a_precision_that_is_no_name_is_named(received):
    with pytest.raises(ArgumentError, match=r"precision: expected the name of a Keras dtype policy, .* Received: "):
        kzoo.profile(MODELS["cnn"](), precision=received)


@pytest.mark.parametrize("name", ["bool", "uint8", "int64", "float16", "bfloat16", "float32", "float8_e4m3fn"])
def test_bytes_of_types(name):
    expected = {"bfloat16": 2, "float8_e4m3fn": 1}.get(name) or np.dtype(name).itemsize
    assert bytes_of(name) == expected
