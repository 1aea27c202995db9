"""What `kzoo draw` takes: builders, recipes, saved models; and what it writes."""

import keras
import numpy as np
import pytest

from kzoo import InputError, build_unet
from kzoo.cli import main
from kzoo.target import load_target


def test_a_builder_with_its_arguments():
    model = load_target("unet", {"num_classes": 3, "filters": 4, "depth": 2}, (None, None, 1))
    assert model.output_shape == (None, None, None, 3)
    assert model.get_layer("bottleneck_conv1").filters == 16


def test_a_recipe_takes_its_sizes_from_its_data():
    model = load_target("digits", {"model.filters": [4, 8]})
    assert (model.input_shape, model.output_shape) == ((None, 8, 8, 1), (None, 10))


def test_a_recipe_with_sizes_needs_no_data(tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("model: {builder: unet, num_classes: 2, filters: 4, depth: 1}\ndata: {source: image_folder, path: nowhere}\n")
    assert load_target(str(recipe), input_shape=(32, 32, 1)).output_shape == (None, 32, 32, 2)


def test_a_saved_model_keeps_its_weights(tmp_path):
    model = build_unet(input_shape=(16, 16, 1), num_classes=2, filters=2, depth=1, downsampling="blur_pool")
    model.save(tmp_path / "m.keras")
    for one, two in zip(model.get_weights(), load_target(str(tmp_path / "m.keras")).get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("unett",), "unett: expected a builder (cnn, unet), a recipe"),
        (("unet", {"num_classes": 2}), "unet.input_shape: missing; expected a list of integers or null. Give --input-shape 256,256,1."),
        (("unet", {"input_shape": [8, 8, 1]}), "unet.num_classes: missing; expected an integer. Give --set num_classes=2."),
        (("unet", {"num_classes": 2, "depht": 1}, (8, 8, 1)), "unet.depht: unknown;"),
        (("unet", {"num_classes": 0}, (8, 8, 1)), "num_classes: expected an integer of at least 1. Received: 0."),
        (("gone.keras",), "gone.keras: no such file."),
        (("gone.keras", {"depth": 1}), "gone.keras: expected no --set with a saved model"),
        (("gone.yaml",), "gone.yaml: no such file."),
    ],
)
def test_errors_say_what_to_do(arguments, message):
    with pytest.raises(InputError) as error:
        load_target(*arguments)
    assert str(error.value).startswith(message)


def test_a_file_that_is_no_model(tmp_path):
    file = tmp_path / "m.keras"
    file.write_text("no model")
    with pytest.raises(InputError, match="cannot be loaded as a Keras model"):
        load_target(str(file))


UNET = ["unet", "--set", "num_classes=2", "--set", "filters=2", "--set", "depth=1", "--input-shape", "32,32,1"]


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_draw_writes_a_figure(ending, tmp_path, capsys):
    file = tmp_path / f"u.{ending}"
    assert run("draw", *UNET, "-o", str(file)) in (0, None)
    assert capsys.readouterr().out == f"{file}\n"
    start = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}[ending]
    assert file.read_bytes().startswith(start)


def test_draw_paints_a_receptive_field(tmp_path):
    file = tmp_path / "field.svg"
    assert run("draw", *UNET, "--receptive-field", "--position", "3,4", "-o", str(file)) in (0, None)
    text = file.read_text()
    assert "position 3, 4 of the output, 32×32" in text
    assert "theoretical field: 18×18 pixels" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "u.jpg"], "u.jpg: expected a file that ends in .svg, .pdf, .png. Received: .jpg."),
        (["-o", "u.svg", "--position", "1,1"], "--position: expected together with --receptive-field."),
        (["-o", "u.svg", "--receptive-field", "--detail", "stages"], "--detail: expected without --receptive-field"),
        (["-o", "u.svg", "--receptive-field", "--position", "a"], "--position: expected whole numbers with commas between them"),
        (["-o", "u.svg", "--detail", "fine"], "detail: expected one of auto, layers, stages. Received: fine."),
    ],
)
def test_wrong_options_are_one_line(options, message, capsys):
    assert run("draw", *UNET, *options) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1


def test_plain_keras_models_draw(tmp_path):
    inputs = keras.Input((8, 8, 1))
    keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs)).save(tmp_path / "m.keras")
    assert run("draw", str(tmp_path / "m.keras"), "-o", str(tmp_path / "m.svg")) in (0, None)
