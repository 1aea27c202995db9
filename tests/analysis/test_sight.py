"""Receptive fields: equal to brute force on small graphs of every kind, and the values that papers and closed forms give."""

from math import ceil, prod

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

import kzoo
from kzoo.analysis import Facts, input_window, legal_sizes, rule
from kzoo.analysis.sight import survey_model
from kzoo.errors import ArgumentError
from kzoo.layers import BlurPool, LinearUpsampling, PixelShuffle
from kzoo.stack import config, ops

from ..models.cells import CELLS
from .brute_force import check_fields

DENSE = [cell for cell in CELLS if "max_unpool" not in cell]
"""The cells of which every path has a gradient: unpooling passes only those at the maxima."""


@pytest.mark.parametrize(("downsampling", "upsampling"), DENSE)
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


def layer_of(name: str, rank: int, *arguments, **options):
    """A layer of Keras by its name without the rank."""
    return getattr(layers, name.format(rank))(*arguments, **options)


@st.composite
def windows(draw, rank: int):
    """A layer that looks at a window, of other kernels, strides and dilations along each axis."""

    def per_axis(*values):
        return draw(st.tuples(*[st.sampled_from(values)] * rank))

    kernel, stride, dilation = per_axis(1, 2, 3), per_axis(1, 1, 2, 3), per_axis(1, 2, 3)
    options = {"padding": draw(st.sampled_from(["same", "valid"]))}
    kinds = ["Conv{}D", "dilated", "MaxPooling{}D", "AveragePooling{}D", "ZeroPadding{}D", "Cropping{}D", "blur"]
    kind = draw(st.sampled_from(kinds + ["DepthwiseConv{}D", "SeparableConv{}D"] * (rank < 3) + ["causal"] * (rank == 1)))
    if kind == "blur":
        return lambda x: BlurPool(stride, kernel_size=max(kernel) + 1)(x)
    if kind == "dilated":
        return lambda x: layer_of("Conv{}D", rank, x.shape[-1], kernel, dilation_rate=dilation, **options)(x)
    if kind == "causal":
        return lambda x: layers.Conv1D(x.shape[-1], kernel, stride, "causal")(x)
    if kind in ("ZeroPadding{}D", "Cropping{}D"):
        margins = tuple(zip(per_axis(0, 1, 2), per_axis(0, 1, 2), strict=True))
        return lambda x: layer_of(kind, rank, margins if rank > 1 else margins[0])(x)
    if kind in ("Conv{}D", "SeparableConv{}D"):
        return lambda x: layer_of(kind, rank, x.shape[-1], kernel, stride if kind == "Conv{}D" else max(stride), **options)(x)
    return lambda x: layer_of(kind, rank, kernel, max(stride) if kind == "DepthwiseConv{}D" else stride, **options)(x)


@st.composite
def up_samplings(draw, rank: int):
    stride = draw(st.tuples(*[st.sampled_from([1, 2, 3])] * rank))
    kernel = draw(st.tuples(*[st.sampled_from([1, 2, 3, 4])] * rank))
    padding = draw(st.sampled_from(["same", "valid"]))
    return draw(
        st.sampled_from(
            [
                lambda x: layer_of("Conv{}DTranspose", rank, x.shape[-1], kernel, stride, padding)(x),
                lambda x: layer_of("UpSampling{}D", rank, stride if rank > 1 else stride[0])(x),
                lambda x: LinearUpsampling(stride)(x),
                lambda x: PixelShuffle(stride)(layer_of("Conv{}D", rank, prod(stride), 1)(x)),
            ]
        )
    )


@st.composite
def branches(draw, rank: int):
    """A residual or a dense connection around a convolution, dilated or not."""
    kernel = draw(st.tuples(*[st.sampled_from([1, 3])] * rank))
    dilation = draw(st.tuples(*[st.sampled_from([1, 2])] * rank))
    join = draw(st.sampled_from([layers.Add, layers.Concatenate]))

    def block(x):
        y = layer_of("Conv{}D", rank, x.shape[-1], kernel, padding="same", dilation_rate=dilation, activation="relu")(x)
        return join()([x, layers.BatchNormalization()(y)])

    return block


@st.composite
def graphs(draw, rank: int):
    """A function from sizes and a width to a model: windows, an up-sampling and branches in any order."""
    window, branch = windows(rank), branches(rank)
    blocks = draw(st.lists(st.one_of(window, window, branch), min_size=1, max_size=5 - rank))
    blocks.insert(draw(st.integers(0, len(blocks))), draw(st.one_of(up_samplings(rank), branch)))

    def build(sizes, width=2):
        x = inputs = keras.Input((*sizes, 2))
        for block in blocks:
            x = layers.Dense(width)(block(x))
        return keras.Model(inputs, x)

    return build


@pytest.mark.parametrize("options", [{}, {"padding": "valid"}, {"strides": 3}])
def test_unpooling_sees_what_a_pixel_shuffle_sees(options):
    """Both convolve, then give one position to each of a window."""
    size = 88 if options else 64
    found = []
    for upsampling in ("max_unpool", "pixel_shuffle"):
        model = kzoo.build_unet(input_shape=(None, 1), num_classes=1, filters=4, depth=2, upsampling=upsampling, **options)
        found.append([input_window(model, (position,)) for position in range(size // 4)])
    assert found[0] == found[1]


@st.composite
def unets(draw, rank: int):
    """A function from sizes and a width to a U-Net."""

    def per_axis(values):
        return [draw(st.tuples(*[st.sampled_from(values)] * rank))]

    padding = draw(st.sampled_from(["same", "same", "valid"]))
    downsampling, upsampling = draw(st.sampled_from(DENSE))
    strides = per_axis([1, 2, 3]) if rank > 1 else draw(st.sampled_from([2, 3]))
    divides = strides != [(1,) * rank]
    options = {
        "depth": 1,
        "blocks": 1,
        "strides": strides,
        "kernel_size": [*per_axis([1, 3] if padding == "same" else [1, 2, 3]), *per_axis([3])],
        "downsampling": downsampling,
        "upsampling": upsampling,
        "upsampling_kernel": draw(st.sampled_from([None, 3])) if divides else None,
        "skip": draw(st.sampled_from(["concat", "add"])),
        "padding": padding,
    }
    shared = {"num_classes": 1, "classifier_activation": None, **options}
    return lambda sizes, width=2: kzoo.build_unet(input_shape=(*sizes, 2), filters=width, **shared)


def check_graph(build, rank: int, extra: int) -> None:
    """Along one axis after the other, the input is made large enough to hold the fields in the middle; the others hold one field."""
    free = build((None,) * rank)
    field, legal = kzoo.profile(free).receptive_field, legal_sizes(free)
    enough = [size + 2 * ceil(stride) for size, stride in zip(field.largest, field.stride, strict=True)]
    for axis in range(rank):
        sizes = [2 * size + 12 + extra if other == axis else size for other, size in enumerate(enough)]
        shape = [known.nearest(size)[-1] for known, size in zip(legal, sizes, strict=True)]
        check_fields(build(shape), count=4, axes=range(axis, axis + 1))


SEARCH = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("rank", [1, 2, 3])
@SEARCH
@given(st.data(), st.integers(0, 5))
def test_random_graphs_equal_brute_force(rank, data, extra):
    check_graph(data.draw(graphs(rank)), rank, extra)


@pytest.mark.parametrize("rank", [1, 2, 3])
@SEARCH
@given(st.data(), st.integers(0, 5))
def test_random_unets_equal_brute_force(rank, data, extra):
    check_graph(data.draw(unets(rank)), rank, extra)


@SEARCH
@given(st.data(), st.integers(1, 3), st.integers(3, 6), st.integers(0, 40))
def test_the_width_changes_no_field_and_the_size_no_parameters(data, rank, width, extra):
    build = data.draw(st.one_of(graphs(rank), unets(rank)))
    free = build((None,) * rank)
    wide = build((None,) * rank, width)
    assert kzoo.profile(wide).receptive_field == kzoo.profile(free).receptive_field
    assert wide.count_params() > free.count_params()
    model = build([legal.nearest(legal.smallest + extra)[-1] for legal in legal_sizes(free)])
    assert kzoo.profile(model).total == kzoo.profile(free).total == model.count_params()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_interpolation_reads_no_farther_than_predicted(interpolation, factor):
    """Cubic and Lanczos weights are negative in places, so that only the hull of non-zero answers can be compared."""
    if config.backend() == "torch" and interpolation.startswith("lanczos"):
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
    answers = ops.convert_to_numpy(model(lines))
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


def dense_over_rows(x):
    """To (columns, channels, rows), a dense layer, and back."""
    return layers.Permute((3, 1, 2))(layers.Dense(16)(layers.Permute((2, 3, 1))(x)))


ROWS = {
    "dense": dense_over_rows,
    "mean": lambda x: x + ops.mean(x, axis=1, keepdims=True),
    "normalization": layers.LayerNormalization(axis=1, epsilon=1.0, scale=False, center=False),
    "squeezed": lambda x: ops.mean(x, axis=1),
}


@pytest.mark.parametrize("over_rows", ROWS.values(), ids=ROWS)
def test_a_layer_over_all_rows_leaves_the_columns_local(over_rows):
    """Windows as the gradient of a real run has them."""
    inputs = keras.Input((16, 8, 4))
    model = keras.Model(inputs, over_rows(layers.Conv2D(4, 3, padding="same")(inputs)))
    position = (3, 3)[: len(model.output_shape) - 2]
    assert input_window(model, position) == ((0, 15), (2, 4)) == seen_by(model, position)
    with pytest.raises(ArgumentError, match="position: expected one index per spatial axis"):
        input_window(model, (*position, 0))


def seen_by(model: keras.Model, position: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """First and last row and column of the pixels that change one position of the answer when they are changed, one at a time."""
    rows, columns, channels = model.input_shape[1:]
    image = np.random.default_rng(1).normal(size=(1, rows, columns, channels)).astype("float32")
    changed = np.repeat(image, rows * columns, axis=0)
    for number in range(rows * columns):
        changed[number, number // columns, number % columns] += 1
    before, after = (np.asarray(model(x, training=False))[(slice(None), *position)] for x in (image, changed))
    seen = np.argwhere(np.abs(after - before).max(-1).reshape(rows, columns) > 1e-5)
    return tuple((int(low), int(high)) for low, high in zip(seen.min(0), seen.max(0), strict=True))
