"""Receptive fields: equal to brute force on small graphs of every kind, and the values that papers and closed forms give."""

import random

import keras
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

import kzoo
from kzoo.analysis import Facts, input_window, rule
from kzoo.analysis.sight import survey_model
from kzoo.errors import ArgumentError
from kzoo.layers import BlurPool, LinearUpsampling, PixelShuffle

from .brute_force import check_fields


UPSAMPLINGS = ["transposed_conv", "nearest", "bilinear", "pixel_shuffle"]
DOWNSAMPLINGS = ["max_pool", "avg_pool", "strided_conv", "blur_pool"]


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
@pytest.mark.parametrize("downsampling", DOWNSAMPLINGS)
def test_unet_equals_brute_force(downsampling, upsampling):
    check_fields(
        kzoo.build_unet(
            input_shape=(160, 1),
            num_classes=1,
            filters=2,
            depth=2,
            downsampling=downsampling,
            upsampling=upsampling,
            classifier_activation=None,
        )
    )


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((96, 72, 1), {"depth": 1, "kernel_size": [(3, 5), (1, 3)], "strides": [(3, 2)]}),
        ((48, 42, 1), {"depth": 1, "upsampling": "bilinear", "strides": 3}),
        ((106, 110, 1), {"depth": 2, "padding": "valid", "blocks": 1}),
        ((20, 24, 24, 1), {"depth": 1, "strides": [(1, 2, 2)], "kernel_size": [(1, 3, 3), 3], "blocks": 1}),
        ((24, 24, 24, 1), {"depth": 1, "upsampling": "bilinear", "blocks": 1, "downsampling": "blur_pool"}),
        ((64, 64, 1), {"depth": 2, "skip": "add", "blocks": 1, "normalization": "batch"}),
        ((64, 64, 1), {"depth": 2, "skip": "none", "blocks": 1, "downsampling": "strided_conv"}),
    ],
)
def test_unet_of_any_rank_and_shape_equals_brute_force(shape, options):
    check_fields(kzoo.build_unet(input_shape=shape, num_classes=1, filters=2, classifier_activation=None, **options))


def window_layer(rng: random.Random):
    """A random layer that looks at a window, in one dimension."""
    kernel, dilation, padding = rng.choice([1, 2, 3, 5]), rng.choice([1, 1, 2, 3]), rng.choice(["same", "valid"])
    stride = 1 if dilation > 1 else rng.choice([1, 1, 2, 3])
    return rng.choice(
        [
            lambda: layers.Conv1D(2, kernel, stride, padding, dilation_rate=dilation),
            lambda: layers.Conv1D(2, kernel, stride, "causal", groups=2),
            lambda: layers.DepthwiseConv1D(kernel, stride, padding),
            lambda: layers.SeparableConv1D(2, kernel, stride, padding),
            lambda: layers.MaxPooling1D(kernel, stride, padding),
            lambda: layers.AveragePooling1D(kernel, stride, padding),
            lambda: BlurPool(2, kernel_size=rng.choice([2, 3, 5])),
            lambda: layers.ZeroPadding1D((rng.randint(0, 3), rng.randint(0, 3))),
            lambda: layers.Cropping1D((rng.randint(0, 3), rng.randint(0, 3))),
        ]
    )()


def up_layer(rng: random.Random):
    """A random up-sampling, in one dimension."""
    stride = rng.choice([2, 3])
    return rng.choice(
        [
            lambda: layers.Conv1DTranspose(2, rng.choice([1, 2, 3, 4, 5]), stride, rng.choice(["same", "valid"])),
            lambda: layers.Conv1DTranspose(2, 3, 1, dilation_rate=2),
            lambda: layers.UpSampling1D(stride),
            lambda: LinearUpsampling(stride),
            lambda: PixelShuffle(2),
        ]
    )()


def random_graph(rng: random.Random) -> keras.Model:
    """Windows, up-samplings, residual and dense branches in random order; twice as many windows as up-samplings."""
    x = inputs = keras.Input((360, 2))
    for _ in range(rng.randint(3, 6)):
        kind = rng.choice(["window", "window", "up", "residual", "dense"])
        if kind == "residual":
            y = layers.Conv1D(2, rng.choice([3, 5]), padding="same", dilation_rate=rng.choice([1, 2]), activation="relu")(x)
            x = layers.Add()([x, layers.BatchNormalization()(y)])
        elif kind == "dense":
            y = layers.Conv1D(2, 3, padding="same")(x)
            x = layers.Concatenate()([x, layers.Dropout(0.5)(y)])
            x = layers.Conv1D(2, 1)(x)
        else:
            x = layers.Dense(2)(window_layer(rng)(x) if kind == "window" else up_layer(rng)(x))
    return keras.Model(inputs, x)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6))
def test_random_graphs_equal_brute_force(seed):
    model = random_graph(random.Random(seed))
    if model.output_shape[1] >= 3:
        check_fields(model, count=min(12, model.output_shape[1] // 3))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_interpolation_reads_no_farther_than_predicted(interpolation, factor):
    """Cubic and Lanczos weights are negative in places, so that only the hull of non-zero answers can be compared."""
    if keras.config.backend() == "torch" and interpolation.startswith("lanczos"):
        pytest.skip("Keras has no Lanczos interpolation on torch")
    inputs = keras.Input((24, 24, 1))
    model = keras.Model(inputs, layers.UpSampling2D(factor, interpolation=interpolation)(inputs))
    found = survey_model(model)
    field = found.sights[found.graph.outputs[0]].views[0].fields[0]
    for position, window in _nonzero_windows(model, range(11 * factor, 13 * factor)).items():
        assert field.window(position) == window


def _nonzero_windows(model, positions):
    import numpy as np

    size = model.input_shape[1]
    lines = np.eye(size, dtype=np.float32)[:, :, None, None] * np.ones((1, 1, size, 1), np.float32)
    answers = keras.ops.convert_to_numpy(model(lines))
    depends = np.abs(answers).max(axis=(2, 3)) > 1e-5
    return {p: (int(np.flatnonzero(depends[:, p])[0]), int(np.flatnonzero(depends[:, p])[-1])) for p in positions}


def test_position_of_a_layer_is_mapped_to_its_window():
    model = kzoo.build_unet(input_shape=(572, 572, 1), num_classes=2, filters=2, padding="valid")
    assert input_window(model, (0, 0)) == ((0, 187), (0, 187))
    assert input_window(model, (387, 0))[0] == (572 - 188, 571)
    assert input_window(model, (0, 0), layer="bottleneck_conv2") == ((0, 139), (0, 139))


def test_window_may_reach_outside_the_input():
    model = keras.Sequential([keras.Input((9, 1)), layers.Conv1D(1, 5, padding="same")])
    assert input_window(model, (0,)) == ((-2, 2),)
    assert input_window(model, (8,)) == ((6, 10),)


def test_behind_a_global_operation_the_window_is_the_whole_input():
    model = kzoo.build_cnn(input_shape=(28, 20, 1), num_classes=10, filters=2)
    assert input_window(model, ()) == ((0, 27), (0, 19))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((0, 0), "nowhere"), "layer: expected the name of a layer of sequential"),
        (((0,),), r"position: expected one index per spatial axis \(2\)"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    model = keras.Sequential([keras.Input((9, 9, 1)), layers.Conv2D(1, 3)], name="sequential")
    with pytest.raises(ArgumentError, match=words):
        input_window(model, *arguments)


class Strange(layers.Layer):
    def call(self, x):
        return x


def test_nothing_is_known_behind_a_layer_without_a_rule():
    model = keras.Sequential([keras.Input((9, 9, 1)), layers.Conv2D(1, 3, name="before"), Strange(name="strange"), layers.Conv2D(1, 3)])
    assert input_window(model, (0, 0), layer="before") == ((0, 2), (0, 2))
    with pytest.raises(ArgumentError, match=r"model: expected layers that can be followed. Received: strange. Teach a kind of layer"):
        input_window(model, (0, 0))


class Wide(layers.Layer):
    def call(self, x):
        return x


def test_a_rule_with_a_wrong_number_of_moves_is_named():
    from kzoo.analysis import Window

    rule(Wide)(lambda _: Facts(moves=(Window(3),)))
    model = keras.Sequential([keras.Input((9, 9, 1)), Wide(name="wide")])
    with pytest.raises(ArgumentError, match=r"rule: expected one move per spatial axis \(2\) of layer wide. Received: 1"):
        input_window(model, (0, 0))


def test_squeeze_and_excitation_is_global_and_keeps_the_local_field():
    inputs = keras.Input((32, 32, 4))
    x = layers.Conv2D(4, 3, padding="same")(inputs)
    gate = layers.GlobalAveragePooling2D(name="squeeze")(x)
    gate = layers.Dense(4, activation="sigmoid")(layers.Reshape((1, 1, 4))(gate))
    x = layers.Conv2D(4, 3, padding="same")(layers.Multiply()([x, gate]))
    field = kzoo.profile(keras.Model(inputs, x)).receptive_field
    assert field.global_by == "squeeze"
    assert field.largest == (5, 5)


@pytest.mark.parametrize(
    "layer",
    [
        layers.GroupNormalization(groups=-1, name="all"),
        layers.LayerNormalization(axis=(1, 2, 3), name="all"),
        layers.Softmax(axis=1, name="all"),
    ],
)
def test_statistics_over_positions_are_global(layer):
    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(2, 3), layer, layers.Conv2D(2, 3)])
    field = kzoo.profile(model).receptive_field
    assert (field.global_by, field.largest) == ("all", (5, 5))


@pytest.mark.parametrize("layer", [layers.LayerNormalization(), layers.BatchNormalization(), layers.Softmax(), layers.UnitNormalization()])
def test_statistics_over_channels_are_local(layer):
    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(2, 3), layer])
    assert not kzoo.profile(model).receptive_field.is_global


def test_branches_that_are_not_centred_on_the_same_pixel_are_named():
    """An even size, halved by a window of 3 with `same` padding, pads on one side only: its centre is one pixel off."""
    inputs = keras.Input((32, 1))
    a = layers.Conv1D(1, 3, strides=2, padding="same", name="a")(inputs)
    b = layers.Conv1D(1, 1, strides=2, name="b")(inputs)
    profile = kzoo.profile(keras.Model(inputs, layers.Add(name="sum")([a, b])))
    assert not profile.aligned
    assert profile.misaligned[0] == ("sum", ("a", "b"), 0, 1.0)
    assert "sum joins branches that are not aligned: a and b are 1 input pixels apart" in profile.warnings[0]


def test_branches_of_an_odd_size_are_aligned():
    inputs = keras.Input((33, 1))
    a = layers.Conv1D(1, 3, strides=2, padding="same")(inputs)
    b = layers.Conv1D(1, 1, strides=2)(inputs)
    assert kzoo.profile(keras.Model(inputs, layers.Add()([a, b]))).aligned


def test_permuted_axes_are_followed():
    inputs = keras.Input((32, 48, 2))
    x = layers.Conv2D(2, (3, 5))(inputs)
    x = layers.Conv2D(2, (7, 1))(layers.Permute((2, 1, 3))(x))
    profile = kzoo.profile(keras.Model(inputs, x))
    assert profile.receptive_field.largest == (3, 11)


def test_channels_first():
    model = keras.Sequential(
        [
            keras.Input((3, 32, 40)),
            layers.Conv2D(4, (3, 5), strides=2, data_format="channels_first"),
            layers.MaxPooling2D(2, data_format="channels_first"),
        ]
    )
    profile = kzoo.profile(model)
    assert profile.receptive_field.largest == (5, 7)
    assert profile.receptive_field.stride == (4, 4)
    assert profile.macs == 15 * 18 * 15 * 3 * 4
    assert str(profile.legal_sizes[0]) == "n >= 5"


def test_width_does_not_change_the_field():
    fields = [kzoo.profile(kzoo.build_unet(input_shape=(64, 64, 1), num_classes=1, filters=f)).receptive_field for f in (1, 3)]
    assert fields[0] == fields[1]
