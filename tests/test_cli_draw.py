"""`kzoo draw`: what it writes, and what it refuses."""

import keras
import pytest

from kzoo.cli import main

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
        (["-o", "nowhere/u.svg"], "--output: expected a file in a folder that exists. Received: nowhere/u.svg."),
        (["-o", "u.svg", "--position", "1,1"], "--position: expected together with --receptive-field."),
        (["-o", "u.svg", "--receptive-field", "--detail", "stages"], "--detail: expected without --receptive-field"),
        (["-o", "u.svg", "--receptive-field", "--position", "a"], "--position: expected whole numbers with commas between them"),
        (["-o", "u.svg", "--detail", "fine"], "detail: expected one of auto, layers, stages. Received: fine."),
    ],
)
def test_wrong_options_are_one_line(options, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("draw", *UNET, *options) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_plain_keras_models_draw(tmp_path):
    inputs = keras.Input((8, 8, 1))
    keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs)).save(tmp_path / "m.keras")
    assert run("draw", str(tmp_path / "m.keras"), "-o", str(tmp_path / "m.svg")) in (0, None)
