"""Network in network: plain Keras as the twin, the sizes of both published networks, its arguments, errors."""

import numpy as np
import pytest
from keras import Input, Sequential, layers

from kzoo import ArgumentError, build_nin, build_preset

RNG = np.random.default_rng(0)
SMALL = {"input_shape": (16, 16, 3), "num_classes": 4, "filters": [[4, 5, 3], [6, 6, 6], [5, 5]]}


def test_against_plain_keras():
    """One map per class, with the activation, whose mean is the score."""
    model = build_nin(**SMALL)
    twin = Sequential([Input((16, 16, 3))])
    for block, (kernel, widths) in enumerate(((5, (4, 5, 3)), (5, (6, 6, 6)), (3, (5, 5, 4)))):
        for number, width in enumerate(widths):
            twin.add(layers.Conv2D(width, 1 if number else kernel, padding="same", activation="relu"))
        pools = (layers.MaxPooling2D, layers.AveragePooling2D)
        twin.add(pools[block](3, strides=2, padding="same") if block < 2 else layers.GlobalAveragePooling2D())
    twin.add(layers.Softmax())
    weights = [RNG.normal(scale=0.5, size=w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    twin.set_weights(weights)
    x = RNG.normal(size=(3, 16, 16, 3)).astype("float32")
    np.testing.assert_allclose(model.predict(x, verbose=0), twin.predict(x, verbose=0), atol=1e-5)


def test_the_sizes_of_both_networks():
    cifar = build_preset("nin_cifar10", features_only=True)
    assert [x.shape[1] for x in cifar.outputs] == [32, 16, 8]
    narrow = [[4, 4, 4], [4, 4, 4], [4, 4, 4], [4, 4]]
    imagenet = build_preset("nin_imagenet", filters=narrow, features_only=True)
    assert [x.shape[1] for x in imagenet.outputs] == [55, 27, 13, 6]


def test_dropout_and_pooling_stand_between_the_blocks():
    names = [layer.name for layer in build_preset("nin_cifar10").layers]
    assert names == [
        *("image", "stage1_conv1", "stage1_conv2", "stage1_conv3", "stage1_pool", "stage1_dropout"),
        *("stage2_conv1", "stage2_conv2", "stage2_conv3", "stage2_pool", "stage2_dropout"),
        *("stage3_conv1", "stage3_conv2", "head", "head_act", "pool", "output"),
    ]
    rates = {layer.name: layer.rate for layer in build_nin(**SMALL, dropout=[0.0, 0.2]).layers if isinstance(layer, layers.Dropout)}
    assert rates == {"stage2_dropout": 0.2}


@pytest.mark.parametrize(
    ("pool", "kinds"),
    [
        (None, [layers.MaxPooling2D, layers.AveragePooling2D]),
        ("max_pool", [layers.MaxPooling2D] * 2),
        (["avg_pool", "max_pool"], [layers.AveragePooling2D, layers.MaxPooling2D]),
    ],
)
def test_the_kinds_of_pooling(pool, kinds):
    model = build_nin(**SMALL, pool=pool)
    assert [type(model.get_layer(f"stage{stage}_pool")) for stage in (1, 2)] == kinds


def test_one_block_has_no_pooling():
    model = build_nin(**{**SMALL, "filters": [[4, 4]]}, kernel_size=3)
    assert [layer.name for layer in model.layers] == ["image", "stage1_conv1", "stage1_conv2", "head", "head_act", "pool", "output"]


def test_other_sizes_and_ends():
    lines = build_nin(**{**SMALL, "input_shape": (None, 2)}, stem_strides=2, padding="valid", pooling="max", classifier_activation=None)
    assert lines.predict(RNG.normal(size=(2, 50, 2)), verbose=0).shape == (2, 4)
    assert build_nin(**{**SMALL, "num_classes": 0}, pooling=None).output_shape == (None, 4, 4, 5)
    assert (build_nin(**{**SMALL, "input_shape": (8, 8, 1)}, small_input=True).get_layer("head").output.shape) == (None, 4, 4, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"filters": [4, 5, 3]},
            "filters: expected a list of widths per block, such as [[192, 160, 96], [192, 192]]. Received: [4, 5, 3].",
        ),
        ({"filters": []}, "filters: expected a list of widths per block"),
        ({"filters": [[4], []]}, "filters: expected a list with one value per stage"),
        ({"filters": [[4], [0]]}, "filters: expected an integer of at least 1. Received: 0."),
        ({"filters": [[4, 4], [8, 12]], "kernel_size": 3, "normalization": "group"}, "filters: expected multiples of 8"),
        ({"kernel_size": [5, 5]}, "kernel_size: expected one value or 3 (one per stage, 3 blocks). Received: 2 values, [5, 5]."),
        ({"pool": "mean"}, "pool: expected one of max_pool, avg_pool. Received: mean."),
        ({"pool": ["max_pool"]}, "pool: expected one value or 2 (one per stage, poolings between the blocks). Received: 1 values"),
        ({"pool": "max_pool", "downsampling": "blur_pool"}, 'pool: expected None for downsampling="blur_pool", which replaces the'),
        ({"padding": "symmetric"}, "padding: expected one of same, valid. Received: symmetric."),
        ({"dropout": [0.5]}, "dropout: expected one value or 2 (one per stage, poolings between 3 blocks). Received: 1 values, [0.5]."),
        ({"dropout": 1.0}, "dropout: expected a rate from 0 to below 1. Received: 1.0."),
        ({"pooling": "flatten"}, "pooling: expected avg or max, since the classifier is a convolution. Received: flatten."),
        ({"input_shape": (4, 16, 3)}, "input_shape: expected larger sizes: stage2_pool gets 2 along axis 1 and leaves 1, where 2 are"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ArgumentError) as caught:
        build_nin(**{**SMALL, **options})
    assert str(caught.value).startswith(message)


def test_its_own_dropout_is_the_one_that_is_documented():
    """The shared text, which the decorator adds, leaves out what a builder explains itself."""
    text = build_nin.__doc__
    assert text.count("\n        dropout: ") == 1
    assert "rates after it" in text
    assert text.count("\n        small_input: ") == 1
    assert "{shared}" not in text
