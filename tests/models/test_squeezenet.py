"""SqueezeNet: the paper's integers module by module, Caffe's poolings, bypasses, and what each argument changes."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_preset, build_squeezenet
from kzoo.layers import blocks as b
from kzoo.models.places import Place

from .cells import random, run

SMALL = {"input_shape": (64, 64, 3), "num_classes": 4, "filters": 16, "blocks": (1, 1, 1), "stem_filters": 8}


def shapes(model: keras.Model) -> list[int]:
    """The first size of every map that the convolution and the poolings of the stem and between the stages leave."""
    return [layer.output.shape[1] for layer in model.layers if layer.name == "stem_conv" or layer.name.endswith("_pool")]


def parameters(model: keras.Model, name: str) -> int:
    return sum(layer.count_params() for layer in model.layers if layer.name.startswith(name))


def test_parameters_of_table_1():
    model = build_preset("squeezenet_1_0", input_shape=(227, 227, 3))
    fires = [f"stage1_block{n}" for n in (1, 2, 3)] + [f"stage2_block{n}" for n in (1, 2, 3, 4)] + ["stage3_block1"]
    found = [parameters(model, name) for name in ("stem_conv", *fires, "head")]
    assert found == [14_208, 11_920, 12_432, 45_344, 49_440, 104_880, 111_024, 188_992, 197_184, 513_000]
    assert shapes(model) == [111, 55, 27, 13]


@pytest.mark.parametrize(("preset", "sizes"), [("squeezenet_1_0", [109, 54, 27, 13]), ("squeezenet_1_1", [111, 55, 27, 13])])
def test_sizes_of_torchvision(preset, sizes):
    assert shapes(build_preset(preset, features_only=True)) == sizes


@pytest.mark.parametrize("size", range(7, 13))
def test_the_last_window_of_a_pooling_may_be_incomplete(size):
    """Against windows by hand: the last begins inside of the map and ends at its border."""
    x = np.abs(random(1, size, 1))
    image = keras.Input((size, 1))
    padded, padding = b.aligned(image, 3, 2, "ceil", "pool")
    model = keras.Model(image, keras.layers.MaxPooling1D(3, 2, padding=padding)(padded))
    starts = range(0, size - 3 + 2, 2)
    assert Place("pool", 3, 2, "ceil").after(size) == len(starts)
    np.testing.assert_array_equal(run(model, x)[0, :, 0], [x[0, start : start + 3, 0].max() for start in starts])


def test_padding_keeps_the_borders():
    assert shapes(build_squeezenet(**{**SMALL, "input_shape": (75, 75, 3)}, padding="same")) == [38, 19, 10, 5]


@pytest.mark.parametrize("size", [67, 68, 69, 70])
def test_sizes_are_the_same_for_all_downsamplings(size):
    options = {**SMALL, "input_shape": (size, size, 3), "num_classes": 0, "pooling": None}
    own = build_squeezenet(**options).output_shape
    for downsampling in ("max_pool", "avg_pool", "strided_conv", "blur_pool"):
        assert build_squeezenet(**options, downsampling=downsampling).output_shape == own


def test_a_simple_bypass_adds_what_enters():
    """Figure 2: around the modules that keep their channels; here the last of four, which is the second of the second stage."""
    options = {**SMALL, "filters": [16, 24, 32, 32], "blocks": (2, 2), "num_classes": 0, "pooling": None}
    plain, bypassed = build_squeezenet(**options), build_squeezenet(**options, bypass="simple")
    assert [layer.name for layer in bypassed.layers if isinstance(layer, keras.layers.Add)] == ["stage2_block2_add"]
    bypassed.set_weights(plain.get_weights())
    x = random(1, 64, 64, 3)
    before = keras.Model(plain.input, plain.get_layer("stage2_block1_concat").output)
    np.testing.assert_allclose(run(bypassed, x), run(plain, x) + run(before, x), atol=1e-5)


def test_a_complex_bypass_convolves_where_channels_change():
    """By hand: 96 x 128, 128 x 256, 256 x 384 and 384 x 512 weights with biases around the first module and each that widens."""
    plain, simple, bypassed = (build_preset("squeezenet_1_0", bypass=bypass) for bypass in ("none", "simple", "complex"))
    assert simple.count_params() == plain.count_params()
    assert bypassed.count_params() - plain.count_params() == 97 * 128 + 129 * 256 + 257 * 384 + 385 * 512
    names = [layer.name for layer in bypassed.layers if layer.name.endswith("_bypass")]
    assert names == [f"{name}_bypass" for name in ("stage1_block1", "stage1_block3", "stage2_block2", "stage2_block4")]
    assert len([layer for layer in bypassed.layers if isinstance(layer, keras.layers.Add)]) == 8


def test_arguments():
    model = build_squeezenet(**{**SMALL, "filters": [10, 20, 30]}, squeeze_ratio=0.2, spatial_ratio=0.7, stem_kernel=(5, 3), pooling="max")
    kernels = {layer.name: layer.kernel.shape for layer in model.layers if hasattr(layer, "kernel")}
    assert kernels["stem_conv"] == (5, 3, 3, 8)
    assert kernels["stage1_block1_squeeze"] == (1, 1, 8, 2)
    assert kernels["stage2_block1_expand1"] == (1, 1, 4, 6)
    assert kernels["stage3_block1_expand3"] == (3, 3, 6, 21)
    assert isinstance(model.get_layer("pool"), keras.layers.GlobalMaxPooling2D)
    assert [layer.name for layer in model.layers][-4:] == ["head", "head_act", "pool", "output"]


def test_filters_grow_after_every_two_modules():
    """Section 5.1 with base and increment alike."""
    model = build_squeezenet(**{**SMALL, "blocks": (3, 2)})
    widths = [layer.output.shape[-1] for layer in model.layers if layer.name.endswith("_concat")]
    assert widths == [16, 16, 32, 32, 48]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": [16, 32]}, r"filters: expected one value or 3 \(one per stage, 3 fire modules\). Received: 2 values"),
        ({"filters": 1}, "filters: expected an integer of at least 2. Received: 1"),
        ({"blocks": [3, 0]}, "blocks: expected an integer of at least 1. Received: 0"),
        ({"squeeze_ratio": 1.5}, "squeeze_ratio: expected a ratio above 0 of at most 1. Received: 1.5"),
        ({"spatial_ratio": 1.0}, "spatial_ratio: expected a share above 0 and below 1. Received: 1.0"),
        ({"bypass": "all"}, "bypass: expected one of none, simple, complex. Received: all"),
        (
            {"bypass": "simple", "filters": [16, 24, 32]},
            r"bypass: expected none or complex, since no fire module keeps its channels \(\[8, 16, 24, 32\]\). Received: simple",
        ),
        ({"padding": "ceil"}, "padding: expected one of same, valid. Received: ceil"),
        ({"stem_kernel": (3, 3, 3)}, r"stem_kernel: expected an integer or one per spatial axis \(2\)"),
        ({"stem_filters": 0}, "stem_filters: expected an integer of at least 1"),
        ({"normalization": "group", "filters": 32}, "filters: expected multiples of 8, the groups"),
        ({"pooling": "flatten"}, "pooling: expected avg or max, since the classifier is a convolution"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_squeezenet(**{**SMALL, **options})
