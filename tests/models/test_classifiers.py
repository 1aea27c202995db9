"""What holds for every classifier: the battery."""

import inspect

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, describe, load, profile, save
from kzoo.layers import BlurPool
from kzoo.models import BUILDERS, PRESETS, taps
from kzoo.stack import config, standardize_dtype

from .cells import random, run, scramble
from .classifiers import TINY, learns, smaller, tiny

CLASSIFIERS = [name for name in BUILDERS if "features_only" in inspect.signature(BUILDERS[name]).parameters]
DOWNSAMPLINGS = ["max_pool", "avg_pool", "strided_conv", "blur_pool"]
PRESETS_OF_CLASSIFIERS = sorted(name for name, preset in PRESETS.items() if preset.builder in CLASSIFIERS)


def redundant(model: keras.Model) -> set[str]:
    """Biases that the next norm takes away again, so that no gradient reaches them."""
    names = {layer.name for layer in model.layers}
    return {f"{layer.name}/bias" for layer in model.layers if f"{layer.name}_norm" in names}


def test_every_classifier_has_a_tiny_form():
    assert sorted(TINY) == CLASSIFIERS


@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_every_classifier_has_the_common_arguments(builder):
    common = {"downsampling", "activation", "normalization", "pooling", "dropout", "classifier_activation", "small_input", "weights"}
    assert common <= set(inspect.signature(BUILDERS[builder]).parameters)


@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_odd_and_rectangular_inputs_of_four_channels_learn_and_are_saved(builder, tmp_path):
    model = tiny(builder, input_shape=(9, 14, 4), activation="elu", dropout=0.0)
    x = random(6, 9, 14, 4)
    scores = run(model, x)
    assert scores.shape == (6, 3)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    save(model, tmp_path / "classifier.keras")
    again = load(tmp_path / "classifier.keras")
    np.testing.assert_array_equal(run(again, x), scores)
    assert describe(again) == describe(model)
    assert set(learns(model, x, 3)) <= redundant(model)


@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_no_head_gives_the_pooled_map(builder):
    """Pooled as the network does it, and as a map; the features are those that the classifier sees."""
    whole, pooled, bare = (
        tiny(builder, pooling="max"),
        tiny(builder, num_classes=0, pooling="max"),
        tiny(builder, num_classes=0, pooling=None),
    )
    x = random(2, 8, 8, 1)
    assert "head" not in {layer.name for layer in pooled.layers}
    np.testing.assert_allclose(run(bare, x).max((1, 2)), run(scramble_as(pooled, bare), x), atol=1e-6)
    assert whole.output_shape == (None, 3)
    with pytest.raises(ArgumentError, match="pooling: expected one of flatten, avg, max"):
        tiny(builder, pooling=None)


def scramble_as(model: keras.Model, other: keras.Model) -> keras.Model:
    """The first network with the weights of the second."""
    model.set_weights(other.get_weights())
    return model


@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_features_are_the_last_maps_of_every_resolution(builder):
    model = tiny(builder, input_shape=(40, 36, 1), features_only=True)
    maps, found = model(random(1, 40, 36, 1)), taps(model)
    maps = maps if isinstance(maps, list) else [maps]
    assert len({tap.strides for tap in found}) == len(found) == len(maps) > 1
    assert [tap.strides for tap in found] == sorted(tap.strides for tap in found)
    for tap, features in zip(found, maps, strict=True):
        assert features.shape[-1] == tap.channels
        for size, stride, positions in zip((40, 36), tap.strides, features.shape[1:-1], strict=True):
            assert size // stride - 6 <= positions <= -(-size // stride)


@pytest.mark.parametrize("downsampling", DOWNSAMPLINGS)
@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_another_downsampling_takes_the_place_of_every_stride(builder, downsampling):
    """The maps keep their sizes; no convolution but the new ones is strided, unless its strides are its patches."""
    size = (48, 48, 1)
    own, other = (profile(tiny(builder, input_shape=size, pooling="avg", downsampling=kind)) for kind in (None, downsampling))
    assert other.status == "complete"
    assert other.receptive_field.stride == own.receptive_field.stride
    model = tiny(builder, input_shape=size, pooling="avg", downsampling=downsampling)
    strided = {type(layer).__name__ for layer in model.layers if max(np.ravel(getattr(layer, "strides", 1))) > 1}
    kinds = {"max_pool": "MaxPooling2D", "avg_pool": "AveragePooling2D", "strided_conv": "Conv2D", "blur_pool": "BlurPool"}
    if downsampling == "strided_conv":
        assert strided <= {"Conv2D", "DepthwiseConv2D", "SeparableConv2D"}
    else:
        assert strided == {kinds[downsampling]}


def test_a_low_pass_filter_is_as_wide_as_its_stride():
    """The patches of 4 of ConvNeXt: 3 would skip every fourth position of the dense map."""
    model = tiny("convnext", input_shape=(32, 32, 1), downsampling="blur_pool", small_input=False)
    kernels = {layer.strides: layer.kernel_size for layer in model.layers if isinstance(layer, BlurPool)}
    assert kernels == {(4, 4): 4, (2, 2): 3}


@pytest.mark.parametrize("shape", [(16, 2), (8, 9, 10, 1)], ids=str)
@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_signals_and_volumes(builder, shape):
    """Every rank by one code path."""
    assert run(tiny(builder, input_shape=shape), random(2, *shape)).shape == (2, 3)


@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_mixed_precision_computes_in_bfloat16_and_ends_in_float32(builder):
    config.set_dtype_policy("mixed_bfloat16")
    try:
        model = tiny(builder)
    finally:
        config.set_dtype_policy("float32")
    x = random(4, 8, 8, 1)
    assert model.output.dtype == "float32"
    assert "bfloat16" in {standardize_dtype(layer.output.dtype) for layer in model.layers[1:]}
    assert np.isfinite(run(model, x)).all()
    learns(model, x, 3)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_a_too_small_input_is_refused_with_the_remedy(builder):
    """Where the published strides do not fit 8 x 8; the size that the message names fits, one less does not."""
    options = {"small_input": False, "pooling": "avg", "num_classes": 2}
    with pytest.raises(ArgumentError, match=r"input_shape: expected larger sizes: .* or small_input=True") as caught:
        tiny(builder, input_shape=(3, 3, 1), **options)
    least = int(str(caught.value).split("Use at least ")[1].split(",")[0])
    tiny(builder, input_shape=(least, least, 1), **options)
    with pytest.raises(ArgumentError, match=r"gets .* along axis 1 and leaves"):
        tiny(builder, input_shape=(least - 1, least, 1), **options)


@pytest.mark.parametrize("builder", CLASSIFIERS)
def test_activation_and_norm_are_free(builder):
    model = tiny(builder, activation={"LeakyReLU": {"negative_slope": 0.1}}, normalization="layer", pooling="avg")
    kinds = {type(layer).__name__ for layer in model.layers}
    assert {"LeakyReLU", "LayerNormalization"} <= kinds
    assert not kinds & {"BatchNormalization", "ReLU"}
    assert not any(getattr(layer, "activation", None) is keras.activations.relu for layer in model.layers)


@pytest.mark.parametrize("builder", CLASSIFIERS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"downsampling": "maxpool"}, "downsampling: expected one of max_pool, .* Received: maxpool. Did you mean max_pool?"),
        ({"pooling": "gem"}, "pooling: expected one of flatten, avg, max. Received: gem"),
        ({"num_classes": -1}, "num_classes: expected an integer of at least 0. Received: -1"),
        ({"weights": "trained.h5"}, "weights: expected imagenet, or a path that ends in .keras or .weights.h5"),
        ({"dropout": 1.0}, "dropout: expected a rate from 0 to below 1. Received: 1.0"),
        ({"activation": "relue"}, "activation: expected the name of a function in keras.activations"),
        ({"normalization": "bn"}, "normalization: expected one of none, batch"),
        ({"small_input": "no"}, "small_input: expected true or false. Received: 'no'"),
        ({"filers": 3}, "filers: unknown; expected one of input_shape"),
    ],
    ids=str,
)
def test_wrong_arguments_are_named(builder, wrong, message):
    with pytest.raises(ValueError, match=message):
        tiny(builder, **wrong)


def test_features_only_is_no_number():
    with pytest.raises(ArgumentError, match=r"features_only: expected true or false\. Received: 1"):
        tiny("vgg", features_only=1)


@pytest.mark.parametrize(
    ("options", "place"), [({"normalization": "instance"}, "stage3_conv_norm"), ({"normalization": "group"}, "stage3_")]
)
def test_norms_that_make_zeros_of_a_single_position_are_refused(options, place):
    """The layer C5 of LeNet-5 on its own size; one position more is normalized."""
    lenet = {"input_shape": (32, 32, 1), "filters": [8, 8], "dense": [8], "c5": "conv", **options}
    with pytest.raises(ArgumentError, match=f"normalization: expected another one than .* which makes zeros .* in {place}"):
        tiny("lenet", **lenet, small_input=False)
    tiny("lenet", **{**lenet, "input_shape": (36, 32, 1)}, small_input=False)


@pytest.mark.zoo
@pytest.mark.parametrize("name", PRESETS_OF_CLASSIFIERS)
def test_every_preset_in_small(name, tmp_path):
    """Few filters, an odd size: learns everywhere from one channel, comes back from its file, offers its maps, and pools four channels."""
    small = {"input_shape": (19, 16, 1), "num_classes": 4, "small_input": True, "activation": "elu"}
    model = smaller(name, **small)
    x = random(4, 19, 16, 1)
    scores = run(model, x)
    assert scores.shape[-2:] == (4, 4)
    save(model, tmp_path / "preset.keras")
    np.testing.assert_array_equal(run(load(tmp_path / "preset.keras"), x), run(model, x))
    assert set(learns(scramble(model), x, 4)) <= redundant(model)
    plain = {"auxiliary_heads": False} if "auxiliary_heads" in PRESETS[name].arguments else {}
    features = smaller(name, **small, **plain, features_only=True)
    assert [tap.channels for tap in taps(features)] == [output.shape[-1] for output in features.outputs]
    headless = smaller(name, **{**small, **plain, "input_shape": (16, 19, 4), "num_classes": 0})
    assert np.isfinite(run(headless, random(1, 16, 19, 4))).all()
    assert len(headless.output_shape) == 2
    assert "head" not in {layer.name for layer in headless.layers}
