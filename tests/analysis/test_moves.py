"""Sizes as Keras gives them, and windows as single layers read them."""

from fractions import Fraction
from itertools import product

import keras
import pytest
from keras import layers

from kzoo.analysis import Interpolation, Repeat, Transposed, Window

from .brute_force import central_windows, make_positive

KERNELS, STRIDES, DILATIONS = (1, 2, 3, 4, 5, 7), (1, 2, 3), (1, 2, 3)


def keras_size(layer, n: int) -> int:
    return layer.compute_output_shape((None, n, 2))[1]


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_window_sizes_are_those_of_keras(padding):
    for kernel, stride, dilation, n in product(KERNELS, STRIDES, DILATIONS, (23, 24, 25)):
        if stride == 1 or dilation == 1:
            layer = layers.Conv1D(1, kernel, stride, padding, dilation_rate=dilation)
            assert Window(kernel, stride, dilation, padding).size(n) == keras_size(layer, n), (kernel, stride, dilation, n)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed_sizes_are_those_of_keras(padding):
    for kernel, stride, dilation, n in product(KERNELS, STRIDES, DILATIONS, (5, 6)):
        if stride == 1 or dilation == 1:
            layer = layers.Conv1DTranspose(1, kernel, stride, padding, dilation_rate=dilation)
            assert Transposed(kernel, stride, dilation, padding).size(n) == keras_size(layer, n), (kernel, stride, dilation, n)


@pytest.mark.parametrize(("kernel", "stride", "more"), [(3, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (2, 2, 1)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed_sizes_with_output_padding(kernel, stride, more, padding):
    layer = layers.Conv1DTranspose(1, kernel, stride, padding, output_padding=more)
    assert Transposed(kernel, stride, 1, padding, more).size(6) == keras_size(layer, 6)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(2, 2, 1), (3, 2, 1), (5, 2, 1), (4, 3, 1), (1, 2, 1), (3, 1, 2), (2, 1, 3)])
def test_windows_of_a_transposed_convolution_are_those_it_reads(kernel, stride, dilation, padding):
    model = keras.Sequential([keras.Input((24, 1)), layers.Conv1DTranspose(1, kernel, stride, padding, dilation_rate=dilation)])
    move = Transposed(kernel, stride, dilation, padding)
    check_windows(move, model)


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(2, 1, 1), (3, 2, 1), (4, 3, 1), (3, 1, 2), (2, 1, 4), (1, 3, 1)])
@pytest.mark.parametrize("n", [24, 25])
def test_windows_of_a_convolution_are_those_it_reads(kernel, stride, dilation, padding, n):
    model = keras.Sequential([keras.Input((n, 1)), layers.Conv1D(1, kernel, stride, padding, dilation_rate=dilation)])
    check_windows(Window(kernel, stride, dilation, padding), model)


def check_windows(move, model: keras.Model) -> None:
    make_positive(model)
    for position, window in central_windows(model, 0, 4).items():
        taps = move.taps(position, model.input_shape[1])
        assert window == ((min(taps), max(taps)) if taps else None)


@pytest.mark.parametrize(
    "move",
    [
        *(Window(k, s, d, p) for k, s, d, p in product((1, 2, 3), (1, 2), (1, 2), ("valid", "same", "causal", (2, 1)))),
        *(Transposed(k, s, 1, p) for k, s, p in product((2, 3, 4), (1, 2), ("valid", "same"))),
        *(Repeat(f) for f in (1, 2, 3)),
        *(Interpolation(f, r) for f, r in product((2, 3), (1, 2, 3))),
    ],
    ids=str,
)
def test_centre_and_width_are_the_means_of_the_windows(move):
    """Over one period of output positions, which is the denominator of the scale."""
    n, period = 16, move.scale.denominator
    taps = [move.taps(position, n) for position in range(period)]
    middles = [Fraction(min(t) + max(t), 2) - move.scale * position for position, t in enumerate(taps)]
    assert move.centre(n) == sum(middles) / period
    assert move.width == Fraction(sum(max(t) - min(t) + 1 for t in taps), period)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "overlap"),
    [(2, 2, 1, (1, 1)), (3, 2, 1, (1, 2)), (4, 2, 1, (2, 2)), (1, 2, 1, (0, 1)), (5, 3, 1, (1, 2)), (3, 2, 2, (0, 3))],
)
def test_overlap_counts_the_contributions_of_each_phase(kernel, stride, dilation, overlap):
    assert Transposed(kernel, stride, dilation).overlap() == overlap
