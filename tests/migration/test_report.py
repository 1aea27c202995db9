"""What the report says, and in how many columns."""

from io import StringIO

import pytest
from rich.console import Console

from kzoo import migrate
from kzoo.migration.report import summary, tables

SCRIPT = """import tensorflow_addons as tfa
tfa.image.rotate(x, 1)
tfa.layers.GELU()
tfa.layers.GELU()
tfa.losses.GIoULoss()
tfa.layers.AdaptiveMaxPooling2D(2)
getattr(tfa, "[bold]")
"""


@pytest.fixture
def findings(tmp_path):
    (tmp_path / "a[b].py").write_text(SCRIPT)
    return migrate(tmp_path / "a[b].py")


def printed(findings, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width)
    for table in tables(findings):
        console.print(table)
    return console.file.getvalue().splitlines()


def test_a_name_is_named_once_with_its_lines(findings):
    lines = [line.strip() for line in printed(findings, 100)]
    assert "3, 4   layers.GELU -> keras.activations.gelu, equal results" in lines
    assert "keras.activations.gelu(x, approximate=True)" in lines
    assert "5      losses.GIoULoss -> none" in lines
    assert "keras.layers.AdaptiveMaxPooling2D (from Keras 3.13), equal results" in " ".join(lines)
    assert "7      [bold], unknown to tensorflow-addons" in lines
    assert lines[0].endswith("a[b].py")


@pytest.mark.parametrize("width", [80, 100])
def test_it_fits(findings, width):
    assert max(len(line) for line in printed(findings, width)) <= width


def test_the_counts(findings):
    counts = "3 with the same results, 1 without a successor, 1 unknown to tensorflow-addons"
    assert summary(findings) == f"5 names in 6 places of 1 file: {counts}"
