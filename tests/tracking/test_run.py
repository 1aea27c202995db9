"""What a run logs, as the store then holds it; and what MLflow does not take."""

import io
import json
import shutil
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from kzoo import ArgumentError, InputError, Store, TrainingError
from kzoo.tracking.reason import short_reason

from .servers import content


def held(store, run):
    return content(store._client, "runs of " + run.key)[run.key]


@pytest.fixture
def run(shared_store, request):
    key = request.node.name.replace("[", "-").replace("]", "")
    with shared_store.start("runs of " + key, key, key=key) as run:
        yield run


def test_all_kinds_of_entries_arrive(shared_store, run, tmp_path):
    before = int(time.time() * 1000)
    run.log_parameters({f"p{i}": i for i in range(230)})
    for step in range(40):
        run.log_metrics({f"m{i}": step / (i + 1) for i in range(30)}, step=step)
    run.set_tags({"colour": "red"})
    run.set_tags({"colour": "blue"})
    run.log_dataset("digits/train", "abc", "digits", "train")
    run.log_text("hällo", "notes/a.txt")
    (tmp_path / "b.bin").write_bytes(b"\0\1")
    run.log_file(tmp_path / "b.bin")
    run.log_file(tmp_path / "b.bin", "deep/er/c.bin")
    (tmp_path / "b.bin").write_bytes(b"later")
    found = held(shared_store, run)
    assert found["parameters"] == {f"p{i}": str(i) for i in range(230)}
    assert {key: [(s, v) for s, v, _ in points] for key, points in found["metrics"].items()} == {
        f"m{i}": [(step, step / (i + 1)) for step in range(40)] for i in range(30)
    }
    assert all(before <= at <= time.time() * 1000 for points in found["metrics"].values() for *_, at in points)
    assert found["tags"]["colour"] == "blue"
    assert found["datasets"] == [("digits/train", "abc", "train")]
    assert found["artifacts"] == {"notes/a.txt": "hällo".encode(), "b.bin": b"\0\1", "deep/er/c.bin": b"\0\1"}
    assert run.logged_steps("m3") == set(range(40))


@pytest.mark.parametrize(
    "image",
    [np.linspace(0, 1, 12 * 20).reshape(12, 20), np.full((12, 20, 3), 77, np.uint8), np.eye(12, 20) > 0, np.full((12, 20, 1), 0.5)],
    ids=["grey", "colour", "mask", "channel"],
)
def test_pictures_lie_as_mlflow_lays_them(shared_store, run, image):
    """Beside one of MLflow's own: the same names but for time and id, the same pixels."""
    client = shared_store._client
    client.log_image(run.id, image, key="theirs/a", step=3)
    run.log_image(image, "ours/a", step=3)
    found = held(shared_store, run)
    assert found["tags"]["mlflow.loggedImages"] == "True"
    theirs, ours = (sorted(n for n in found["artifacts"] if word in n) for word in ("theirs", "ours"))
    for mine, their in zip(ours, theirs, strict=True):
        assert mine.replace("ours", "theirs").split("+")[:4] == their.split("+")[:4]
        assert [len(part) for part in mine.split("+")[4:]] == [len(part) for part in their.split("+")[4:]]
        assert mine.rsplit(".")[-1] == their.rsplit(".")[-1]
        pixels = [np.asarray(Image.open(io.BytesIO(found["artifacts"][name])).convert("RGB"), int) for name in (mine, their)]
        assert pixels[0].shape == pixels[1].shape
        assert abs(pixels[0] - pixels[1]).max() <= 1


def test_names_are_cleaned_and_what_mlflow_refuses_costs_nothing_else(shared_store, run, capsys):
    run.log_metrics({"f1 (macro)?": 0.5, "a//b": 1.0})
    run.log_parameters({"p": 1, "q": 1})
    run.log_parameters({"p": 2, "r": 1, "q": 1})
    run.log_text("x", "../outside.txt")
    run.log_text("y", "odd?name.txt")
    run.log_metrics({"after": 1.0})
    found = held(shared_store, run)
    assert {key: points[0][1] for key, points in found["metrics"].items()} == {"f1 _macro__": 0.5, "a/b": 1.0, "after": 1.0}
    assert found["parameters"] == {"p": "1", "q": "1", "r": "1"}
    assert found["artifacts"] == {"outside.txt": b"x", "odd_name.txt": b"y"}
    notes = json.loads((shared_store.root / "journal" / run.key / "sent.json").read_text())["refused"]
    assert [what for _, what, _ in notes] == ["parameter p"]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(f"tracking: MLflow refuses parameter p of run {run.id} (")


def test_a_key_opens_the_same_run_again(shared_store):
    for number in range(3):
        with shared_store.start("again", "x", {"attempt": str(number)}, key="again-1") as run:
            run.log_metrics({"m": number}, step=number)
        assert run.key == "again-1"
    (record,) = shared_store.find("again", {"kzoo.key": "again-1"})
    assert record.id == run.id == shared_store.get("again-1").id
    assert record.tags["attempt"] == "2"
    assert record.status == "FINISHED"
    assert [p.step for p in shared_store._client.get_metric_history(run.id, "m")] == [0, 1, 2]
    assert shared_store.link(run).endswith(f"/runs/{run.id}?workflowType=machine_learning")


def test_a_parent_that_comes_later_finds_its_children(shared_store, tmp_path):
    """Those of another machine, of which nothing is left there."""
    there = Store(shared_store.uri, root=tmp_path)
    for number in range(2):
        with there.start("orphans", "child", key=f"orphan-{number}", parent="orphans"):
            pass
    assert there.get("orphan-0").tags["kzoo.parent"] == "orphans"
    shutil.rmtree(tmp_path / "journal")
    with shared_store.start("orphans", "parent", key="orphans"):
        pass
    for number in range(2):
        tags = shared_store.get(f"orphan-{number}").tags
        assert tags["mlflow.parentRunId"] == shared_store.get("orphans").id
        assert "kzoo.parent" not in tags


def test_a_child_knows_its_parent(shared_store):
    with shared_store.start("family", "parent", key="parent"), shared_store.start("family", "child", key="child", parent="parent"):
        pass
    assert shared_store.get("child").tags["mlflow.parentRunId"] == shared_store.get("parent").id


def test_a_run_may_be_added_to_after_its_end(shared_store):
    with shared_store.start("late", "x", key="late") as run:
        pass
    assert not (shared_store.root / "journal" / "late").exists()
    run.set_tags({"late": "yes"})
    assert shared_store.get("late").tags["late"] == "yes"
    assert shared_store.flush(10)
    assert not (shared_store.root / "journal" / "late").exists()
    assert len(shared_store.runs("late")) == 1


@pytest.mark.parametrize("key", ["", "a/b", "../x", "a b", "x" * 101, "a'b"])
def test_a_key_that_is_no_name(shared_store, key):
    with pytest.raises(ArgumentError, match=r"^key: expected letters, digits, _, - and \., at most 100"):
        shared_store.start("keys", "x", key=key)


def test_a_key_of_another_experiment(shared_store):
    with shared_store.start("one", "x", key="taken"), pytest.raises(ArgumentError, match=r"^key: .*a run in experiment one"):
        shared_store.start("two", "x", key="taken")


def test_a_failure_says_why(shared_store):
    run = shared_store.start("why", "x", key="why")
    with pytest.raises(TrainingError), run:
        raise TrainingError("train/loss is nan at epoch 3. Start a new run.")
    assert shared_store.get("why").tags["kzoo.reason"] == "NaN at epoch 3"
    found = content(shared_store._client, "why")["x"]
    assert b"TrainingError: train/loss is nan at epoch 3" in found["artifacts"]["error.txt"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out of memory"),
        (RuntimeError("{{function_node x}} OOM: ResourceExhaustedError ..."), "out of memory"),
        (TrainingError("val/loss is inf at epoch 12. ..."), "infinite loss at epoch 12"),
        (KeyboardInterrupt(), "interrupted"),
        (ValueError("x" * 200), f"ValueError: {'x' * 85}..."),
    ],
)
def test_reasons(error, reason):
    assert short_reason(error) == reason


def test_an_experiment_that_was_deleted_comes_back(tmp_path):
    store = Store(root=tmp_path)
    with store.start("phoenix", "a"):
        pass
    client = store._client
    client.delete_experiment(client.get_experiment_by_name("phoenix").experiment_id)
    with store.start("phoenix", "b"):
        pass
    assert "b" in {record.name for record in store.runs("phoenix")}


def test_a_run_that_is_deleted_while_it_trains_harms_nothing(shared_store, capsys):
    with shared_store.start("deleted", "x", key="deleted") as run:
        run.log_metrics({"m": 1.0})
        shared_store._client.delete_run(run.id)
        run.log_metrics({"m": 2.0}, step=1)
    assert "MLflow refuses metric m" in capsys.readouterr().err
    with shared_store.start("deleted", "y", key="next") as run:
        run.log_metrics({"m": 1.0})
    assert shared_store.get("next").metrics == {"m": 1.0}


def test_a_run_that_was_lost_by_the_store_is_sent_again(tmp_path, monkeypatch):
    monkeypatch.setattr("kzoo.tracking.delivery.RETRY", 0.3)
    store = Store(root=tmp_path)
    with store.start("lost", "x", key="lost") as run:
        run.log_metrics({"m": 1.0}, step=1)
        run.log_text("a", "a.txt")
        first = store.get("lost").id
        with sqlite3.connect(tmp_path / "mlflow.db") as database:
            for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
                database.execute(f"DELETE FROM {table}")
        database.close()
        run.log_metrics({"m": 2.0}, step=2)
    end = time.monotonic() + 90
    while not run._journal.settled and time.monotonic() < end:
        time.sleep(0.02)
    found = content(store._client, "lost")["x"]
    assert found["id"] != first
    assert [(s, v) for s, v, _ in found["metrics"]["m"]] == [(1, 1.0), (2, 2.0)]
    assert found["artifacts"] == {"a.txt": b"a"}


def test_a_run_that_another_process_writes_is_refused(shared_store):
    code = (
        f"import pathlib, sys, kzoo\nrun = kzoo.Store(root=pathlib.Path({str(shared_store.root)!r})).start('held', 'x', key='held')\n"
        "print('open', flush=True)\nsys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(InputError, match=r"^run held: is being written by another process"):
            shared_store.start("held", "x", key="held")
    finally:
        other.communicate(timeout=90)
    with shared_store.start("held", "x", key="held"):
        pass
    assert len(shared_store.runs("held")) == 1


def test_an_empty_double_that_a_lost_answer_has_left_is_removed(shared_store):
    with shared_store.start("double", "x", key="double") as run:
        run.log_metrics({"m": 1.0})
        client = shared_store._client
        double = client.create_run(client.get_run(run.id).info.experiment_id, tags={"kzoo.key": "double"})
        other = client.create_run(double.info.experiment_id, tags={"kzoo.key": "another"})
    assert {record.id for record in shared_store.runs("double")} == {run.id, other.info.run_id}


def test_runs_that_nobody_is_left_to_send_are_sent_by_the_next_training(tmp_path):
    code = (
        "import os, pathlib, signal, kzoo, kzoo.tracking.delivery as d\nd.LINGER = 60\n"
        f"run = kzoo.Store(root=pathlib.Path({str(tmp_path)!r})).start('left', 'x', key='left')\n"
        "run.__enter__()\nfor step in range(20): run.log_metrics({'m': step / 3}, step=step)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    store = Store(root=tmp_path)
    with store.start("left", "y", key="next"):
        pass
    expected = [(step, step / 3) for step in range(20)]
    end = time.monotonic() + 90
    while True:
        found = content(store._client, "left").get("x", {"status": None, "metrics": {}})
        points = [(step, value) for step, value, _ in found["metrics"].get("m", [])]
        if (found["status"], points) == ("KILLED", expected) or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert (found["status"], points) == ("KILLED", expected)
