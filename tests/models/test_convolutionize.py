"""Classifiers that slide: equal on their own size, window by window on larger images, and what is refused."""

import importlib
import inspect
import pkgutil

import keras
import numpy as np
import pytest
from keras import layers

import kzoo.layers
from kzoo import ArgumentError, build_cnn, build_model, build_preset, build_resnet, build_vgg, profile
from kzoo.layers import (
    CropTo,
    MaxPoolingWithArgmax2D,
    MaxUnpooling,
    MaxUnpooling2D,
    MaxUnpooling2DV2,
    PadToMultiple,
    SpatialPyramidPooling2D,
    StochasticDepthAdd,
)
from kzoo.layers.resampling import Resampling
from kzoo.models import convolutionize
from kzoo.models.convolutionize import NUMBERS, POINTS, WINDOWS
from kzoo.stack import ops

RNG = np.random.default_rng(0)

SMALL = {"input_shape": (32, 32, 1), "num_classes": 3}


def images(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def trained(model: keras.Model) -> keras.Model:
    """The model with weights that no layer begins with."""
    for weight in model.weights:
        values = RNG.normal(size=weight.shape, scale=0.3)
        weight.assign(np.exp(values) if weight.name == "moving_variance" else values)
    return model


def run(model: keras.Model, x) -> np.ndarray:
    return ops.convert_to_numpy(model(x))


def assert_equal_on_its_own_size(model: keras.Model) -> keras.Model:
    """Returns the network that slides."""
    sliding = convolutionize(model)
    shape = model.input_shape[1:]
    x = images(2, *shape)
    expected = run(model, x)
    np.testing.assert_allclose(run(sliding, x).reshape(expected.shape), expected, atol=1e-5)
    assert sliding.output_shape == (None, *[None] * (len(shape) - 1), expected.shape[-1])
    assert sliding.input_shape == (None, *[None] * (len(shape) - 1), shape[-1])
    assert [layer.name for layer in sliding.layers] == [layer.name for layer in model.layers]
    assert sliding.count_params() == model.count_params()
    return sliding


@pytest.mark.parametrize(
    "change",
    [
        {"dense": []},
        {"dense": [7, 5], "dense_dropout": 0.3},
        {"pooling": "avg", "normalization": "batch"},
        {"pooling": "max", "normalization": "layer", "num_classes": 1},
        {"padding": "same", "downsampling": "blur_pool", "dropout": 0.2},
        {"input_shape": (20, 2)},
        {"input_shape": (9, 10, 11, 1), "kernel_size": 2},
    ],
)
def test_a_plain_classifier_on_its_own_size(change):
    given = {"input_shape": (14, 18, 2), "num_classes": 3, "filters": 4, "padding": "valid", **change}
    assert_equal_on_its_own_size(trained(build_cnn(**given)))


@pytest.mark.parametrize("change", [{}, {"pooling": "avg"}, {"dense": [], "normalization": "batch", "activation": {"PReLU": {}}}])
def test_a_vgg_on_its_own_size(change):
    given = {"input_shape": (32, 32, 3), "num_classes": 5, "filters": 2, "blocks": [1, 2, 1], "dense": [8, 6], **change}
    assert_equal_on_its_own_size(trained(build_vgg(**given)))


def test_the_weights_of_the_first_dense_layer_are_a_kernel():
    model = build_cnn(input_shape=(14, 18, 1), num_classes=3, filters=4, padding="valid", dense=[5])
    dense, convolution = model.get_layer("dense1"), convolutionize(model).get_layer("dense1")
    assert isinstance(convolution, layers.Conv2D)
    assert convolution.kernel_size == model.get_layer("flatten").input.shape[1:3] == (2, 3)
    np.testing.assert_array_equal(convolution.kernel[1, 2], dense.kernel[(1 * 3 + 2) * 8 :])


@pytest.mark.parametrize("pooling", ["flatten", "avg", "max"])
def test_every_position_is_the_classifier_on_a_window(pooling):
    model = trained(build_cnn(input_shape=(20, 16, 1), num_classes=3, filters=4, padding="valid", dense=[6], pooling=pooling))
    sliding = convolutionize(model)
    x = images(2, 32, 24, 1)
    found = run(sliding, x)
    assert found.shape == (2, 4, 3, 3)
    for row in range(4):
        for column in range(3):
            window = x[:, 4 * row : 4 * row + 20, 4 * column : 4 * column + 16]
            np.testing.assert_allclose(found[:, row, column], run(model, window), atol=1e-5)


def test_with_padding_the_borders_differ():
    """The docstring's warning: it would be wrong to promise more."""
    model = trained(build_cnn(input_shape=(8, 8, 1), num_classes=3, filters=4, padding="same", dense=[]))
    x = images(1, 12, 12, 1)
    assert np.abs(run(convolutionize(model), x)[0, 0, 0] - run(model, x[:, :8, :8])[0]).max() > 1e-3


def branched() -> keras.Model:
    """A user's own model: branches, functions of keras.ops, a shared activation, several poolings, norms and dropout in the head."""
    act = layers.ReLU(name="act")
    image = keras.Input((12, 12, 2), name="image")
    x = layers.Rescaling(0.5, offset=[0.1, 0.2])(image)
    x = act(layers.Conv2D(6, 3, name="left")(x))
    y = layers.DepthwiseConv2D(3, depth_multiplier=3)(image)
    y = layers.BatchNormalization(axis=3)(y)
    x = layers.Concatenate(axis=3)([layers.Add()([x, y]), ops.relu(x * 2.0) + y])
    x = layers.MaxPooling2D()(x)
    x = layers.Dense(8, activation="gelu", name="pointwise")(x)
    x = layers.Concatenate(axis=1)([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dense(7)(layers.Dropout(0.2)(x))
    x = layers.BatchNormalization(axis=1)(act(x))
    x = layers.PReLU()(layers.Dense(6, use_bias=False)(x))
    x = layers.LayerNormalization()(x)
    return keras.Model(image, layers.Softmax()(layers.Dense(4, name="logits")(x)), name="mine")


def test_a_users_own_model():
    model = trained(branched())
    sliding = convolutionize(model)
    x = images(3, 12, 12, 2)
    np.testing.assert_allclose(run(sliding, x)[:, 0, 0], run(model, x), atol=1e-5)
    larger = images(1, 16, 12, 2)
    np.testing.assert_allclose(run(sliding, larger)[:, 1, 0], run(model, larger[:, 2:14]), atol=1e-5)
    assert sliding.name == "mine"
    assert {layer.name for layer in model.layers if layer.weights} == {layer.name for layer in sliding.layers if layer.weights}


def test_the_classifier_is_left_as_it_was():
    model = trained(branched())
    x = images(1, 12, 12, 2)
    before, calls = run(model, x), len(profile(model).layers)
    sliding = convolutionize(model)
    for weight in sliding.weights:
        weight.assign(ops.zeros_like(weight))
    np.testing.assert_array_equal(run(model, x), before)
    assert len(profile(model).layers) == calls


def test_a_sequential_model_with_adapted_normalization_and_global_pooling_that_keeps_axes():
    scale = layers.Normalization()
    scale.adapt(images(8, 10, 10, 2) * 3 + 1)
    model = keras.Sequential([keras.Input((10, 10, 2)), scale, layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(keepdims=True)])
    for layer in (layers.Conv2D(5, 1, activation="relu"), layers.Dropout(0.1), layers.Flatten(), layers.Dense(3)):
        model.add(layer)
    sliding = convolutionize(model)
    x = images(2, 10, 10, 2)
    np.testing.assert_allclose(run(sliding, x)[:, 0, 0], run(model, x), atol=1e-5)
    larger = images(1, 13, 10, 2)
    np.testing.assert_allclose(run(sliding, larger)[:, 3, 0], run(model, larger[:, 3:]), atol=1e-5)


def test_several_inputs_and_outputs():
    one, other = keras.Input((8, 8, 1), name="one"), keras.Input((8, 8, 2), name="other")
    x = layers.Conv2D(3, 3)(one)
    early = layers.Dense(2, name="early")(layers.Flatten()(x))
    late = layers.Dense(2, name="late")(layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(other) + x))
    model = keras.Model({"one": one, "other": other}, {"early": early, "late": late})
    sliding = convolutionize(model)
    x = {"one": images(1, 8, 8, 1), "other": images(1, 8, 8, 2)}
    for name, expected in model(x).items():
        np.testing.assert_allclose(np.ravel(sliding(x)[name]), np.ravel(expected), atol=1e-5)


def test_a_network_of_keras_applications():
    model = trained(keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), alpha=0.35, classes=5))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.gamma.assign(layer.gamma + 1)
    assert_equal_on_its_own_size(model)


def test_the_lenet_of_1998_slides():
    """Section VII of the paper: a convolutional network replicated over an image costs little more than one."""
    model = trained(build_preset("lenet5_1998"))
    sliding = convolutionize(model)
    x = images(1, 32, 44, 1)
    expected = np.concatenate([run(model, x[:, :, start : start + 32]) for start in range(0, 13, 4)])
    np.testing.assert_allclose(run(sliding, x)[0, 0], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("builder", "arguments"),
    [
        ("alexnet", {"filters": (4, 8, 12, 12, 8), "dense": [6]}),
        ("shufflenet_v2", {"filters": 8, "blocks": (1, 1), "stem_filters": 4, "last_filters": 8}),
        ("resnet", {"filters": 4, "blocks": (1, 1), "block": "basic", "shortcut": "A", "stem": "3x3", "stochastic_depth": 0.2}),
        ("convnext", {"filters": 4, "blocks": (1, 1)}),
        ("nin", {"filters": ((4, 3), (4, 3)), "kernel_size": 3}),
    ],
)
def test_small_forms_of_the_classics(builder, arguments):
    assert_equal_on_its_own_size(trained(build_model(builder, input_shape=(40, 36, 2), num_classes=3, small_input=True, **arguments)))


def test_saved_and_read_again(tmp_path):
    sliding = convolutionize(trained(build_cnn(input_shape=(14, 18, 1), num_classes=3, filters=4, downsampling="blur_pool", dense=[5])))
    sliding.save(tmp_path / "sliding.keras")
    x = images(1, 22, 26, 1)
    np.testing.assert_array_equal(run(keras.saving.load_model(tmp_path / "sliding.keras"), x), run(sliding, x))


def test_types_and_frozen_layers_are_kept():
    with_float16 = keras.dtype_policies.DTypePolicy("mixed_float16")
    x = inputs = keras.Input((8, 8, 1))
    x = layers.Flatten()(layers.Conv2D(2, 3, dtype=with_float16)(x))
    model = keras.Model(inputs, layers.Dense(3, dtype="float32", name="head", trainable=False)(x))
    sliding = convolutionize(model)
    assert [layer.compute_dtype for layer in sliding.layers if layer.weights] == ["float16", "float32"]
    assert not sliding.get_layer("head").trainable


def head(*steps, shape=(8, 8, 2)) -> keras.Model:
    """Layers in a row, with a convolution before and a dense layer behind them."""
    x = inputs = keras.Input(shape)
    for step in (layers.Conv2D(4, 3, name="first"), *steps, layers.Dense(3, name="head")):
        x = step(x)
    return keras.Model(inputs, x)


def squeezed() -> keras.Model:
    x = inputs = keras.Input((8, 8, 4))
    weight = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    x = layers.Flatten()(layers.Multiply(name="scale")([x, weight]))
    return keras.Model(inputs, layers.Dense(2)(x))


def shared_head() -> keras.Model:
    flat, dense = layers.Flatten(name="flat"), layers.Dense(2, name="dense")
    x, y = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    return keras.Model([x, y], [dense(flat(x)), dense(flat(y))])


def spread() -> keras.Model:
    x = inputs = keras.Input((8, 8, 4))
    x = layers.Flatten()(x + layers.AveragePooling2D(8, name="all")(x))
    return keras.Model(inputs, layers.Dense(2)(x))


class Halves(layers.Layer):
    def call(self, x):
        return x / 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: head(layers.Flatten(), layers.BatchNormalization(name="norm")),
            r"layer norm \(BatchNormalization\), which reads what .* fla",
        ),
        (
            lambda: head(layers.Flatten(name="flat"), layers.Activation("softmax", name="act")),
            r"act \(Activation\), which runs over all pos",
        ),
        (
            lambda: head(layers.Reshape((36, 4), name="cut"), layers.Flatten()),
            r"layer cut \(Reshape\), which is of a kind that is not known",
        ),
        (
            lambda: head(layers.GroupNormalization(2, name="norm"), layers.Flatten()),
            r"layer norm \(GroupNormalization\), which is of a kind",
        ),
        (
            lambda: head(layers.LayerNormalization(axis=[1, 2], name="norm"), layers.Flatten()),
            r"norm \(LayerNormalization\), which works al",
        ),
        (
            lambda: head(layers.PReLU(name="slopes"), layers.Flatten()),
            r"layer slopes \(PReLU\), which has values of its own for every positi",
        ),
        (
            lambda: head(layers.Resizing(4, 4, name="size"), layers.Flatten()),
            r"layer size \(Resizing\), which is of a kind that is not known",
        ),
        (lambda: head(Halves(name="halves"), layers.Flatten()), r"layer halves \(Halves\), which is of a kind that is not known to treat"),
        (
            lambda: head(layers.GlobalMaxPooling2D(keepdims=True), layers.Conv2D(2, 3, padding="same", name="c")),
            r"c \(Conv2D\), which looks",
        ),
        (
            lambda: head(layers.Activation(lambda x: x, name="act"), layers.Flatten()),
            r"layer act \(Activation\), which has an activation t",
        ),
        (lambda: head(layers.GlobalMaxPooling2D(name="pool"), shape=(None, 8, 2)), r"layer pool .*, which pools over a size that is not f"),
        (lambda: head(layers.Conv2D(1, 1)), r"a classifier, with a flatten or global pooling. Received: functional.*, which has none.$"),
        (
            lambda: keras.Model((f := head(layers.Flatten(name="flat"))).input, f.layers[-2].output),
            r"layer flat, which is read by no dense",
        ),
        (
            lambda: head(keras.Sequential([keras.Input((6, 6, 4)), layers.Conv2D(2, 1)], name="inner"), layers.Flatten()),
            r"inner .* is a mod",
        ),
        (lambda: build_resnet(**SMALL, blocks=(1,), filters=4, se_reduction=2), r"layer stage1_block1_se.*, which joins maps with what"),
        (squeezed, r"layer scale \(Multiply\), which joins maps with what was pooled or flattened"),
        (shared_head, r"layer (flat|dense) .*, which is called more than once"),
        (spread, r"layer .* \(Add\), which joins maps of different sizes"),
        (
            lambda: keras.Sequential([keras.Input((5,)), layers.Dense(2)]),
            r"images, signals or volumes as inputs. Received: input .* of shape",
        ),
        (lambda: keras.Sequential([layers.Dense(2)]), r"a built functional or sequential keras.Model. Received: Sequential.$"),
        (lambda: 3, r"a built functional or sequential keras.Model. Received: int.$"),
    ],
)
def test_what_has_no_equivalent_is_refused_by_name(make, said):
    with pytest.raises(ArgumentError, match=f"^model: expected .*{said}") as caught:
        convolutionize(make())
    assert "\n" not in str(caught.value)


def test_channels_first_is_refused():
    x = inputs = keras.Input((2, 8, 8))
    x = layers.GlobalMaxPooling2D(data_format="channels_first", name="pool")(x)
    with pytest.raises(ArgumentError, match=r"layer pool \(GlobalMaxPooling2D\), which takes channels first"):
        convolutionize(keras.Model(inputs, layers.Dense(2)(x)))


def test_lora_weights_are_refused():
    model = head(layers.Flatten())
    model.get_layer("head").enable_lora(2)
    with pytest.raises(ArgumentError, match=r"layer head \(Dense\), which is quantized or has LoRA weights"):
        convolutionize(model)


def test_a_layer_of_ones_own_can_be_vouched_for():
    model = head(Halves(), layers.Flatten())
    x = images(1, 8, 8, 2)
    np.testing.assert_allclose(run(convolutionize(model, local=[Halves]), x)[:, 0, 0], run(model, x), atol=1e-5)
    with pytest.raises(ArgumentError, match=r"^local: expected layer classes, as in \[MyLayer\]. Received: 'Halves'.$"):
        convolutionize(model, local=["Halves"])


def own_layers() -> set[type]:
    """The layer classes of all files in kzoo.layers."""
    files = [importlib.import_module(file.name) for file in pkgutil.iter_modules(kzoo.layers.__path__, "kzoo.layers.")]
    classes = {value for file in files for value in vars(file).values() if inspect.isclass(value) and issubclass(value, layers.Layer)}
    return {kind for kind in classes if kind.__module__.startswith("kzoo.layers.")}


def test_every_layer_of_kzoo_is_decided_on():
    """A new layer goes into one of the tables of convolutionize.py if it treats all positions alike, or else in here."""
    refused = {CropTo, MaxUnpooling, PadToMultiple, Resampling}
    by_index = {*MaxPoolingWithArgmax2D.__mro__, MaxUnpooling2D, MaxUnpooling2DV2} & own_layers()
    from_addons = {*by_index, SpatialPyramidPooling2D, StochasticDepthAdd}
    assert own_layers() - {*WINDOWS, *NUMBERS, *POINTS} == refused | from_addons
