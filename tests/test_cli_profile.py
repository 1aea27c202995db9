"""`kzoo profile`, run in this process."""

import json

import pytest
from typer.testing import CliRunner

from kzoo.cli import app
from kzoo.errors import InputError

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


def test_a_wrong_shape_is_named():
    with pytest.raises(InputError, match=r"--input-shape: expected whole numbers with commas between them, as in 512,512,1. Received: big"):
        run("--input-shape", "big")
