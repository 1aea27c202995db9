"""`kzoo explain`, run in this process."""

import pytest
from typer.testing import CliRunner

from kzoo import build_cnn, save
from kzoo.cli import app
from kzoo.errors import InputError

SMALL = ("--set", "filters=4", "--set", "dense=[8]", "--set", "num_classes=2", "--input-shape", "32,32,1")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["explain", *arguments])
    if result.exception:
        raise result.exception
    return result.output


def test_prints_the_ledger_of_two_presets_with_settings_for_both():
    text = run("vgg11_bn", "vgg11", *SMALL)
    assert text.startswith("vgg11_bn 74,618 = vgg11 73,674 + 944 parameters\n")
    assert "vgg11_bn: 74,618 = 73,910 + 472 norm statistics + 236 redundant biases\n" in text
    assert text.endswith(
        "arguments                 vgg11_bn | vgg11\nbias                      always | auto\nnormalization             batch | none\n"
    )


def test_a_builder_and_a_file(tmp_path):
    given = {"input_shape": (16, 16, 1), "num_classes": 2, "filters": 4, "depth": 2}
    save(build_cnn(**given, dense=[]), tmp_path / "cnn.keras")
    text = run(str(tmp_path / "cnn.keras"), str(tmp_path / "cnn.keras"))
    assert text.startswith("cnn (a) 594 = cnn (b) 594 + 0 parameters\n")
    assert "cnn (a): 594 = 594 + 0 norm statistics + 0 redundant biases" in text


def test_what_is_no_network_is_named():
    with pytest.raises(InputError, match=r"^unett: expected a preset"):
        run("tiny_unet", "unett")
