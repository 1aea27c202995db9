"""Unevenness of up-samplings, found in the graph and in the answer of a network of ones."""

import keras
import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo.stack import ops


@pytest.mark.parametrize(("kernel", "strides"), [(2, 2), (3, 2), (4, 2), (5, 2), (5, 3), (1, 2), ((2, 3), (2, 2))])
def test_unevenness_is_that_of_a_constant_image(kernel, strides):
    """On a constant image, a kernel of ones answers with the number of input positions that reach each output position."""
    layer = layers.Conv2DTranspose(1, kernel, strides, kernel_initializer="ones", use_bias=False, name="up")
    model = keras.Sequential([keras.Input((12, 12, 1)), layer])
    answer = ops.convert_to_numpy(model(np.ones((1, 12, 12, 1), np.float32)))[0, 10:-10, 10:-10]
    up = kzoo.profile(model).upsamplings[0]
    assert (up.layer, up.fewest, up.most) == ("up", answer.min(), answer.max())
    assert up.unevenness == pytest.approx((answer.max() - answer.min()) / answer.max())
    assert kzoo.profile(model).to_dict()["upsamplings"][0]["unevenness"] == up.unevenness


@pytest.mark.parametrize("upsampling", ["transposed_conv", "nearest", "bilinear", "pixel_shuffle"])
def test_up_samplings_of_the_builder_are_even(upsampling):
    model = kzoo.build_unet(input_shape=(16, 16, 1), num_classes=1, filters=2, depth=2, upsampling=upsampling)
    found = kzoo.profile(model).upsamplings
    assert [(up.layer, up.strides, up.unevenness) for up in found] == [("decoder2_up", (2, 2), 0), ("decoder1_up", (2, 2), 0)]


def test_a_layer_that_only_looks_like_one_is_none():
    assert kzoo.profile(keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2DTranspose(1, 3)])).upsamplings == ()
