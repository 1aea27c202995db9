"""What a network was built from: described, built again, kept in its file, read by plain Keras."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import kzoo
from kzoo import ArgumentError, InputError, build, build_cnn, describe, load, save
from kzoo.models import BUILDERS, Description, wording
from kzoo.models.identity import differences
from kzoo.stack import config

from .cells import path, random, run, tiny

OPTIONS = [
    {},
    {"filters": (4, np.int64(6), 8), "strides": [(1, 2), 2], "dropout": [0, 0.1, 0.5]},
    {"activation": {"LeakyReLU": {"negative_slope": 0.01}}, "normalization": "instance", "downsampling": "strided_first_conv"},
    {"padding": "valid", "size": None, "upsampling": "max_unpool"},
    {"depth": 3, "deep_supervision": 2, "size": 9},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_description_builds_the_equal_network_again(options):
    model = tiny(**options)
    description = describe(model)
    text = json.dumps(json.loads(description.to_json()))
    again = build(json.loads(text))
    assert describe(again) == description == Description.from_dict(json.loads(text))
    configs = [{**m.get_config(), "name": ""} for m in (model, again)]
    assert configs[0] == configs[1]
    assert [path(w) for w in again.weights] == [path(w) for w in model.weights]


def test_every_hyperparameter_is_named():
    description = describe(tiny())
    assert description.builder == "unet"
    assert set(description.arguments) == set(kzoo.schema.defaults(BUILDERS["unet"])) | {"input_shape", "num_classes"}
    assert description.version == kzoo.__version__
    assert description.parameters == tiny().count_params()


def test_the_hash_tells_configurations_apart_and_nothing_else():
    assert describe(tiny()).hash == describe(tiny(name="other")).hash == describe(tiny(filters=4)).hash
    others = [{"filters": 8}, {"skip": "add"}, {"l2": 0.1}, {"dropout": 0.1}]
    assert len({describe(tiny(**options)).hash for options in [{}, *others]}) == 5
    assert describe(tiny()).hash == describe(build(describe(tiny()))).hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"dropout": 0}, {"dropout": 0.0}),
        ({"strides": [2, 2]}, {"strides": 2}),
        ({"kernel_size": [(3, 3), 3, (3, 3)]}, {"kernel_size": 3}),
        ({"l2": 1}, {"l2": np.float32(1)}),
    ],
)
def test_what_is_written_otherwise_has_the_same_hash(one, other):
    assert describe(tiny(**one)).hash == describe(tiny(**other)).hash


def test_shapes_are_no_values_for_all_axes():
    """An image of 8 x 8 with 8 channels is no signal of 8 with 8 channels."""
    shapes = [(8, 8), (8, 8, 8)]
    assert len({describe(kzoo.build_unet(input_shape=shape, num_classes=2, filters=4, depth=2)).hash for shape in shapes}) == 2
    assert len({describe(build_cnn(input_shape=(8, 8, 1), num_classes=2, dense=dense)).hash for dense in ([8], [8, 8])}) == 2


def test_one_width_is_not_the_same_for_all_stages():
    """A single value doubles."""
    one, same, doubled = (describe(build_cnn(input_shape=(8, 8, 1), num_classes=2, depth=2, filters=f)) for f in (4, [4, 4], [4, 8]))
    assert one.parameters == doubled.parameters != same.parameters
    assert one.hash != same.hash
    assert differences(one, same) == {"filters": (4, [4, 4])}


def test_the_precision_is_kept():
    config.set_dtype_policy("mixed_bfloat16")
    try:
        description = describe(tiny())
    finally:
        config.set_dtype_policy("float32")
    again = build(description)
    assert again.get_layer("encoder1_conv1").compute_dtype == "bfloat16"
    assert config.dtype_policy().name == "float32"
    assert description.hash == describe(tiny()).hash


def test_a_description_is_a_copy():
    model = tiny()
    describe(model).arguments["depth"] = 9
    assert describe(model).arguments["depth"] == 2


def test_a_preset_is_built_by_its_name():
    assert build("tiny_unet").name == "tiny_unet"


def test_a_file_keeps_the_description(tmp_path):
    model = tiny(size=None)
    save(model, tmp_path / "unet.keras")
    again = load(tmp_path / "unet.keras")
    assert describe(again) == describe(model)
    x = random(1, 9, 10, 2)
    np.testing.assert_array_equal(run(again, x), run(model, x))
    assert [path.name for path in tmp_path.iterdir()] == ["unet.keras"]


def test_plain_keras_reads_the_file_where_kzoo_is_not_installed(tmp_path):
    """In a process to which kzoo cannot be imported: a network of Keras's own layers gives the same output."""
    model = tiny(2, 9, downsampling="strided_conv", upsampling="nearest", skip="attention", normalization="instance")
    save(model, tmp_path / "unet.keras")
    x = random(1, 9, 9, 2)
    np.save(tmp_path / "x.npy", x)
    script = (
        "import sys; sys.modules['kzoo'] = None\n"
        "import keras, numpy\n"
        "model = keras.saving.load_model('unet.keras')\n"
        "numpy.save('y.npy', numpy.asarray(model(numpy.load('x.npy'), training=False)))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), run(model, x), atol=1e-6)


def test_a_compiled_network_stays_compiled(tmp_path):
    model = tiny()
    model.compile("sgd", "mse")
    save(model, tmp_path / "unet.keras")
    assert load(tmp_path / "unet.keras").optimizer is not None


def test_a_file_of_plain_keras_is_read_but_has_no_description(tmp_path):
    tiny().save(tmp_path / "plain.keras")
    model = load(tmp_path / "plain.keras")
    with pytest.raises(ArgumentError, match=r"model: expected a network from one of kzoo's builders, .* Received: Functional unet\."):
        describe(model)


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "unet.keras"
    save(tiny(), path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with pytest.raises(OSError, match="disk full"):
        save(tiny(filters=8), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: save(tiny(), folder / "unet.h5"), "path: expected a file name that ends in .keras. Received: "),
        (lambda folder: save(tiny(), folder / "no" / "unet.keras"), "path: expected a folder that exists. Received: "),
        (lambda folder: load(folder / "none.keras"), "none.keras: no such file."),
        (lambda _: build({"builder": "unet", "arguments": {}}), "description: expected what kzoo.describe gave. Received: "),
        (lambda _: build(3), "configuration: expected a preset's name, a description, or a mapping with builder in it. Received: 3."),
        (lambda _: build({"builder": "unet", "arguments": 3}), "description: expected what kzoo.describe gave. Received: "),
        (lambda _: build({"filters": 8}), "builder: missing; expected one of "),
        (
            lambda _: build({"builder": "unnet", "arguments": {}, "version": "0", "parameters": 1, "precision": "float32"}),
            "Received: unnet. Did you mean unet?",
        ),
    ],
)
def test_errors(call, message, tmp_path):
    with pytest.raises(InputError) as caught:
        call(tmp_path)
    assert message in str(caught.value)


def test_what_is_no_model_file_is_named(tmp_path):
    (tmp_path / "broken.keras").write_text("no model")
    with pytest.raises(InputError, match=r"broken.keras: expected a model that Keras can load"):
        load(tmp_path / "broken.keras")


def test_another_number_of_parameters_than_before_is_refused():
    description = json.loads(describe(tiny()).to_json())
    description |= {"parameters": 7, "version": "9.9"}
    with pytest.raises(InputError, match=r"expected 7 parameters, as kzoo 9.9 built it. Received: 7,443 from kzoo"):
        build(description)


def test_the_paragraph_says_what_was_chosen_and_cites_it():
    model = tiny(downsampling="blur_pool", upsampling="pixel_shuffle", skip="attention", normalization="group", filters=8, dropout=0.2)
    first, *works = describe(model).methods.splitlines()
    for part in ("2-D U-Net", "8, 16 and 32 filters", "anti-aliased max pooling", "sub-pixel", "attention gates", "group normalization"):
        assert part in first
    assert f"{model.count_params():,} parameters" in first
    assert "[" not in first
    cited = [work.split(":")[0] for work in works]
    assert cited == [
        "Ronneberger 2015", "Zhang 2019", "Shi 2016", "Aitken 2017", "Oktay 2018", "Wu 2018", "He 2015", "Srivastava 2014",
    ]  # fmt: skip
    assert all(f"({work})" in first for work in cited)


def test_the_paragraph_of_two_different_paths():
    model = tiny(blocks=[1, 1, 3], kernel_size=[3, 5, 1], decoder_filters=[5, 7], downsampling_kernel=[None, 3], deep_supervision=1)
    text = describe(model).methods
    assert "with 4, 8 and 16 filters and 1, 1 and 3 convolutions of size 3, 5 and 1 per stage." in text
    assert "The decoder has 5 and 7 filters and 1 convolution of size 3 and 5 per stage." in text
    assert "max pooling with windows of the stride's size and 3." in text
    assert "Decoder stage 2 has a head of its own for deep supervision (Lee 2015)." in text


def test_the_paragraph_of_a_classifier():
    text = describe(build_cnn(input_shape=(28, 28, 1), num_classes=10, dense=[])).methods
    assert text.startswith(
        "We used a 2-D convolutional classifier (LeCun 1998) with 32 and 64 filters and 1 convolution of size 3 per stage."
    )


def test_every_choice_has_its_phrase():
    """A new kind of down-sampling, up-sampling, skip or norm must be put into words as well."""
    from typing import get_args

    from kzoo.layers.skips import Skip
    from kzoo.layers.style import Norm
    from kzoo.layers.upsampling import Upsampling
    from kzoo.models.unet_plan import UNetDownsampling

    for name, choices in {"downsampling": UNetDownsampling, "upsampling": Upsampling, "skip": Skip, "normalization": Norm}.items():
        assert set(get_args(choices)) - {"none"} == set(wording.PHRASES[name])


def test_keras_reads_a_description_as_a_member_of_the_archive(tmp_path):
    save(tiny(), tmp_path / "unet.keras")
    with zipfile.ZipFile(tmp_path / "unet.keras") as archive:
        assert json.loads(archive.read("kzoo.json"))["hash"] == describe(tiny()).hash
    assert isinstance(keras.saving.load_model(tmp_path / "unet.keras"), keras.Model)
