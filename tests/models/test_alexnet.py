"""AlexNet: two towers of plain Keras as the twin, the sizes of the paper and of torchvision, its arguments, errors."""

import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo import ArgumentError, build_alexnet
from kzoo.models import taps
from kzoo.stack import ops

RNG = np.random.default_rng(0)
SMALL = {"input_shape": (67, 67, 3), "num_classes": 4, "filters": [4, 6, 8, 8, 6], "dense": [10]}


def response(x):
    """Section 3.3, by Keras's own functions."""
    squares = ops.pad(ops.square(x), ((0, 0), (0, 0), (0, 0), (2, 2)))
    total = sum(squares[..., shift : shift + x.shape[-1]] for shift in range(5))
    return x / (2.0 + 1e-4 * total) ** 0.75


def towers(x, kernel: np.ndarray, bias: np.ndarray):
    """Each half of the maps of the output sees the same half of the input: two convolutions beside each other."""
    channels, filters = kernel.shape[-2], kernel.shape[-1] // 2
    halves = []
    for half in range(2):
        part = ops.conv(x[..., half * channels : (half + 1) * channels], kernel[..., half * filters : (half + 1) * filters], 1, "same")
        halves.append(part + bias[half * filters : (half + 1) * filters])
    return ops.relu(ops.concatenate(halves, axis=-1))


def test_against_two_towers():
    """Figure 2, drawn small: two groups in convolutions 2, 4 and 5, responses before the pooling."""
    model = build_alexnet(**SMALL)
    model.set_weights([RNG.normal(scale=0.3, size=w.shape) for w in model.get_weights()])
    (k1, b1), (k2, b2), (k3, b3), (k4, b4), (k5, b5), (k6, b6), (k7, b7) = (layer.get_weights() for layer in model.layers if layer.weights)
    images = 10 * RNG.normal(size=(2, 67, 67, 3)).astype("float32")
    pool = layers.MaxPooling2D(3, strides=2)
    x = pool(response(ops.relu(ops.conv(images, k1, 4, "valid") + b1)))
    x = pool(response(towers(x, k2, b2)))
    x = ops.relu(ops.conv(x, k3, 1, "same") + b3)
    x = pool(towers(towers(x, k4, b4), k5, b5))
    x = ops.relu(ops.reshape(x, (2, -1)) @ k6 + b6)
    np.testing.assert_allclose(model.predict(images, verbose=0), ops.softmax(x @ k7 + b7), atol=1e-5)


def sizes(**arguments) -> list[int]:
    """The maps of every resolution of a narrow one."""
    narrow = {"num_classes": 0, "pooling": None, "filters": [8] * 5, "features_only": True}
    return [x.shape[1] for x in build_alexnet(**{**narrow, **arguments}).outputs]


def test_the_sizes_of_the_paper_and_of_torchvision():
    """torchvision pads 224 pixels by 2 and gets the paper's sizes; unpadded, they would be smaller."""
    assert sizes(input_shape=(227, 227, 3)) == [55, 27, 13, 6]
    assert sizes(input_shape=(224, 224, 3), stem_padding=2) == [55, 27, 13, 6]
    assert sizes(input_shape=(224, 224, 3), stem_padding="symmetric") == [56, 27, 13, 6]
    assert sizes(input_shape=(224, 224, 3)) == [54, 26, 12, 5]
    assert sizes(input_shape=(227, 227, 3), pool_size=2) == [55, 27, 13, 6]
    assert sizes(input_shape=(227, 227, 3), strides=(2, 2, 1)) == [109, 54, 27, 13, 6]


def test_positions_added_at_both_ends():
    """By hand: a padding of 2 is a layer of its own, then the convolution keeps within the map."""
    model = build_alexnet(**{**SMALL, "input_shape": (64, 64, 3)}, stem_padding=2)
    assert model.get_layer("stage1_conv1_pad").padding == ((2, 2), (2, 2))
    assert model.get_layer("stage1_conv1").output.shape[1:3] == (15, 15)
    assert model.get_layer("stage1_conv1").padding == "valid"
    unpadded = build_alexnet(**SMALL, stem_padding=0)
    assert [layer.name for layer in unpadded.layers] == [layer.name for layer in build_alexnet(**SMALL).layers]
    lines = build_alexnet(**{**SMALL, "input_shape": (64, 3)}, stem_padding=2, downsampling="max_pool")
    assert lines.get_layer("stage1_conv1").output.shape == (None, 58, 4)
    assert lines.get_layer("stage1_conv1_down").output.shape == (None, 15, 4)


def test_groups_divide_parameters():
    """Half of the kernels of convolutions 2, 4 and 5 are not there."""
    grouped, single = (kzoo.profile(build_alexnet(**SMALL, groups=groups)) for groups in ((1, 2, 1, 2, 2), 1))
    assert single.trainable - grouped.trainable == (25 * 4 * 6 + 9 * 8 * 8 + 9 * 8 * 6) // 2
    kernels = [layer.trainable for layer in grouped.layers if layer.kind == "Conv2D"]
    assert kernels == [121 * 3 * 4 + 4, 25 * 2 * 6 + 6, 9 * 6 * 8 + 8, 9 * 4 * 8 + 8, 9 * 4 * 6 + 6]


def test_local_response_normalization_stands_before_the_pooling():
    names = [layer.name for layer in build_alexnet(**SMALL).layers]
    assert names[:6] == ["image", "stage1_conv1", "stage1_lrn", "stage1_pool", "stage2_conv1", "stage2_lrn"]
    without = [layer.name for layer in build_alexnet(**SMALL, local_response_norm=False).layers]
    assert without == [name for name in names if not name.endswith("lrn")]


def test_more_convolutions_in_the_third_stage():
    model = build_alexnet(**{**SMALL, "filters": [4, 6, 8, 8, 8, 6], "groups": 1, "kernel_size": [(11, 3), 5, 3]})
    assert [layer.name for layer in model.layers if layer.name.startswith("stage3_conv")] == [f"stage3_conv{n}" for n in (1, 2, 3, 4)]
    assert model.get_layer("stage1_conv1").kernel_size == (11, 3)


def test_small_images():
    """Eight pixels: the stem's stride and the first pooling go, and with them the stem's wide kernel."""
    model = build_alexnet(**{**SMALL, "input_shape": (8, 8, 1)}, small_input=True)
    assert model.get_layer("stage1_conv1").kernel_size == (3, 3)
    assert [layer.name for layer in model.layers if "pool" in layer.name] == ["stage2_pool", "stage3_pool"]
    features = build_alexnet(**{**SMALL, "input_shape": (32, 32, 1)}, small_input=True, stem_padding=2, features_only=True)
    assert [tap.strides for tap in taps(features)] == [(1, 1), (2, 2), (4, 4), (8, 8)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (50, 67, 3)}, "input_shape: expected larger sizes: stage2_pool gets 4 along axis 1 and leaves 1, where 2 are"),
        ({"filters": [4, 6]}, "filters: expected at least three, since there are three stages. Received: [4, 6]."),
        ({"groups": [1, 2]}, "groups: expected one value or 5 (one per stage, filters=[4, 6, 8, 8, 6]). Received: 2 values, [1, 2]."),
        ({"groups": 2}, "groups: expected a divisor of the channels of convolution 1, 3 in and 4 out. Received: 2."),
        ({"groups": [1, 4, 1, 1, 1]}, "groups: expected a divisor of the channels of convolution 2, 4 in and 6 out. Received: 4."),
        ({"groups": [1, 0, 1, 1, 1]}, "groups: expected an integer of at least 1. Received: 0."),
        ({"kernel_size": [3, 3, 3, 3]}, "kernel_size: expected one value or 3 (one per stage, the first convolution, the second, all"),
        ({"stem_padding": "full"}, "stem_padding: expected same, valid, symmetric or a number of positions. Received: 'full'."),
        ({"stem_padding": -1}, "stem_padding: expected same, valid, symmetric or a number of positions. Received: -1."),
        ({"stem_padding": True}, "stem_padding: expected same, valid, symmetric or a number of positions. Received: True."),
        ({"pool_size": 0}, "pool_size: expected an integer of at least 1. Received: 0."),
    ],
)
def test_errors(options, message):
    with pytest.raises(ArgumentError) as caught:
        build_alexnet(**{**SMALL, **options})
    assert str(caught.value).startswith(message)
