"""The networks give equal outputs on other backends; the work is done by `tests/backends.py`, in processes of their own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.backends

ROOT = Path(__file__).parents[1]


def call(command: str, folder: Path, backend: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    line = [sys.executable, "-m", "tests.backends", command, str(folder)]
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("backends")
    done = call("write", folder, "tensorflow")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_weights_give_equal_outputs(written, backend):
    """CI installs JAX's CPU wheel with the other tools; torch is compared where it is installed."""
    if backend == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    done = call("compare", written, backend)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{backend}: 57 of 57 networks equal" in done.stdout
