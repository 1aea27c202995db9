"""MACs and parameters of single layers against closed forms; the positions are counted one by one from the output shape."""

from itertools import product
from math import prod

import keras
import numpy as np
import pytest
from keras import layers

import kzoo

CHANNELS, FILTERS = 12, 8


def profile_of(layer, shape):
    """The profile of a model of one layer, and its shapes without batch and channels."""
    model = keras.Sequential([keras.Input(shape), layer])
    return kzoo.profile(model), shape[:-1], model.output_shape[1:-1]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolution(rank, groups):
    layer_class = getattr(layers, f"Conv{rank}D")
    for kernel, stride, padding, dilation in product((1, 3), (1, 2), ("same", "valid"), (1, 2)):
        if stride > 1 < dilation:
            continue
        layer = layer_class(FILTERS, kernel, stride, padding, groups=groups, dilation_rate=dilation)
        profile, _, after = profile_of(layer, (*(9, 10, 11)[:rank], CHANNELS))
        span = dilation * (kernel - 1) + 1
        expected = [-(-n // stride) if padding == "same" else (n - span) // stride + 1 for n in (9, 10, 11)[:rank]]
        assert list(after) == expected
        assert profile.macs == prod(expected) * kernel**rank * CHANNELS // groups * FILTERS
        assert profile.total == profile.trainable == FILTERS * (kernel**rank * CHANNELS // groups + 1)
        assert profile.receptive_field.largest == (span,) * rank
        assert profile.receptive_field.stride == (stride,) * rank


@pytest.mark.parametrize("groups", [1, 2])
def test_causal_convolution_keeps_the_size(groups):
    """All padding is in front: the last position is the one that the field of the first ends at."""
    for kernel, stride, dilation in product((1, 3), (1, 2), (1, 2, 3)):
        if stride > 1 < dilation:
            continue
        layer = layers.Conv1D(FILTERS, kernel, stride, "causal", groups=groups, dilation_rate=dilation)
        profile, _, after = profile_of(layer, (9, CHANNELS))
        span = dilation * (kernel - 1) + 1
        assert list(after) == [-(-9 // stride)]
        assert profile.macs == -(-9 // stride) * kernel * CHANNELS // groups * FILTERS
        assert profile.total == FILTERS * (kernel * CHANNELS // groups + 1)
        assert (profile.receptive_field.largest, profile.receptive_field.stride) == ((span,), (stride,))
        assert profile.receptive_field.centre == ((1 - span) / 2,)


@pytest.mark.parametrize("rank", [1, 2, pytest.param(3, marks=pytest.mark.keras3)])  # Keras 2 sizes dilated volumes otherwise
def test_transposed_convolution_multiplies_once_per_input_position(rank):
    layer_class = getattr(layers, f"Conv{rank}DTranspose")
    for kernel, stride, padding, dilation in product((1, 2, 3), (1, 2), ("same", "valid"), (1, 2)):
        if stride > 1 < dilation:
            continue
        layer = layer_class(FILTERS, kernel, stride, padding, dilation_rate=dilation)
        profile, before, after = profile_of(layer, (*(4, 5, 6)[:rank], CHANNELS))
        span = dilation * (kernel - 1) + 1
        assert list(after) == [n * stride if padding == "same" else n * stride + max(span - stride, 0) for n in before]
        assert profile.macs == prod(before) * kernel**rank * CHANNELS * FILTERS
        assert profile.total == kernel**rank * CHANNELS * FILTERS + FILTERS


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_output_padding_adds_rows_but_no_products(rank):
    layer_class = getattr(layers, f"Conv{rank}DTranspose")
    for kernel, stride, padding, more in product((2, 3), (2, 3), ("same", "valid"), (0, 1)):
        layer = layer_class(FILTERS, kernel, stride, padding, output_padding=more)
        profile, before, after = profile_of(layer, (*(4, 5, 6)[:rank], CHANNELS))
        cut = 2 * (kernel // 2) if padding == "same" else 0
        assert list(after) == [(n - 1) * stride + kernel - cut + more for n in before]
        assert profile.macs == prod(before) * kernel**rank * CHANNELS * FILTERS
        assert profile.total == kernel**rank * CHANNELS * FILTERS + FILTERS


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_and_separable_convolution(rank, multiplier):
    for kernel, stride, padding, dilation in product((1, 3), (1, 2), ("same", "valid"), (1, 2)):
        if stride > 1 < dilation:
            continue
        options = {"kernel_size": kernel, "strides": stride, "padding": padding, "depth_multiplier": multiplier, "dilation_rate": dilation}
        shape, inner = (*(9, 10)[:rank], CHANNELS), CHANNELS * multiplier
        span = dilation * (kernel - 1) + 1
        expected = [-(-n // stride) if padding == "same" else (n - span) // stride + 1 for n in shape[:-1]]
        profile, _, after = profile_of(getattr(layers, f"DepthwiseConv{rank}D")(**options), shape)
        assert list(after) == expected
        assert profile.macs == prod(expected) * kernel**rank * inner
        assert profile.total == kernel**rank * inner + inner
        assert profile.receptive_field.largest == (span,) * rank
        profile, _, after = profile_of(getattr(layers, f"SeparableConv{rank}D")(FILTERS, **options), shape)
        assert list(after) == expected
        assert profile.macs == prod(expected) * (kernel**rank * inner + inner * FILTERS)
        assert profile.total == kernel**rank * inner + inner * FILTERS + FILTERS
        assert profile.receptive_field.largest == (span,) * rank


def test_dense_works_on_the_last_axis():
    assert profile_of(layers.Dense(7), (5,))[0].macs == 35
    profile = profile_of(layers.Dense(7), (4, 6, 5))[0]
    assert (profile.macs, profile.total) == (4 * 6 * 35, 42)
    assert profile.receptive_field.largest == (1, 1)


@pytest.mark.parametrize(("equation", "shape"), [("abc,cd->abd", (4, 5)), ("...x,xy->...y", (6, 5)), ("ab,bc->ac", (5,))])
def test_einsum_over_the_last_axis_is_a_dense_layer(equation, shape):
    """The same numbers as the dense layer with its kernel, and so the same products."""
    einsum = layers.EinsumDense(equation, 7 if "..." in equation else (*shape[:-1], 7), bias_axes=equation[-1])
    profile, dense = profile_of(einsum, shape)[0], layers.Dense(7)
    expected = profile_of(dense, shape)[0]
    assert (profile.status, profile.macs, profile.total) == ("complete", prod(shape) * 7, expected.total)
    assert (profile.receptive_field, profile.legal_sizes) == (expected.receptive_field, expected.legal_sizes)
    dense.set_weights(einsum.get_weights())
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    np.testing.assert_allclose(dense(x), einsum(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("equation", "shape", "bias"),
    [("abc,bd->adc", (7, 5), None), ("abc,cde->abde", (4, 7, 2), None), ("abc,bcd->ad", 7, None), ("abc,cd->abd", (4, 7), "bd")],
)
def test_other_einsums_are_unknown(equation, shape, bias):
    profile = profile_of(layers.EinsumDense(equation, shape, bias_axes=bias, name="einsum"), (4, 5))[0]
    assert (profile.unknown, profile.macs) == (("einsum",), None)


def test_dense_over_a_spatial_axis_is_global():
    model = keras.Sequential([keras.Input((3, 8, 8)), layers.Conv2D(2, 3, data_format="channels_first"), layers.Dense(4, name="rows")])
    assert kzoo.profile(model).receptive_field.global_by == "rows"


@pytest.mark.parametrize("kind", ["Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "UpSampling2D"])
def test_channels_first_costs_the_same(kind):
    arguments = {"MaxPooling2D": (2,), "UpSampling2D": (2,), "DepthwiseConv2D": (3, 2)}.get(kind, (FILTERS, 3, 2))
    first, last = (getattr(layers, kind)(*arguments, data_format=f"channels_{place}") for place in ("first", "last"))
    profiles = [kzoo.profile(keras.Sequential([keras.Input(shape), layer])) for shape, layer in [((4, 8, 10), first), ((8, 10, 4), last)]]
    assert profiles[0].macs == profiles[1].macs
    assert profiles[0].receptive_field == profiles[1].receptive_field
    assert profiles[0].legal_sizes == profiles[1].legal_sizes
