"""The command line as processes, as a user meets it: exit statuses, one-line errors, interruption, kill and resumption."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from kzoo import Store
from kzoo.training.recipe import shipped_recipes
from tests.conftest import small_recipe

KZOO = [sys.executable, "-m", "kzoo.cli"]
LIMIT = 180


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder of its own, with a recipe and a store that is made only once."""
    folder = tmp_path_factory.mktemp("work")
    Store(root=folder / "mlruns")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(small_recipe(experiment="cli")))
    return folder


def kzoo(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([*KZOO, *arguments], cwd=folder, capture_output=True, text=True, timeout=LIMIT)


def start_training(folder: Path, experiment: str) -> tuple[subprocess.Popen, str]:
    """A training of many epochs, past its second one, and the id of its run."""
    command = [*KZOO, "train", "recipe.yaml", "--set", "training.epochs=400", "--set", f"experiment={experiment}"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run_id = ""
    for line in process.stdout:
        run_id = run_id or (re.match(r"run (\w{32}):", line) or [None, ""])[1]
        if line.startswith("epoch   2/400"):
            return process, run_id
    raise AssertionError(process.stderr.read())


def record(folder: Path, run_id: str):
    return Store(root=folder / "mlruns").get(run_id)


def steps(folder: Path, run_id: str) -> list[int]:
    return [p.step for p in Store(root=folder / "mlruns")._client.get_metric_history(run_id, "train/loss")]


@pytest.fixture(scope="module")
def trained(folder):
    """A training from the command line, in the experiment `cli`."""
    return kzoo(folder, "train", "recipe.yaml", "--set", "model.downsampling=strided_conv")


def test_train_prints_epochs_scores_and_the_run(folder, trained):
    assert trained.returncode == 0
    assert trained.stderr == ""
    lines = trained.stdout.splitlines()
    assert re.match(r"run \w{32}: unet, [\d,]+ parameters, on digit_scenes \(8 train, 4 validation\)$", lines[0])
    assert lines[1].startswith("epoch   1/2  train/loss ")
    assert re.match(r"best/foreground_iou\s+0\.\d{4}", lines[3])
    assert re.match(r"run \w{32}, best epoch \d\. Look at it in MLflow: \S*kzoo ui$", lines[-1])
    assert record(folder, lines[0][4:36]).parameters["model.downsampling"] == "strided_conv"


@pytest.mark.usefixtures("trained")
def test_runs_and_compare(folder):
    listed, compared = kzoo(folder, "runs"), kzoo(folder, "compare", "cli")
    assert "unet-strided_conv" in listed.stdout
    assert re.search(r"unet-strided_conv-transposed_conv-4 +[\d,]+ +[\d.]+ [kM] +0\.\d{4}", compared.stdout)


def test_recipes(folder):
    assert kzoo(folder, "recipes").stdout.split() == sorted(shipped_recipes())


@pytest.mark.parametrize("command", [[], ["train"], ["runs"], ["compare"], ["ui"], ["demo"]])
def test_help(folder, command):
    done = kzoo(folder, *command, "--help")
    assert done.returncode == 0
    assert "Usage: kzoo" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "error: recipe: expected a recipe file, or --resume RUN_ID. `kzoo recipes` lists those that ship with kzoo."),
        (["train", "nucle"], "error: nucle: no such file. Expected a recipe file or one of digit_scenes, digits, fashion_mnist"),
        (["train", "recipe.yaml", "--set", "model.filters"], "error: --set: expected PATH=VALUE, as in model.filters=32."),
        (
            ["train", "recipe.yaml", "--set", "model.upsampling=neerest"],
            "error: recipe.yaml: model.upsampling: expected one of transposed_conv",
        ),
        (["train", "nuclei", "--set", "data.path=nowhere"], "error: nuclei: data.path: expected a folder that holds images/."),
        (["train", "--resume", "abc"], "error: run abc: not found in sqlite:"),
        (["compare", "clii"], "error: experiment clii: not found in sqlite:"),
    ],
)
def test_errors_are_one_line_and_status_2(folder, arguments, message):
    before = len(Store(root=folder / "mlruns").runs())
    done = kzoo(folder, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert len(Store(root=folder / "mlruns").runs()) == before


@pytest.mark.parametrize("command", [["runs"], ["compare", "x"], ["ui"]])
def test_reading_makes_no_store(tmp_path, command):
    done = kzoo(tmp_path, *command)
    assert done.returncode == 2
    assert (
        done.stderr == f"error: {tmp_path}/mlruns: holds no runs yet. Go to the folder in which you trained, or set MLFLOW_TRACKING_URI.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(folder):
    done = kzoo(folder, "train", "nucle", "--debug")
    assert "Traceback" in done.stderr
    assert "InputError: nucle: no such file" in done.stderr


def test_a_loss_that_is_no_number_is_status_1(folder):
    done = kzoo(folder, "train", "recipe.yaml", "--set", "training.optimizer=sgd", "--set", "training.learning_rate=1.0e+30")
    assert done.returncode == 1
    assert done.stderr.startswith("error: train/loss is nan at epoch 1.")
    assert "--resume" not in done.stderr
    assert record(folder, re.match(r"run (\w{32}):", done.stdout)[1]).status == "FAILED"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_marks_the_run_killed_and_resumable(folder, number):
    process, run_id = start_training(folder, f"interrupted-{number.name}")
    process.send_signal(number)
    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert errors.splitlines() == [
        "interrupted",
        f"Run {run_id} keeps what was logged; it continues with: kzoo train --resume {run_id}",
    ]
    assert record(folder, run_id).status == "KILLED"


def test_a_killed_run_goes_on_from_its_last_epoch_in_the_same_run(folder):
    process, run_id = start_training(folder, "killed")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(LIMIT)
    assert record(folder, run_id).status == "RUNNING"
    done_before = len(steps(folder, run_id))
    process = subprocess.Popen([*KZOO, "train", "--resume", run_id], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = next(line for line in process.stdout if line.startswith("epoch"))
    assert int(first.split()[1].split("/")[0]) > max(2, done_before)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT)
    logged = steps(folder, run_id)
    assert logged == list(range(1, len(logged) + 1))
    assert len(logged) > done_before


@pytest.mark.usefixtures("trained")
def test_ui_serves_the_runs_on_this_machine_only(folder):
    import socket
    import urllib.request

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([*KZOO, "ui", "--port", str(port)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(LIMIT):
            try:
                page = urllib.request.urlopen(address, timeout=5).read()
                break
            except OSError:
                assert server.poll() is None, server.stdout.read()
                time.sleep(0.5)
        assert b"MLflow" in page
        found = urllib.request.urlopen(f"{address}/api/2.0/mlflow/experiments/get-by-name?experiment_name=cli", timeout=20)
        assert b'"cli"' in found.read()
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
