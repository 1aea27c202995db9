"""LeNet: the paper's integers layer by layer, the network of 1998 against NumPy, today's against plain Keras, its arguments, errors."""

import itertools
from math import prod

import keras
import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo import ArgumentError, build_lenet, build_preset
from kzoo.analysis.drawing.scene import read_scene
from kzoo.models import taps
from kzoo.models.lenet import TABLE, code_words

RNG = np.random.default_rng(0)
OF_1998 = {"connections": "table", "subsampling": "trainable", "c5": "conv", "output": "rbf", "activation": {"ScaledTanh": {}}}


def scramble(model: keras.Model) -> keras.Model:
    """Random weights, other than the code words."""
    for weight in model.trainable_weights:
        weight.assign(RNG.normal(scale=0.3, size=weight.shape))
    return model


def squash(x):
    return 1.7159 * np.tanh(2 * x / 3)


def convolve(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """One map with one kernel, without padding."""
    return np.einsum("ijkl,kl->ij", np.lib.stride_tricks.sliding_window_view(x, kernel.shape), kernel)


def subsample(maps: np.ndarray, coefficient: np.ndarray, bias: np.ndarray) -> np.ndarray:
    rows, columns, channels = maps.shape
    return squash(maps.reshape(rows // 2, 2, columns // 2, 2, channels).sum(axis=(1, 3)) * coefficient + bias)


def lenet5_of_1998(image: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """C1, S2, C3, S4, C5, F6 and the distances, in NumPy alone."""
    c1, b1, s2, t2, c3, b3, s4, t4, c5, b5, f6, b6, words = weights
    maps = squash(np.stack([convolve(image[..., 0], c1[:, :, 0, made]) + b1[made] for made in range(6)], axis=-1))
    maps = subsample(maps, s2, t2)
    kernels = iter(np.moveaxis(c3, -1, 0))
    sums = [sum(convolve(maps[..., given], next(kernels)) for given in seen) + b3[made] for made, seen in enumerate(TABLE)]
    maps = subsample(squash(np.stack(sums, axis=-1)), s4, t4)
    features = squash(np.einsum("hwc,hwco->o", maps, c5) + b5)
    features = squash(features @ f6 + b6)
    return -((features - words) ** 2).sum(axis=1)


def test_the_network_of_1998_in_numpy():
    model = scramble(build_preset("lenet5_1998", classifier_activation=None))
    images = RNG.normal(size=(2, 32, 32, 1)).astype("float32")
    expected = [lenet5_of_1998(image.astype("float64"), model.get_weights()) for image in images]
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, rtol=1e-4)


def test_parameters_and_connections_of_the_paper():
    """Section II.B: the trainable parameters of each layer, and 340,908 connections, biases included."""
    model = build_preset("lenet5_1998")
    trainable = [sum(prod(weight.shape) for weight in layer.trainable_weights) for layer in model.layers]
    assert [count for count in trainable if count] == [156, 12, 1_516, 32, 48_120, 10_164]
    macs = {layer.name: layer.macs for layer in kzoo.profile(model).layers}
    connections = [
        macs["stage1_conv"] + 28 * 28 * 6,
        14 * 14 * 6 * 5,
        macs["stage2_conv"] + 10 * 10 * 16,
        5 * 5 * 16 * 5,
        macs["stage3_conv"] + 120,
        macs["dense1"] + 84,
        macs["head"],
    ]
    assert connections == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]
    assert sum(connections) == 340_908


def test_table_one():
    """Its columns: every map of S2 is seen by ten of C3; three neighbours, four neighbours, four in two pairs, all."""
    assert [sum(given in seen for seen in TABLE) for given in range(6)] == [10] * 6
    assert list(map(len, TABLE)) == [3] * 6 + [4] * 9 + [6]
    around = [{(first + step) % 6 for step in range(count)} for count in (3, 4) for first in range(6)]
    assert [set(seen) for seen in TABLE[:12]] == around
    assert len(set(TABLE)) == 16


def test_code_words():
    """The digits as seven by twelve dots: a zero is symmetric, and all differ in ten dots at least."""
    words = code_words(10, 84)
    assert set(np.unique(words)) == {-1, 1}
    zero = words[0].reshape(12, 7)
    np.testing.assert_array_equal(zero, zero[:, ::-1])
    assert (words[1].reshape(12, 7)[:10] == 1).any(axis=1).all()
    assert min((a != b).sum() for a, b in itertools.combinations(words, 2)) >= 10
    others = code_words(8, 3)
    assert len(np.unique(others, axis=0)) == 8
    np.testing.assert_array_equal(code_words(26, 40), code_words(26, 40))


@pytest.mark.parametrize(("size", "paddings"), [(32, ("valid", "valid")), (28, ("same", "valid"))])
def test_today_s_lenet5_in_plain_keras(size, paddings):
    model = build_lenet(input_shape=(size, size, 1), num_classes=10, padding=paddings)
    twin = keras.Sequential([keras.Input((size, size, 1))])
    for filters, padding in zip((6, 16), paddings, strict=True):
        twin.add(layers.Conv2D(filters, 5, padding=padding, activation="tanh"))
        twin.add(layers.AveragePooling2D(2))
    twin.add(layers.Flatten())
    for units, activation in ((120, "tanh"), (84, "tanh"), (10, "softmax")):
        twin.add(layers.Dense(units, activation=activation))
    twin.set_weights(model.get_weights())
    x = RNG.normal(size=(3, size, size, 1)).astype("float32")
    np.testing.assert_allclose(model.predict(x, verbose=0), twin.predict(x, verbose=0), atol=1e-6)
    assert model.count_params() == 61_706


def test_c5_as_a_convolution_is_the_dense_layer():
    """At the published size they are one; over a larger image the convolution keeps positions, and the field is the oracle's 32 by 4."""
    arguments = {"input_shape": (32, 32, 1), "num_classes": 10}
    dense, conv = build_lenet(**arguments), build_lenet(**arguments, c5="conv")
    conv.set_weights([w.reshape(v.shape) for w, v in zip(dense.get_weights(), conv.get_weights(), strict=True)])
    x = RNG.normal(size=(2, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(conv.predict(x, verbose=0), dense.predict(x, verbose=0), atol=1e-6)
    large = build_lenet(input_shape=(40, 48, 1), num_classes=0, c5="conv", pooling=None)
    field = kzoo.profile(large).receptive_field
    assert (large.output_shape, field.largest, field.stride) == ((None, 3, 5, 120), (32, 32), (4, 4))


def test_layer_names():
    assert [layer.name for layer in build_preset("lenet5_1998").layers] == [
        *("image", "stage1_conv", "stage1_conv_act", "stage1_pool", "stage1_pool_act"),
        *("stage2_conv", "stage2_conv_act", "stage2_pool", "stage2_pool_act"),
        *("stage3_conv", "stage3_conv_act", "flatten", "dense1", "dense1_act", "head"),
    ]


def test_the_output_of_distances():
    """The softmax of minus the distances; without words for these sizes, drawn ones; the words are not trained."""
    model = build_lenet(input_shape=(32, 32, 1), num_classes=4, dense=[9], output="rbf")
    logits = build_lenet(input_shape=(32, 32, 1), num_classes=4, dense=[9], output="rbf", classifier_activation=None)
    logits.set_weights(model.get_weights())
    x = RNG.normal(size=(3, 32, 32, 1)).astype("float32")
    scores = np.exp(logits.predict(x, verbose=0))
    np.testing.assert_allclose(model.predict(x, verbose=0), scores / scores.sum(1, keepdims=True), atol=1e-6)
    assert (scores <= 1).all()
    np.testing.assert_array_equal(model.get_layer("head").get_weights()[0], code_words(4, 9))
    assert model.count_params() - sum(prod(w.shape) for w in model.trainable_weights) == 36


def test_trainable_subsampling_adds_two_numbers_per_map():
    plain, trained = (build_lenet(input_shape=(28, 28, 1), num_classes=3, filters=[4, 6], subsampling=s) for s in ("average", "trainable"))
    assert trained.count_params() - plain.count_params() == 2 * (4 + 6)


def test_a_digit_of_eight_pixels():
    """Padded, the published strides fit; the rule for small images makes the same of the network without padding."""
    arguments = {"input_shape": (8, 8, 1), "num_classes": 10, "filters": [8, 16], "dense": [32]}
    padded, small = build_lenet(**arguments, padding="same"), build_lenet(**arguments, small_input=True)
    assert [layer.get_config() for layer in padded.layers[1:4]] == [layer.get_config() for layer in small.layers[1:4]]
    assert padded.count_params() == small.count_params()
    old = build_lenet(**{**arguments, **OF_1998, "filters": [6, 16]}, small_input=True)
    assert old.get_layer("stage3_conv").output.shape == (None, 4, 4, 32)
    assert "stage1_pool" not in [layer.name for layer in old.layers]


def test_what_a_drawing_says():
    texts = [box.made.text for box in read_scene(build_preset("lenet5_1998")).boxes[1:]]
    assert texts == [
        *("conv 5×5, scaled tanh", "trainable pool 2×2, scaled tanh", "conv 5×5 by a table, scaled tanh"),
        *("trainable pool 2×2, scaled tanh", "conv 5×5, scaled tanh", "flatten", "dense, scaled tanh", "radial basis, softmax"),
    ]


def test_taps():
    features = build_lenet(input_shape=(32, 32, 1), num_classes=10, features_only=True)
    assert taps(features) == [("stage1", 6, (1, 1)), ("stage2", 16, (2, 2)), ("pooled", 16, (4, 4))]
    assert [x.shape[1] for x in features.outputs] == [28, 10, 5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"input_shape": (12, 32, 1)},
            "input_shape: expected larger sizes: stage2_conv gets 4 along axis 1 and leaves 0, where 2 are needed",
        ),
        ({"input_shape": (28, 28, 1), "c5": "conv"}, "input_shape: expected larger sizes: stage3_conv gets 4 along axis 1 and leaves 0"),
        ({"filters": [6, 12], "connections": "table"}, "connections: expected full for filters=[6, 12], since table I connects 6 maps"),
        ({"connections": "all"}, "connections: expected one of full, table. Received: all."),
        ({"subsampling": "trainable", "downsampling": "max_pool"}, 'subsampling: expected average for downsampling="max_pool", which'),
        ({"subsampling": "max"}, "subsampling: expected one of average, trainable. Received: max."),
        ({"c5": "conv", "dense": []}, "c5: expected dense for an empty dense, whose first layer it is. Received: conv."),
        ({"c5": "convolution"}, "c5: expected one of dense, conv. Received: convolution. Did you mean conv?"),
        ({"c5": "conv", "dense": [12], "filters": [8, 16], "normalization": "group"}, "dense: expected multiples of 8, the groups of"),
        ({"output": "rbf", "num_classes": 1}, "output: expected dense for num_classes=1, since distances are compared. Received: rbf."),
        ({"output": "rbf", "classifier_activation": "sigmoid"}, 'classifier_activation: expected softmax, auto or None for output="rbf"'),
        ({"output": "rbf", "dense": [3]}, "output: expected dense for 10 classes of 3 features. Received: rbf."),
        ({"output": "softmax"}, "output: expected one of dense, rbf. Received: softmax."),
        ({"padding": ["same"]}, "padding: expected one value or 2 (one per stage, filters=[6, 16]). Received: 1 values, ['same']."),
        ({"padding": "full"}, "padding: expected one of same, valid. Received: full."),
        ({"activation": {"ScaledTanh": {"scale": 2}}}, "activation: expected arguments of kzoo.layers.ScaledTanh. Received: {'scale': 2}"),
        ({"filters": 6}, "filters: expected a list with one value per stage, such as [2, 2, 2]. Received: 6."),
    ],
)
def test_errors(options, message):
    with pytest.raises(ArgumentError) as caught:
        build_lenet(**{"input_shape": (32, 32, 1), "num_classes": 10, **options})
    assert str(caught.value).startswith(message)
