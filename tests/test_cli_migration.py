"""`kzoo migrate` as a linter: what it prints, and its exit status."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from kzoo.cli import app
from kzoo.errors import InputError


def run(*arguments):
    return CliRunner().invoke(app, ["migrate", *map(str, arguments)])


def test_names_are_reported(tmp_path):
    (tmp_path / "a.py").write_text("import tensorflow_addons as tfa\ntfa.layers.GELU()\n")
    (tmp_path / "b.yaml").write_text("loss: tensorflow_addons.losses.GIoULoss\n")
    result = run(tmp_path / "a.py", tmp_path / "b.yaml")
    assert result.exit_code == 1
    assert "layers.GELU -> keras.activations.gelu, equal results" in result.output
    assert result.output.endswith("2 names in 2 places of 2 files: 1 with the same results, 1 without a successor\n")
    assert max(map(len, result.output.splitlines())) <= 100


def test_a_clean_folder(tmp_path):
    (tmp_path / "a.py").write_text("import keras\n")
    result = run(tmp_path)
    assert (result.exit_code, result.output) == (0, "no use of tensorflow-addons\n")


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="expected a file or a folder"):
        raise run(tmp_path / "a.py").exception


def test_files_that_cannot_be_read_do_not_hide_the_others(tmp_path):
    (tmp_path / "a.py").write_text('print "x"\n')
    (tmp_path / "b.py").write_text("import tensorflow_addons as tfa\ntfa.layers.GELU()\n")
    result = run(tmp_path / "a.py", tmp_path / "b.py", tmp_path / "c.py")
    assert result.output.endswith("1 name in 1 place of 1 file: 1 with the same results\n")
    with pytest.raises(InputError, match=r"a\.py, line 1: expected Python 3\..*\n.*c\.py: expected a file or a folder"):
        raise result.exception


def test_as_a_process(tmp_path):
    """Without Keras, so at once; an error is one line and status 2."""
    (tmp_path / "a.py").write_text("def :\n")
    command = [sys.executable, "-c", "import sys; from kzoo.cli import main; sys.modules['keras'] = None; main(sys.argv[1:])"]
    done = subprocess.run([*command, "migrate", "a.py"], cwd=tmp_path, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: a.py, line 1: expected Python 3. Received: invalid syntax.\n"
