"""ZFNet: the sizes of figure 3, plain Keras as the twin, its arguments, errors."""

import numpy as np
import pytest
from keras import layers

from kzoo import ArgumentError, build_alexnet, build_zfnet
from kzoo.layers import LocalResponseNormalization
from kzoo.models import taps
from kzoo.stack import ops

RNG = np.random.default_rng(0)
SMALL = {"input_shape": (64, 64, 3), "num_classes": 4, "filters": [4, 6, 8, 8, 6], "dense": [10]}


def test_the_sizes_of_figure_three():
    features = build_zfnet(input_shape=(224, 224, 3), num_classes=0, filters=[4] * 5, features_only=True)
    names = ("stage1_conv1", "stage1_pool", "stage2_conv1", "stage2_pool", "stage3_conv3", "stage3_pool")
    assert [features.get_layer(name).output.shape[1] for name in names] == [110, 55, 26, 13, 13, 6]
    assert [x.shape[1] for x in features.outputs] == [110, 55, 26, 13, 6]
    assert [tap.name for tap in taps(features)] == ["stage1", "stage1_pooled", "stage2", "stage3", "pooled"]


def test_against_plain_keras():
    """Windows of the first two poolings reach over the far border; contrast is normalized after them."""
    model = build_zfnet(**SMALL)
    model.set_weights([RNG.normal(scale=0.3, size=w.shape) for w in model.get_weights()])
    (k1, b1), (k2, b2), (k3, b3), (k4, b4), (k5, b5), (k6, b6), (k7, b7) = (layer.get_weights() for layer in model.layers if layer.weights)
    images = 10 * RNG.normal(size=(2, 64, 64, 3)).astype("float32")
    over, within = layers.MaxPooling2D(3, strides=2, padding="same"), layers.MaxPooling2D(3, strides=2)
    x = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = LocalResponseNormalization()(over(ops.relu(ops.conv(x, k1, 2, "valid") + b1)))
    x = LocalResponseNormalization()(over(ops.relu(ops.conv(x, k2, 2, "valid") + b2)))
    for kernel, bias in ((k3, b3), (k4, b4), (k5, b5)):
        x = ops.relu(ops.conv(x, kernel, 1, "same") + bias)
    x = ops.relu(ops.reshape(within(x), (2, -1)) @ k6 + b6)
    np.testing.assert_allclose(model.predict(images, verbose=0), ops.softmax(x @ k7 + b7), atol=1e-5)


def test_it_is_an_alexnet_with_a_finer_stem():
    """Weights of the same shapes but for the stem's kernel, where the dense layers do not depend on the size."""
    shared = {"input_shape": (128, 128, 3), "num_classes": 4, "filters": [4, 6, 8, 8, 6], "dense": [], "pooling": "avg"}
    shapes = [[w.shape for w in model.weights] for model in (build_zfnet(**shared), build_alexnet(**shared, groups=1))]
    assert shapes[0][1:] == shapes[1][1:]
    assert (shapes[0][0], shapes[1][0]) == ((7, 7, 3, 4), (11, 11, 3, 4))


def test_what_the_arguments_change():
    plain = build_zfnet(**SMALL, local_response_norm=False)
    assert not [layer for layer in plain.layers if isinstance(layer, LocalResponseNormalization)]
    coarse = build_zfnet(**{**SMALL, "input_shape": (80, 80, 3)}, kernel_size=(11, 5, 3), strides=(4, 1, 1), stem_padding="symmetric")
    assert coarse.get_layer("stage1_conv1").kernel_size == (11, 11)
    assert [coarse.get_layer(f"stage{n}_conv1").output.shape[1] for n in (1, 2, 3)] == [20, 6, 3]
    small = build_zfnet(**{**SMALL, "input_shape": (8, 8, 1)}, small_input=True)
    assert small.get_layer("stage3_pool").output.shape[1:3] == (2, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (20, 64, 3)}, "input_shape: expected larger sizes: stage2_conv1 gets 4 along axis 1 and leaves 0"),
        ({"filters": [4, 6]}, "filters: expected at least three, since there are three stages. Received: [4, 6]."),
        ({"strides": [2, 2]}, "strides: expected one value or 3 (one per stage, the first convolution, the second, all others)."),
        ({"stem_padding": 0.5}, "stem_padding: expected same, valid, symmetric or a number of positions. Received: 0.5."),
    ],
)
def test_errors(options, message):
    with pytest.raises(ArgumentError) as caught:
        build_zfnet(**{**SMALL, **options})
    assert str(caught.value).startswith(message)
