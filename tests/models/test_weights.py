"""Weights from files, matched by the names of layers, and what is adapted."""

import importlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import h5py
import keras
import numpy as np
import pytest

from kzoo import ArgumentError, InputError, build_preset, build_unet, build_vgg, describe, save
from kzoo.models import load_weights
from kzoo.models.weights import find_application
from kzoo.stack import KERAS_3

from .cells import random, run, scramble
from .keras_twins import randomized

OLD_FORMAT = importlib.import_module("keras.src.legacy.saving.legacy_h5_format" if KERAS_3 else "keras.src.saving.legacy.hdf5_format")
"""That of the files that keras.applications downloads."""

NAME = "resnet20_cifar"
SMALL = {"input_shape": (32, 32, 3), "filters": 4}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network with random weights everywhere, its `.keras` file and its `.weights.h5` file."""
    folder = tmp_path_factory.mktemp("weights")
    model = scramble(build_preset(NAME, **SMALL))
    save(model, folder / "trained.keras")
    model.save_weights(folder / "trained.weights.h5")
    return model, str(folder / "trained.keras"), str(folder / "trained.weights.h5")


@pytest.mark.parametrize("kind", [1, 2], ids=["keras", "weights.h5"])
def test_a_file_of_the_same_network(trained, kind):
    model = build_preset(NAME, **SMALL, weights=trained[kind])
    x = random(2, 32, 32, 3)
    np.testing.assert_array_equal(run(model, x), run(trained[0], x))
    assert describe(model).hash == describe(trained[0]).hash
    assert describe(model).arguments["weights"] == trained[kind]


def test_other_classes_sizes_and_no_head(trained):
    """The head is new, everything else is what it was."""
    model = build_preset(NAME, **{**SMALL, "input_shape": (40, 28, 3)}, num_classes=4, weights=trained[1])
    for layer in model.layers:
        if layer.weights and layer.name != "head":
            for found, expected in zip(layer.get_weights(), trained[0].get_layer(layer.name).get_weights(), strict=True):
                np.testing.assert_array_equal(found, expected)
    bare = build_preset(NAME, **SMALL, num_classes=0, weights=trained[1])
    vector = keras.Model(trained[0].inputs, trained[0].get_layer("pool").output)
    x = random(2, 32, 32, 3)
    np.testing.assert_array_equal(run(bare, x), run(vector, x))


def test_one_channel_answers_to_grey_images_as_three_did(trained):
    grey = build_preset(NAME, **{**SMALL, "input_shape": (32, 32, 1)}, weights=trained[1])
    x = random(2, 32, 32, 1)
    np.testing.assert_allclose(run(grey, x), run(trained[0], np.repeat(x, 3, -1)), atol=1e-5)


def test_more_channels_repeat_the_kernel(trained):
    """Six times the same channel answers as three did, for the same colours in turn."""
    six = build_preset(NAME, **{**SMALL, "input_shape": (32, 32, 6)}, weights=trained[1])
    x = random(2, 32, 32, 3)
    np.testing.assert_allclose(run(six, np.concatenate([x, x], -1)), run(trained[0], x), atol=1e-5)


def test_biases_that_are_not_there_are_folded_into_the_norm(tmp_path):
    options = {"input_shape": (16, 16, 1), "num_classes": 3, "filters": 4, "blocks": (1, 2), "dense": [], "normalization": "batch"}
    biased = scramble(build_vgg(**options, bias="always"))
    save(biased, tmp_path / "biased.keras")
    model = build_vgg(**options, weights=str(tmp_path / "biased.keras"))
    x = random(2, 16, 16, 1)
    assert model.count_params() == biased.count_params() - 4 - 8 - 8
    np.testing.assert_allclose(run(model, x), run(biased, x), atol=1e-5)


@pytest.mark.parametrize(
    ("norm", "order", "fits"),
    [
        ("batch", "conv-norm-act", True),
        ("instance", "conv-norm-act", True),
        ("layer", "conv-norm-act", False),
        ("group", "conv-norm-act", False),
        ("batch", "norm-act-conv", False),
    ],
)
def test_only_biases_that_a_norm_takes_away_may_be_missing(norm, order, fits, tmp_path):
    """A norm over several channels, or one before the convolution, does not: the output would be another one."""
    options = {"input_shape": (8, 8, 2), "num_classes": 3, "filters": 8, "depth": 1, "normalization": norm, "block_order": order}
    biased = scramble(build_unet(**options, bias="always"))
    save(biased, tmp_path / "biased.keras")
    if not fits:
        with pytest.raises(InputError, match=r"expected weights of shapes .* of unet. Received: .* Use the arguments that the network had"):
            build_unet(**options, weights=str(tmp_path / "biased.keras"))
        return
    model, x = build_unet(**options, weights=str(tmp_path / "biased.keras")), random(1, 8, 8, 2)
    np.testing.assert_allclose(run(model, x), run(biased, x), atol=1e-5)


def test_a_file_without_a_head_gives_everything_else(trained, tmp_path):
    bare = build_preset(NAME, **SMALL, num_classes=0, weights=trained[1])
    save(bare, tmp_path / "bare.keras")
    model = build_preset(NAME, **SMALL, weights=str(tmp_path / "bare.keras"))
    x = random(2, 32, 32, 3)
    np.testing.assert_array_equal(run(keras.Model(model.inputs, model.get_layer("pool").output), x), run(bare, x))


def test_features_only(trained):
    features = build_preset(NAME, **SMALL, num_classes=0, features_only=True, weights=trained[1])
    x = random(1, 32, 32, 3)
    last = keras.Model(trained[0].inputs, trained[0].get_layer("stage3_block3_out").output)
    np.testing.assert_array_equal(features(x)[-1], run(last, x))


def test_a_unet_takes_a_file_and_its_encoder_another(trained, tmp_path):
    encoder = {"preset": NAME, "filters": 4, "weights": trained[1]}
    model = build_unet(input_shape=(24, 24, 3), num_classes=2, encoder=encoder)
    np.testing.assert_array_equal(model.get_layer("stem_conv").get_weights()[0], trained[0].get_layer("stem_conv").get_weights()[0])
    model.save_weights(tmp_path / "unet.weights.h5")
    again = build_unet(input_shape=(24, 24, 3), num_classes=2, encoder=encoder, weights=str(tmp_path / "unet.weights.h5"))
    x = random(1, 24, 24, 3)
    np.testing.assert_array_equal(run(again, x), run(model, x))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"filters": 8}, InputError, r"trained.keras: expected weights of shapes \[\(3, 3, 3, 8\)\] for stem_conv of resnet20_cifar"),
        ({"blocks": (4, 3, 3)}, InputError, r"trained.keras: expected a layer stage1_block4_conv1, as resnet20_cifar has"),
        ({"shortcut": "B"}, InputError, r"trained.keras: expected a layer stage2_block1_shortcut"),
    ],
    ids=str,
)
def test_files_that_do_not_fit(trained, options, error, message):
    with pytest.raises(error, match=message):
        build_preset(NAME, **{**SMALL, **options}, weights=trained[1])


def test_weights_alone_must_fit_exactly_and_nothing_changes_otherwise(trained):
    model = build_preset(NAME, **SMALL, num_classes=4)
    before = model.get_weights()
    with pytest.raises(InputError, match=r"trained.weights.h5: expected the weights of resnet20_cifar, as its save_weights writes them"):
        load_weights(model, trained[2])
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_paths_are_checked_before_anything_is_built():
    with pytest.raises(InputError, match=r"nothing.keras: no such file"):
        build_preset("vgg16", weights="nothing.keras")
    with pytest.raises(ArgumentError, match=r"weights: expected imagenet, or a path that ends in .keras or .weights.h5. Received: a.pt"):
        build_preset("vgg16", weights="a.pt")


def test_imagenet_is_for_networks_that_keras_holds():
    with pytest.raises(ArgumentError, match=r"weights: expected a network that keras.applications holds \(resnet50_v1, .* for resnet18"):
        build_preset("resnet18", weights="imagenet")


@pytest.mark.parametrize(
    ("preset", "options", "application"),
    [
        ("resnet50_v1", {"input_shape": (64, 64, 1), "num_classes": 7, "dropout": 0.5, "features_only": True}, "ResNet50"),
        ("resnet50_keras", {"input_shape": (64, 64, 3)}, "ResNet50"),
        ("vgg16", {"num_classes": 0, "pooling": "avg"}, "VGG16"),
    ],
    ids=str,
)
def test_the_network_in_keras_is_found_by_its_hyperparameters(preset, options, application):
    assert find_application(build_preset(preset, **options)).application == application


@pytest.fixture
def weights_server(tmp_path, monkeypatch):
    """Serves a folder on this machine in place of keras.applications' address, with an empty cache; the downloading code is Keras's own."""
    served, cache = tmp_path / "served", tmp_path / "cache"
    served.mkdir()
    cache.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(served))
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    source = importlib.import_module(keras.applications.MobileNetV2.__module__)
    monkeypatch.setattr(source, "BASE_WEIGHT_PATH", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(importlib.import_module(keras.utils.get_file.__module__).config, "keras_home", lambda: str(cache))
    yield served, cache
    server.shutdown()
    server.server_close()


@pytest.mark.keras3
def test_imagenet_weights_are_downloaded_and_transferred(weights_server):
    """The real loading code, against a server here: random weights in the published file's name and format."""
    served, cache = weights_server
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
    twin = randomized(keras.applications.MobileNetV2(weights=None))
    with h5py.File(served / name, "w") as file:
        OLD_FORMAT.save_weights_to_hdf5_group(file, twin)
    model = build_preset("mobilenet_v2", input_shape=(64, 64, 3), weights="imagenet")
    assert (cache / "models" / name).is_file()
    small = keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3))
    small.set_weights(twin.get_weights())
    x = random(2, 64, 64, 3)
    np.testing.assert_allclose(run(model, x), run(small, x), atol=1e-5)
    other = build_preset("mobilenet_v2", input_shape=(64, 64, 1), num_classes=5, weights="imagenet")
    assert other.output_shape == (None, 5)


@pytest.mark.keras3
@pytest.mark.usefixtures("weights_server")
def test_without_a_network_the_download_fails_by_name():
    """The server has no such file."""
    with pytest.raises(InputError, match=r"keras.applications.MobileNetV2: its ImageNet weights cannot be loaded \(.*\). Download"):
        build_preset("mobilenet_v2", input_shape=(64, 64, 3), weights="imagenet")
