"""What a model sees and has learned: effective fields, their pictures, filters and feature maps."""

import keras
import numpy as np
import pytest
from keras import layers
from skimage.io import imsave

from kzoo import (
    ArgumentError,
    InputError,
    build_cnn,
    build_unet,
    draw_receptive_field,
    plot_feature_maps,
    plot_filters,
    shift_consistency,
)
from kzoo.analysis import effective_field, input_window
from kzoo.analysis.drawing.images import fitting_image
from kzoo.analysis.gradient import input_gradient
from kzoo.analysis.part import Part
from kzoo.stack import ops


def one_kernel(kernel, **options):
    """One linear convolution with given weights over an image of 8 x 8."""
    inputs = keras.Input((8, 8, kernel.shape[2]))
    layer = layers.Conv2D(kernel.shape[3], kernel.shape[:2], padding="same", use_bias=False, name="conv", **options)
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([kernel])
    return model


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_the_gradient_of_a_product_is_the_matrix():
    matrix = images(3, 2)
    inputs = keras.Input((3,))
    layer = layers.Dense(2, use_bias=False)
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([matrix])
    weights = np.array([[1.0, 0.0], [2.0, -1.0]])
    np.testing.assert_allclose(input_gradient(model, images(2, 3), weights), weights @ matrix.T, rtol=1e-6)


def test_a_disconnected_output_has_no_gradient():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, inputs * 0 + 1)
    assert not input_gradient(model, images(1, 2), np.ones((1, 2))).any()


def test_the_effective_field_of_one_convolution_is_its_kernel():
    kernel = np.array([[1, -2, 3], [4, -5, 6], [-7, 8, 0]], "float32")
    field = effective_field(one_kernel(kernel[..., None, None]), images(3, 8, 8, 1), (4, 3))
    expected = np.zeros((8, 8))
    expected[3:6, 2:5] = np.abs(kernel) / 8
    np.testing.assert_allclose(field, expected, atol=1e-6)


def test_input_channels_are_added():
    kernel = np.zeros((1, 1, 2, 1), "float32")
    kernel[0, 0] = [[3.0], [-1.0]]
    inputs = images(2, 8, 8, 2)
    gradient = effective_field(one_kernel(kernel), inputs, (0, 7))
    assert gradient[0, 7] == 1
    assert gradient.sum() == 1


def test_a_saturated_softmax_does_not_hide_the_field():
    kernel = np.zeros((1, 1, 1, 2), "float32")
    kernel[..., 0] = 1000
    model = one_kernel(kernel, activation="softmax")
    inputs = np.full((2, 8, 8, 1), 5.0, "float32")
    before = ops.convert_to_numpy(model(inputs))
    assert effective_field(model, inputs, (2, 3))[2, 3] == 1
    np.testing.assert_array_equal(ops.convert_to_numpy(model(inputs)), before)


@pytest.mark.parametrize("position", [(0, 0), (7, 9), (15, 15)])
def test_the_effective_field_lies_within_the_theoretical_one(position):
    keras.utils.set_random_seed(0)
    model = build_unet(input_shape=(16, 16, 1), num_classes=3, filters=4, depth=1, blocks=1, activation="linear")
    rows, columns = np.nonzero(effective_field(model, images(4, 16, 16, 1), position))
    for found, (first, last) in zip((rows, columns), input_window(model, position), strict=True):
        assert (found.min(), found.max()) == (max(first, 0), min(last, 15))


def rectangle(figure):
    return next(patch for patch in figure.axes[0].patches if patch.get_gid() == "theoretical-field")


def test_the_picture_frames_the_theoretical_field():
    model = build_unet(input_shape=(64, 64, 1), num_classes=2, filters=2, depth=1)
    (top, bottom), (left, right) = input_window(model, (20, 33))
    frame = rectangle(draw_receptive_field(model, position=(20, 33)))
    assert frame.get_xy() == (left - 0.5, top - 0.5)
    assert (frame.get_width(), frame.get_height()) == (right - left + 1, bottom - top + 1)
    assert frame.get_label() == f"theoretical field: {bottom - top + 1}×{right - left + 1} pixels"


def test_a_frame_that_leaves_the_image_is_shown_whole():
    figure = draw_receptive_field(build_unet(input_shape=(32, 32, 1), num_classes=2, filters=2, depth=2), position=(0, 0))
    axis, frame = figure.axes[0], rectangle(figure)
    assert axis.get_xlim()[0] < frame.get_x() < 0
    assert axis.get_ylim()[1] < frame.get_y() < 0


def test_a_classifier_is_seen_from_its_last_map():
    figure = draw_receptive_field(build_cnn(input_shape=(32, 32, 1), num_classes=4, filters=4))
    assert figure.axes[0].get_title() == "position 4, 4 of stage2_down, 8×8"


def test_a_layer_can_be_named():
    model = build_cnn(input_shape=(32, 32, 1), num_classes=4, filters=4)
    frame = rectangle(draw_receptive_field(model, layer="stage1_conv1", position=(5, 6)))
    assert (frame.get_xy(), frame.get_width()) == ((4.5, 3.5), 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"position": (32, 0)}, "position: expected one index per spatial axis (0 to 31, 0 to 31). Received: (32, 0)."),
        ({"position": (1,)}, "position: expected one index per spatial axis (0 to 31, 0 to 31). Received: (1,)."),
        ({"layer": "encodr1_conv1"}, "layer: expected the name of a layer of unet. Received: encodr1_conv1. Did you mean encoder1_conv1?"),
        ({"image": np.zeros((4, 4, 4, 4))}, "image: expected (rows, columns) or (rows, columns, channels). Received: shape (4, 4, 4, 4)."),
        ({"image": np.zeros((4, 4, 5))}, "image: expected 1 channels, as the model takes. Received: 5."),
    ],
)
def test_wrong_arguments_are_named(settings, message):
    with pytest.raises(ArgumentError) as error:
        draw_receptive_field(build_unet(input_shape=(32, 32, 1), num_classes=2, filters=2, depth=1), **settings)
    assert str(error.value) == message


def test_volumes_are_refused():
    with pytest.raises(ArgumentError, match=r"model: expected one input of"):
        draw_receptive_field(build_unet(input_shape=(8, 8, 8, 1), num_classes=2, filters=2, depth=1))


@pytest.mark.parametrize(("channels", "shape"), [(1, (20, 30)), (3, (20, 30)), (1, (20, 30, 3)), (3, (20, 30, 4))])
def test_images_become_what_the_model_takes(channels, shape, tmp_path):
    model = build_unet(input_shape=(16, 16, channels), num_classes=2, filters=2, depth=1)
    pixels = np.full(shape, 51, np.uint8)
    imsave(tmp_path / "a.png", pixels, check_contrast=False)
    for image in (pixels, tmp_path / "a.png"):
        found = fitting_image(model, image)
        assert found.shape == (16, 16, channels)
        np.testing.assert_allclose(found, 0.2, atol=1e-6)


def test_without_fixed_sizes_an_image_is_cut_to_a_legal_one():
    model = build_unet(input_shape=(None, None, 1), num_classes=2, filters=2, depth=2, padding="valid")
    image = images(70, 75)
    np.testing.assert_array_equal(fitting_image(model, image)[..., 0], image[1:69, 1:73])


def test_a_file_that_is_no_image_is_refused(tmp_path):
    file = tmp_path / "a.png"
    file.write_text("no image")
    with pytest.raises(InputError, match="cannot be read as an image"):
        fitting_image(build_cnn(input_shape=(8, 8, 1), num_classes=2), file)


def test_filters_are_shown_from_their_smallest_to_their_largest_weight():
    kernel = np.stack([np.arange(9.0), -10 * np.arange(9.0)], axis=-1).reshape(3, 3, 1, 2)
    shown = [np.asarray(axis.images[0].get_array()) for axis in plot_filters(one_kernel(kernel)).axes]
    np.testing.assert_allclose(shown[0], np.arange(9).reshape(3, 3) / 8)
    np.testing.assert_allclose(shown[1], 1 - shown[0])


def test_filters_over_three_channels_are_in_colour():
    kernel = images(5, 5, 3, 4)
    figure = plot_filters(one_kernel(kernel))
    assert figure.get_suptitle() == "conv: 4 filters of 5×5"
    assert [np.asarray(axis.images[0].get_array()).shape for axis in figure.axes] == [(5, 5, 3)] * 4


def test_depthwise_filters_are_shown_one_by_one():
    inputs = keras.Input((8, 8, 6))
    assert len(plot_filters(keras.Model(inputs, layers.DepthwiseConv2D(3)(inputs))).axes) == 6


def test_feature_maps_are_those_of_the_layer():
    model, image = one_kernel(images(3, 3, 1, 5)), images(8, 8)
    maps = ops.convert_to_numpy(model(image[None, ..., None]))[0]
    figure = plot_feature_maps(model, image, count=3)
    assert len(figure.axes) == 3
    for number, axis in enumerate(figure.axes):
        expected = (maps[..., number] - maps[..., number].min()) / np.ptp(maps[..., number])
        np.testing.assert_allclose(np.asarray(axis.images[0].get_array()), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: plot_filters(m, "flatten"), "layer: expected a 2-D convolution. Received: flatten, a Flatten."),
        (
            lambda m: plot_feature_maps(m, layer="head"),
            "layer: expected a layer whose output has positions. Received: head, whose shape is (4,).",
        ),
        (lambda m: plot_feature_maps(m, count=0), "count: expected an integer of at least 1. Received: 0."),
    ],
)
def test_layers_without_maps_are_refused(call, message):
    with pytest.raises(ArgumentError) as error:
        call(build_cnn(input_shape=(16, 16, 1), num_classes=4, filters=2))
    assert str(error.value) == message


def nested():
    """A convolution and a network of two more inside the network: fields of 3, 5 and 9 pixels."""
    inner = keras.Input((16, 16, 4))
    x = layers.Conv2D(5, 3, padding="same", activation="relu", name="cc")(inner)
    inside = keras.Model(inner, layers.Conv2D(2, 5, padding="same", name="dd")(x), name="s")
    inputs = keras.Input((16, 16, 1))
    return keras.Model(inputs, layers.Dropout(0.5)(inside(layers.Conv2D(4, 3, padding="same", name="first")(inputs)))), inside


def test_layers_of_nested_models_have_the_names_of_the_profile():
    model, inside = nested()
    image = images(16, 16)
    maps = inside.get_layer("cc")(model.get_layer("first")(image[None, ..., None]))
    shown = plot_feature_maps(model, image, "s/cc")
    assert shown.get_suptitle() == "s/cc: 5 maps of 16×16"
    for number, axis in enumerate(shown.axes):
        expected = ops.convert_to_numpy(maps)[0, ..., number]
        np.testing.assert_allclose(axis.images[0].get_array(), (expected - expected.min()) / np.ptp(expected), atol=1e-5)
    assert plot_filters(model, "s/cc").get_suptitle() == "s/cc: 5 filters of 3×3"
    assert plot_feature_maps(model, image, "s").get_suptitle() == "s/dd: 2 maps of 16×16"
    assert rectangle(draw_receptive_field(model, image, layer="s/cc")).get_width() == 5
    assert rectangle(draw_receptive_field(model, image, layer="s")).get_width() == 9


def test_the_first_convolution_may_be_inside_a_nested_model():
    _, inside = nested()
    inputs = keras.Input((16, 16, 4))
    assert plot_filters(keras.Model(inputs, inside(inputs))).get_suptitle() == "s/cc: 5 filters of 3×3"


@pytest.mark.parametrize(
    "model",
    [
        lambda: nested()[0],
        lambda: build_unet(
            input_shape=(16, 16, 1), num_classes=2, filters=2, depth=2, normalization="batch", dropout=0.5, skip="attention"
        ),
        lambda: build_unet(input_shape=(16, 16, 1), num_classes=1, filters=2, depth=1, downsampling="blur_pool", padding="same"),
        lambda: keras.applications.MobileNetV3Small(input_shape=(32, 32, 3), weights=None, include_top=False),
    ],
)
def test_a_part_computes_what_the_model_does(model):
    model = model()
    inputs = images(2, *model.input_shape[1:])
    expected = ops.convert_to_numpy(model(inputs, training=False))
    np.testing.assert_allclose(ops.convert_to_numpy(Part.of(model)(inputs)), expected, rtol=1e-5, atol=1e-5)
    assert Part.of(model).output_shape(inputs.shape) == expected.shape


def saturated(shape, dtype=None):
    return ops.reshape(ops.convert_to_tensor([1000.0, 0.0], dtype), shape)


class Guarded(layers.Conv2D):
    """A convolution whose activation nobody may set once it is built."""

    def __setattr__(self, name, value):
        assert name != "activation" or not getattr(self, "built", False)
        super().__setattr__(name, value)


def test_the_layers_of_the_model_are_left_alone():
    """The softmax of the convolution would saturate; a second output comes last in the model."""
    inputs = keras.Input((8, 8, 1))
    layer = Guarded(2, 1, activation="softmax", kernel_initializer=saturated)
    x = layer(inputs)
    model = keras.Model(inputs, [x, layers.Conv2D(1, 1)(x)])
    field = effective_field(model, np.full((2, 8, 8, 1), 5.0, "float32"), (2, 3))
    assert (field[2, 3], field.sum()) == (1, 1)
    assert layer.activation is keras.activations.softmax
    assert layer.output is x


def two_inputs():
    inputs = [keras.Input((16, 16, 1), name=name) for name in "ab"]
    return keras.Model(inputs, layers.Conv2D(2, 3, name="last")(layers.Concatenate()(inputs)))


def channels_first():
    inputs = keras.Input((2, 40, 40))
    return keras.Model(inputs, layers.Conv2D(6, 3, data_format="channels_first")(inputs), name="first")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (two_inputs, "model: expected one input. Received: 2, a, b."),
        (channels_first, "model: expected channels_last. Received: first, which is channels_first."),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda model: shift_consistency(model, images(1, 16, 16, 1)),
        lambda model: plot_feature_maps(model),
        lambda model: plot_feature_maps(model, layer="last"),
        lambda model: draw_receptive_field(model),
        lambda model: effective_field(model, images(1, 16, 16, 1)),
    ],
)
def test_models_that_do_not_take_one_image_are_refused(model, message, call):
    with pytest.raises(ArgumentError) as error:
        call(model())
    assert str(error.value) == message


def test_filters_do_not_depend_on_the_inputs():
    assert len(plot_filters(two_inputs()).axes) == 2
    assert len(plot_filters(channels_first()).axes) == 6
