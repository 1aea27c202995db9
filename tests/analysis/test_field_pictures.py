"""What a model sees and has learned: effective fields, their pictures, filters and feature maps."""

import keras
import numpy as np
import pytest
from keras import layers
from skimage.io import imsave

from kzoo import ArgumentError, InputError, build_cnn, build_unet, draw_receptive_field, plot_feature_maps, plot_filters
from kzoo.analysis import effective_field, input_window
from kzoo.analysis.drawing.images import fitting_image
from kzoo.analysis.gradient import input_gradient


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
    before = keras.ops.convert_to_numpy(model(inputs))
    assert effective_field(model, inputs, (2, 3))[2, 3] == 1
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(inputs)), before)


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
    maps = keras.ops.convert_to_numpy(model(image[None, ..., None]))[0]
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
