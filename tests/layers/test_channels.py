"""Channels added, taken and shuffled, against NumPy; convolutions of every channel by itself."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, profile
from kzoo.layers import ChannelShuffle, ChannelSlice, PadChannels
from kzoo.layers.blocks import conv, depthwise_conv
from kzoo.layers.style import Style
from kzoo.stack import ops

RNG = np.random.default_rng(0)
SIZES = (5, 6, 7)


def random(*shape):
    return RNG.normal(size=shape).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_shuffling_by_index(rank, groups):
    """Figure 1 of the paper: channel k of every group in turn, for k = 0, 1, ..."""
    x = random(2, *SIZES[:rank], 6)
    order = [group * (6 // groups) + k for k in range(6 // groups) for group in range(groups)]
    np.testing.assert_array_equal(numpy(ChannelShuffle(groups)(x)), x[..., order])


def test_shuffling_twice_with_the_other_divisor_is_nothing():
    x = random(2, 3, 6)
    np.testing.assert_array_equal(numpy(ChannelShuffle(3)(ChannelShuffle(2)(x))), x)


def test_groups_must_divide_the_channels():
    with pytest.raises(ArgumentError, match=r"groups: expected a divisor of the 6 channels. Received: 4"):
        ChannelShuffle(4)(random(1, 2, 6))


@pytest.mark.parametrize(("start", "stop"), [(0, 2), (2, None), (1, 4), (-3, -1)])
def test_a_slice_of_the_channels(start, stop):
    x = random(2, 3, 4, 5)
    found = ChannelSlice(start, stop)(x)
    np.testing.assert_array_equal(numpy(found), x[..., start:stop])
    assert ChannelSlice(start, stop).compute_output_shape((None, 3, None, 5)) == (None, 3, None, found.shape[-1])


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_all_are_saved_and_profiled_at_any_size(rank, tmp_path):
    inputs = keras.Input((*[None] * rank, 4))
    left, right = ChannelSlice(0, 2)(inputs), ChannelSlice(2)(inputs)
    x = PadChannels(7)(ChannelShuffle(2)(keras.layers.Concatenate()([right, left])))
    model = keras.Model(inputs, x)
    model.save(tmp_path / "channels.keras")
    image = random(2, *SIZES[:rank], 4)
    found = numpy(keras.saving.load_model(tmp_path / "channels.keras")(image))
    np.testing.assert_array_equal(found[..., 1:5], image[..., [2, 0, 3, 1]])
    assert not found[..., [0, 5, 6]].any()
    facts = profile(model, input_shape=(*SIZES[:rank], 4))
    assert (facts.status, facts.macs, facts.receptive_field.largest) == ("complete", 0, (1,) * rank)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_every_channel_is_convolved_by_itself(rank, strides):
    """Also in three dimensions, where Keras has no layer for it; one MAC per kernel element, channel and position."""
    inputs = keras.Input((*SIZES[:rank], 4))
    model = keras.Model(inputs, depthwise_conv(inputs, 3, Style(rank, activation="linear"), "depthwise", strides=strides))
    x = random(2, *SIZES[:rank], 4)
    kernel, bias = model.get_weights()
    kernel = kernel.reshape(*[3] * rank, 1, 4)
    channels = [ops.conv(x[..., c : c + 1], kernel[..., c : c + 1], strides, "same") for c in range(4)]
    np.testing.assert_allclose(numpy(model(x)), np.concatenate(channels, axis=-1) + bias, atol=1e-6)
    assert profile(model).macs == 3**rank * int(np.prod(model.output_shape[1:]))


@pytest.mark.parametrize("rank", [2, 3])
def test_the_gradient_reaches_kernels_of_single_channels(rank):
    inputs = keras.Input((*SIZES[:rank], 4))
    model = keras.Model(inputs, depthwise_conv(inputs, 3, Style(rank), "depthwise"))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    before = model.get_weights()
    model.train_on_batch(random(4, *SIZES[:rank], 4), random(4, *SIZES[:rank], 4))
    assert all((a != b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(("initializer", "variance"), [("he_normal", 2 / 9), ("glorot_uniform", 1 / 9), ("lecun_normal", 1 / 9)])
def test_depthwise_kernels_begin_with_the_variance_of_one_input_channel(initializer, variance):
    """An output of a kernel of size 3 has 9 inputs, and as many outputs read an input, whatever the number of channels."""
    x = keras.Input((8, 8, 512))
    kernel = depthwise_conv(x, 3, Style(2, initializer=initializer), "depthwise")._keras_history[0].weights[0]
    assert np.var(numpy(kernel)) == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize(("rank", "positions"), [(1, 3), (2, 9), (3, 27)])
def test_depthwise_kernels_begin_alike_in_every_rank(rank, positions):
    x = keras.Input((*[8] * rank, 1024))
    kernel = depthwise_conv(x, 3, Style(rank), "depthwise")._keras_history[0].weights[0]
    assert np.var(numpy(kernel)) == pytest.approx(2 / positions, rel=0.1)


def test_a_separable_convolution_keeps_the_size_of_its_input():
    """No activation stands between its halves: 1 / 9 for the depthwise one, 2 / 512 for the pointwise one."""
    layer = conv(keras.Input((8, 8, 512)), 512, 3, Style(2, convolution="separable"), "separable")._keras_history[0]
    assert np.var(numpy(layer.depthwise_kernel)) == pytest.approx(1 / 9, rel=0.1)
    assert np.var(numpy(layer.pointwise_kernel)) == pytest.approx(2 / 512, rel=0.1)


def test_an_initializer_without_fans_stays():
    layer = depthwise_conv(keras.Input((8, 8, 4)), 3, Style(2, initializer="ones"), "depthwise")._keras_history[0]
    assert np.unique(numpy(layer.weights[0])).tolist() == [1.0]
