"""`kzoo profile`, run in this process."""

import io
import json
import re

import keras
import pytest
from rich.console import Console
from typer.testing import CliRunner

from kzoo.cli import app
from kzoo.errors import InputError
from kzoo.models import PRESETS
from kzoo.reports.presets import presets_table

UNET = ["profile", "unet", "--set", "input_shape=[32,32,1]", "--set", "num_classes=2", "--set", "filters=4", "--set", "depth=2"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*UNET, *arguments])
    if result.exception:
        raise result.exception
    return result.output


def test_prints_layers_totals_and_warnings():
    text = run()
    assert "encoder1_conv1" in text
    assert "legal input sizes   n >= 4, n % 4 == 0" in text
    assert "warning: the receptive field exceeds the input from layer decoder2_conv1 on (36 > 32)" in text
    assert "FLOPs" not in text


def test_stages_flops_shape_and_batch():
    text = run("--stages", "--flops", "--input-shape", "64,64,1", "--batch-size", "2")
    assert "[Conv2D 3x3, 4] x 2" in text
    assert "counted as 2 x MACs" in text
    assert "input, output       64 x 64 x 1 -> 64 x 64 x 2" in text
    assert "for a batch of 2" in text


def test_json(tmp_path):
    run("--json", str(tmp_path / "unet.json"), "--precision", "mixed_float16")
    values = json.loads((tmp_path / "unet.json").read_text())
    assert (values["status"], values["precision"]) == ("complete", "mixed_float16")


def test_the_optimizer_and_the_precision_are_told():
    text = run("--optimizer", "sgd_momentum", "--precision", "mixed_float16", "--batch-size", "2")
    assert "memory for          a batch of 2 in mixed_float16" in text
    assert "28.9 KiB weights, 28.9 KiB gradients, 28.9 KiB slots of sgd_momentum" in text
    assert "28.9 KiB gradients, 86.7 KiB slots, 3 per trainable weight" in run("--optimizer", "3")


def test_a_wrong_optimizer_is_named():
    with pytest.raises(InputError, match=r"^optimizer: expected one of adadelta, .* Received: 'addam'. Did you mean adam\?$"):
        run("--optimizer", "addam")


def test_what_is_neither_builder_nor_recipe_nor_file_is_named():
    result = CliRunner().invoke(app, ["profile", "unett"])
    assert str(result.exception).startswith("unett: expected a preset (")
    assert str(result.exception).endswith("), a recipe file or a .keras file. Did you mean unet?")


def test_a_saved_model_of_plain_keras(tmp_path):
    x = inputs = keras.Input((16, 16, 1))
    for _ in range(2):
        x = keras.layers.MaxPooling2D()(keras.layers.Conv2D(4, 3, padding="same")(x))
    keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x))).save(tmp_path / "model.keras")
    result = CliRunner().invoke(app, ["profile", str(tmp_path / "model.keras"), "--stages"])
    lines = [line.split("│")[1].strip() for line in result.output.splitlines() if line.startswith("│")]
    assert [name for name in lines if name] == ["stage1", "stage2", "head"]
    assert "* global: every position sees the whole input" in result.output
    assert "receptive field     10, global from dense" in result.output


def test_a_wrong_shape_is_named():
    with pytest.raises(InputError, match=r"--input-shape: expected whole numbers with commas between them, as in 512,512,1. Received: big"):
        run("--input-shape", "big")


def test_presets_are_listed_with_papers_and_costs():
    result = CliRunner().invoke(app, ["presets", "unet_2015"])
    assert "31,030,658" in result.output
    assert "150.43 G" in result.output
    assert "nnunet" not in result.output


def test_presets_of_a_builder_in_the_order_of_their_numbers():
    lines = CliRunner().invoke(app, ["presets", "densenet"]).output.splitlines()
    found = [line.split("│")[1].strip() for line in lines if line.startswith("│")]
    assert found[:3] == ["densenet40_cifar", "densenet100_bc_cifar", "densenet121"]
    assert found == [name for name in found if name.startswith("densenet")]


def test_presets_fit_a_narrow_terminal():
    """No name and no number is cut at 80 columns."""
    text = Console(width=80, record=True, file=io.StringIO())
    text.print(presets_table())
    said = text.export_text()
    assert max(map(len, said.splitlines())) <= 80
    assert all(f" {preset.name} " in said and f" {preset.total:,} " in said for preset in PRESETS.values())
    assert "left out for want of width: variant, builder, input" in said


@pytest.mark.parametrize("pattern", ["reznet", "cnn", "nothing*"])
def test_a_pattern_that_fits_no_preset_is_named(pattern):
    with pytest.raises(InputError, match=re.escape(f"{pattern}: expected a preset, a builder that has presets, or a pattern")):
        CliRunner().invoke(app, ["presets", pattern], catch_exceptions=False)


def test_a_preset_is_profiled_by_its_name():
    result = CliRunner().invoke(app, ["profile", "tiny_unet", "--set", "num_classes=1"])
    assert "121,737 total" in result.output
