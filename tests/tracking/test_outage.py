"""Servers that go away, that never were, that accept and never answer; trainings that are killed. All of it with real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from kzoo import InputError, Store, train
from kzoo.tracking import delivery
from kzoo.training.progress import Progress
from tests.conftest import small_recipe

from .servers import Server, content, values

LIMIT = 180
KZOO = [sys.executable, "-m", "kzoo.cli"]
NOBODY = "http://127.0.0.1:9"


def fill(run, epochs=range(5)):
    """Something of every kind."""
    run.log_parameters({"p": 1, "q": "two"})
    run.log_dataset("digits/train", "abc", "digits", "train")
    for step in epochs:
        run.log_metrics({"train/loss": 1 / (step + 1), "val/iou": step / 7}, step=step)
    run.set_tags({"colour": "red"})
    run.log_text("hello", "notes/a.txt")
    run.log_image([[0.0, 1.0]], "pred/0", step=1)


def assert_filled(found, epochs=range(5)):
    assert found["parameters"] == {"p": "1", "q": "two"}
    assert values(found, "train/loss") == [(step, 1 / (step + 1)) for step in epochs]
    assert values(found, "val/iou") == [(step, step / 7) for step in epochs]
    assert found["tags"]["colour"] == "red"
    assert found["datasets"] == [("digits/train", "abc", "train")]
    assert found["artifacts"]["notes/a.txt"] == b"hello"
    assert len(found["artifacts"]) == 3


class Outage(Progress):
    """Kills the server after the second epoch and starts it again after the fourth."""

    def __init__(self, server):
        self.server = server

    def epoch(self, row):
        if row["epoch"] == 2:
            self.server.kill()
        if row["epoch"] == 4:
            self.server.start()


@pytest.mark.processes
@pytest.mark.usefixtures("impatient")
def test_a_server_that_goes_away_and_comes_back_while_a_network_trains(server, tmp_path, capsys):
    store = Store(server.uri, root=tmp_path)
    trained = train(small_recipe(experiment="outage", training__epochs=6), store=store, progress=Outage(server))
    assert store.flush(60)
    (found,) = server.content("outage").values()
    assert found["status"] == "FINISHED"
    assert found["id"] == trained.run_id
    for key in set(trained.history[0]) - {"epoch"}:
        assert values(found, key) == [(row["epoch"], row[key]) for row in trained.history]
    assert {key: points[-1][1] for key, points in found["metrics"].items() if key in trained.metrics} == dict(trained.metrics)
    assert {"model.keras", "recipe.yaml", "predictions.png", "network.svg"} <= set(found["artifacts"])
    assert not list((tmp_path / "journal").iterdir())
    assert capsys.readouterr().err.count("tracking:") == 1


@pytest.mark.processes
@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_killed_at_many_moments_gets_every_value_once(server, tmp_path):
    store = Store(server.uri, root=tmp_path)
    with store.start("moments", "x", key="moments") as run:
        for step in range(300):
            run.log_metrics({"a": step / 3, "b": -step}, step=step)
            time.sleep(0.01)
            if step in (60, 180):
                server.kill()
            if step in (100, 220):
                server.start()
    assert store.flush(60)
    found = server.content("moments")["x"]
    assert values(found, "a") == [(step, step / 3) for step in range(300)]
    assert values(found, "b") == [(step, -step) for step in range(300)]


@pytest.mark.processes
def test_without_a_server_kzoo_trains_and_sync_recovers_all_of_it(server, tmp_path):
    """The same training twice, with and without a server, is the same run in the end."""
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(small_recipe(experiment="absent", run="absent", training__epochs=3)))

    def kzoo(uri, *arguments):
        environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "PYTHONPATH": str(Path.cwd())}
        return subprocess.run([*KZOO, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LIMIT)

    server.kill()
    done = kzoo(server.uri, "train", "recipe.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"tracking: {server.uri} does not answer (connection refused). Runs are kept in ")
    assert done.stderr.count("\n") == 1
    waiting = kzoo(server.uri, "sync")
    assert waiting.returncode == 2
    assert waiting.stderr.startswith(f"error: tracking store {server.uri}: cannot be opened")
    server.start()
    synced = kzoo(server.uri, "sync")
    assert synced.returncode == 0, synced.stderr
    assert synced.stdout.endswith(" entries of 1 runs\n")
    first = server.content("absent")
    again = kzoo(server.uri, "sync")
    assert (again.returncode, again.stdout) == (0, "nothing to send\n")
    assert server.content("absent") == first
    with_server = kzoo(server.uri, "train", "recipe.yaml", "--set", "run=present")
    assert with_server.returncode == 0
    found = server.content("absent")
    absent, present = found["absent"], found["present"]
    assert absent["status"] == present["status"] == "FINISHED"
    assert absent["parameters"] == present["parameters"]
    assert absent["datasets"] == present["datasets"]
    assert set(absent["tags"]) == set(present["tags"])
    assert set(absent["artifacts"]) == set(present["artifacts"])
    assert set(absent["metrics"]) == set(present["metrics"])
    repeatable = [key for key in absent["metrics"] if not key.startswith(("speed/", "cost/seconds"))]
    assert len(repeatable) > 10
    for key in repeatable:
        assert values(absent, key) == values(present, key)
    history = absent["artifacts"]["history.csv"].decode().splitlines()
    names = history[0].split(",")
    for row in history[1:]:
        entry = dict(zip(names, map(float, row.split(",")), strict=True))
        for key in set(names) - {"epoch"}:
            assert (int(entry["epoch"]), entry[key]) in values(absent, key)


@pytest.mark.processes
def test_a_killed_training_is_sent_by_another_process(server, tmp_path):
    code = (
        "import os, pathlib, signal, sys, kzoo\n"
        f"store = kzoo.Store({NOBODY!r}, root=pathlib.Path({str(tmp_path)!r}))\n"
        "run = store.start('killed', 'x', key='victim')\n"
        "run.__enter__()\n"
        "for step in range(50): run.log_metrics({'a': step / 3}, step=step)\n"
        "run.log_text('hello', 'a.txt')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    ).replace(NOBODY, server.uri)
    server.kill()
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == -signal.SIGKILL
    events = tmp_path / "journal" / "victim" / "events.jsonl"
    with events.open("ab") as file:
        file.write(b'{"n":54,"at":1,"kind":"metr')
    server.start()
    done = Store(server.uri, root=tmp_path).sync()
    assert (done.runs, done.remaining, done.busy, done.problem) == (1, 0, 0, None)
    found = server.content("killed")["x"]
    assert found["status"] == "KILLED"
    assert values(found, "a") == [(step, step / 3) for step in range(50)]
    assert found["artifacts"] == {"a.txt": b"hello"}
    assert Store(server.uri, root=tmp_path).sync().events == 0
    assert server.content("killed")["x"] == found


@pytest.mark.processes
def test_sending_everything_again_changes_nothing(server, tmp_path):
    """As after a crash between sending and noting it: the note is lost, before and after each single entry."""
    store = Store(server.uri, root=tmp_path)
    kept = tmp_path / "kept"
    with store.start("replay", "x", key="replay") as run:
        fill(run)
        store.flush(30)
        subprocess.run(["cp", "-r", tmp_path / "journal", kept], check=True)
    store.flush(30)
    found = server.content("replay")["x"]
    assert_filled(found)
    for note in (None, {"number": 2, "run_id": run.id}, {"number": 0, "run_id": run.id}):
        (tmp_path / "journal").rmdir()
        subprocess.run(["cp", "-r", kept, tmp_path / "journal"], check=True)
        sent = tmp_path / "journal" / "replay" / "sent.json"
        sent.unlink()
        if note is not None:
            sent.write_text(json.dumps({**note, "experiment_id": "1"}))
        with (tmp_path / "journal" / "replay" / "events.jsonl").open("a") as file:
            file.write(f'{{"n":99,"at":{found["end"]},"kind":"status","status":"FINISHED"}}\n')
        assert store.sync().runs == 1
        assert server.content("replay") == {"x": found}


@pytest.mark.processes
def test_the_answer_to_a_creation_is_lost(server, tmp_path):
    """The run was made, the journal does not know it: it is found by its key."""
    store = Store(server.uri, root=tmp_path)
    client = MlflowClient(server.uri)
    experiment = client.create_experiment("lost answer")
    made = client.create_run(experiment, run_name="x", tags={"kzoo.key": "lost"}).info.run_id
    with store.start("lost answer", "x", key="lost") as run:
        run.log_metrics({"a": 1.0})
    assert run.id == made
    assert server.content("lost answer")["x"]["metrics"]["a"][0][1] == 1.0


@pytest.mark.processes
def test_parents_without_a_server(server, tmp_path):
    server.kill()
    store = Store(server.uri, root=tmp_path)
    with store.start("tree", "parent", key="search"):
        for number in range(3):
            with store.start("tree", f"trial {number}", key=f"search-{number}", parent="search") as run:
                run.log_metrics({"score": number / 3})
            assert run.id == run.key
            assert store.link(run) is None
    assert not store.flush(1)
    server.start()
    assert store.sync().remaining == 0
    found = server.content("tree")
    assert len(found) == 4
    assert {run["tags"].get("mlflow.parentRunId") for name, run in found.items() if name != "parent"} == {found["parent"]["id"]}
    assert store.link(run) == f"#/experiments/{run._journal.sent.experiment_id}/runs/{run.id}?workflowType=machine_learning"


def test_a_black_hole_is_waited_for_by_nobody(tmp_path, monkeypatch):
    """A hundred events that waited for it would take over a hundred seconds; `benchmarks/tracking_overhead.py` says what they do take."""
    monkeypatch.setattr("kzoo.tracking.store.START_WAIT", 0.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(64)
        store = Store(f"http://127.0.0.1:{hole.getsockname()[1]}", root=tmp_path)
        began = time.perf_counter()
        run = store.start("hole", "x")
        assert time.perf_counter() - began < 20
        run.__enter__()
        costs = []
        for step in range(100):
            began = time.perf_counter()
            run.log_metrics({f"m{i}": step / (i + 1) for i in range(10)}, step=step)
            costs.append(time.perf_counter() - began)
            time.sleep(0.002)
        assert sum(costs) < 20
        delivery.delivery_of(store.uri, store.root).flush(30, until=lambda: False)
        began = time.perf_counter()
        run.__exit__(None, None, None)
        with store.start("hole", "y") as second:
            second.log_metrics({"a": 1.0})
        assert time.perf_counter() - began < 20


def test_a_database_that_was_not_there_takes_it_later(tmp_path):
    """The journal of a server that never came is of no use to another store, and says whose it is."""
    store = Store(NOBODY, root=tmp_path)
    with store.start("elsewhere", "x") as run:
        fill(run)
    assert run.id == run.key
    with pytest.raises(InputError, match="cannot be opened"):
        store.get(run.id)
    assert Store(root=tmp_path).sync().elsewhere == {NOBODY: 1}


def test_a_training_without_a_server_is_resumed_without_a_server(tmp_path):
    class Stop(Progress):
        def epoch(self, row):
            if row["epoch"] == 2:
                raise KeyboardInterrupt

    store = Store(NOBODY, root=tmp_path)
    recipe = small_recipe(experiment="resumed", training__epochs=4)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(recipe, store=store, progress=Stop())
    key = next(iter((tmp_path / "unfinished").iterdir())).name
    assert any(f"kzoo train --resume {key}" in note for note in caught.value.__notes__)
    with pytest.raises(InputError, match=r"^training\.learning_rate: expected 0\.001"):
        train({**recipe, "training": {**recipe["training"], "learning_rate": 0.5}}, resume=key, store=store, progress=None)
    trained = train(resume=key, store=store, progress=None)
    assert [row["epoch"] for row in trained.history] == [1, 2, 3, 4]
    with pytest.raises(InputError, match=f"run {key}: is finished"):
        store.resume(key)


@pytest.mark.processes
def test_one_warning_and_a_resumption_by_key(server, tmp_path, capsys):
    server.kill()
    store = Store(server.uri, root=tmp_path)
    for _ in range(2):
        with pytest.raises(ValueError, match="could not convert"), store.start("twice", "x", key="twice") as run:
            run.log_metrics({"a": float("not numbers")}, step=1)
    assert len([line for line in capsys.readouterr().err.splitlines() if line.startswith(f"tracking: {server.uri}")]) == 1
    server.start()
    assert store.sync().remaining == 0
    assert store.resume("twice").key == "twice"
    assert content(MlflowClient(server.uri), "twice")["x"]["status"] == "FAILED"


@pytest.fixture(autouse=True)
def server_is_up(request):
    """Each test finds the server running, whatever the one before did."""
    if "server" in request.fixturenames:
        found: Server = request.getfixturevalue("server")
        if found.process is None:
            found.start()
