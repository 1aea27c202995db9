"""The command line as a user meets it: exit statuses and one-line errors; as processes: silence, interruption, kill and resumption."""

import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from kzoo import Store
from kzoo.cli import main
from kzoo.errors import InputError
from kzoo.training.recipe import shipped_recipes
from tests.conftest import small_recipe
from tests.forks import Forks, Process

KZOO = [sys.executable, "-m", "kzoo.cli"]
LIMIT = 180


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder of its own, with a recipe and a store that is made only once."""
    folder = tmp_path_factory.mktemp("work")
    Store(root=folder / "mlruns")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(small_recipe(experiment="cli", model__depth=1, model__blocks=1)))
    return folder


@pytest.fixture(scope="module")
def forks(tmp_path_factory):
    """Processes that are interrupted and killed, and need not import anything."""
    forks = Forks(tmp_path_factory.mktemp("forks"))
    yield forks
    forks.stop()


@dataclass(frozen=True)
class Done:
    """What a command has left: its exit status and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def kzoo(monkeypatch, capsys):
    """Runs a command in this process, which has long imported everything."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(folder: Path, *arguments: str) -> Done:
        monkeypatch.chdir(folder)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        return Done(end.value.code or 0, *capsys.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def start_training(forks: Forks, folder: Path, experiment: str) -> tuple[Process, str]:
    """A training of many epochs, past its second one, and the id of its run."""
    process = forks.start(folder, ["train", "recipe.yaml", "--set", "training.epochs=4000", "--set", f"experiment={experiment}"])
    wait_for(process, "epoch   2/4000")
    return process, re.match(r"run (\w{32}):", process.said)[1]


def wait_for(process: Process, beginning: str) -> str:
    """The first line that begins so, whole."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and not process.status.exists():
        for line in process.said.splitlines(keepends=True):
            if line.startswith(beginning) and line.endswith("\n"):
                return line
        time.sleep(0.05)
    raise AssertionError(process.said)


def record(folder: Path, run_id: str):
    return Store(root=folder / "mlruns").get(run_id)


def steps(folder: Path, run_id: str) -> list[int]:
    return [p.step for p in Store(root=folder / "mlruns")._client.get_metric_history(run_id, "train/loss")]


@pytest.fixture(scope="module")
def trained(folder):
    """A training from the command line, in the experiment `cli`."""
    command = [*KZOO, "train", "recipe.yaml", "--set", "model.downsampling=strided_conv"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT)


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
def test_runs_and_compare(folder, kzoo):
    listed, compared = kzoo(folder, "runs"), kzoo(folder, "compare", "cli")
    assert "unet-strided_conv" in listed.stdout
    assert re.search(r"unet-strided_conv-transposed_conv-4 +[\d,]+ +[\d.]+ [kM] +0\.\d{4}", compared.stdout)


def test_recipes(folder, kzoo):
    assert kzoo(folder, "recipes").stdout.split() == sorted(shipped_recipes())


@pytest.mark.parametrize("command", [[], ["train"], ["runs"], ["compare"], ["ui"], ["demo"]])
def test_help(folder, command, kzoo):
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
def test_errors_are_one_line_and_status_2(folder, arguments, message, kzoo):
    before = len(Store(root=folder / "mlruns").runs())
    done = kzoo(folder, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert len(Store(root=folder / "mlruns").runs()) == before


@pytest.mark.parametrize("command", [["runs"], ["compare", "x"], ["ui"]])
def test_reading_makes_no_store(tmp_path, command, kzoo):
    done = kzoo(tmp_path, *command)
    assert done.returncode == 2
    assert (
        done.stderr == f"error: {tmp_path}/mlruns: holds no runs yet. Go to the folder in which you trained, or set MLFLOW_TRACKING_URI.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("kzoo")
def test_debug_shows_the_traceback():
    with pytest.raises(InputError, match=r"^nucle: no such file"):
        main(["train", "nucle", "--debug"])


def test_a_loss_that_is_no_number_is_status_1(folder, kzoo):
    changes = ("model.depth=2", "training.optimizer=sgd", "training.learning_rate=1.0e+38")
    done = kzoo(folder, "train", "recipe.yaml", *(word for change in changes for word in ("--set", change)))
    assert done.returncode == 1
    assert done.stderr.startswith("error: train/loss is nan at epoch 1.")
    assert "--resume" not in done.stderr
    assert record(folder, re.match(r"run (\w{32}):", done.stdout)[1]).status == "FAILED"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_marks_the_run_killed_and_resumable(folder, forks, number):
    process, run_id = start_training(forks, folder, f"interrupted-{number.name}")
    process.send(number)
    status, said = process.end(LIMIT)
    assert status == 130
    assert [line for line in said.splitlines() if not line.startswith(("run ", "epoch "))] == [
        "interrupted",
        f"Run {run_id} keeps what was logged; it continues with: kzoo train --resume {run_id}",
    ]
    assert record(folder, run_id).status == "KILLED"


def test_a_killed_run_goes_on_from_its_last_epoch_in_the_same_run(folder, forks):
    process, run_id = start_training(forks, folder, "killed")
    process.send(signal.SIGKILL)
    assert process.end(LIMIT)[0] == -signal.SIGKILL
    assert record(folder, run_id).status == "RUNNING"
    done_before = len(steps(folder, run_id))
    process = forks.start(folder, ["train", "--resume", run_id])
    first = wait_for(process, "epoch ")
    assert int(first.split()[1].split("/")[0]) > max(2, done_before)
    process.send(signal.SIGINT)
    assert process.end(LIMIT)[0] == 130
    logged = steps(folder, run_id)
    assert logged == list(range(1, len(logged) + 1))
    assert len(logged) > done_before


@pytest.mark.usefixtures("trained")
def test_ui_serves_the_runs_on_this_machine_only(folder, forks):
    import socket
    import urllib.request

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = forks.start(folder, ["ui", "--port", str(port)])
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(LIMIT):
            try:
                page = urllib.request.urlopen(address, timeout=5).read()
                break
            except OSError:
                assert not server.status.exists(), server.said
                time.sleep(0.5)
        assert b"MLflow" in page
        found = urllib.request.urlopen(f"{address}/api/2.0/mlflow/experiments/get-by-name?experiment_name=cli", timeout=20)
        assert b'"cli"' in found.read()
    finally:
        server.send(signal.SIGINT)
    status, said = server.end(LIMIT)
    assert status == 0
    assert f"{address}/#/experiments?workflowType=machine_learning" in said
    assert re.search(rf"cli +{address}/#/experiments/\d+/runs\?workflowType=machine_learning\n", said)
