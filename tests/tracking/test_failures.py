"""Requests that fail though the store answers others, runs that go on, questions that nobody answers; with real databases."""

import errno
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR, TEMPORARILY_UNAVAILABLE

from kzoo import InputError, Store, cli
from kzoo.tracking import notice
from kzoo.tracking.delivery import delivery_of
from kzoo.tracking.journal import Journal
from kzoo.tracking.owner import is_dead, owner
from kzoo.tracking.sender import ATTEMPTS

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def failing(monkeypatch):
    """Lets the first requests of MLflow's client fail; the arguments of those that failed."""

    def arrange(method, error, times):
        real, failed = getattr(MlflowClient, method), []

        def request(self, *arguments, **named):
            if len(failed) < times:
                failed.append(arguments)
                raise error
            return real(self, *arguments, **named)

        monkeypatch.setattr(MlflowClient, method, request)
        return failed

    return arrange


def points(store, run, metric):
    return [(p.step, p.value) for p in store._client.get_metric_history(run.id, metric)]


def until(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("code", "times"), [(BAD_REQUEST, 1), (TEMPORARILY_UNAVAILABLE, ATTEMPTS + 2)])
def test_a_failure_that_passes_is_no_refusal(shared_store, failing, capsys, code, times):
    failed = failing("log_batch", MlflowException("QueuePool limit; database is locked", code), times)
    with shared_store.start("passing", "x") as run:
        run.log_metrics({"m": 0.5}, step=1)
    until(lambda: run._journal.settled)
    assert len(failed) == times
    assert points(shared_store, run, "m") == [(1, 0.5)]
    assert "refuses" not in capsys.readouterr().err


@pytest.mark.usefixtures("impatient")
def test_a_file_that_cannot_be_sent_costs_nothing_else_and_is_sent_by_sync(tmp_path, failing):
    store = Store(root=tmp_path)
    failed = failing("log_artifact", MlflowException("disk", INTERNAL_ERROR), ATTEMPTS)
    with store.start("stubborn", "x", key="stubborn") as run:
        run.log_text("hello", "a.txt")
        run.log_text("more", "b.txt")
        run.log_metrics({"m": 0.5})
    until(lambda: run._journal.settled and not delivery_of(store.uri, store.root).held(tmp_path / "journal" / "stubborn"))
    assert len(failed) == ATTEMPTS
    assert (store.get(run.id).status, store.get(run.id).metrics) == ("FINISHED", {"m": 0.5})
    assert [a.path for a in store._client.list_artifacts(run.id)] == ["b.txt"]
    done = store.sync()
    assert (done.events, done.remaining) == (1, 0)
    assert store.download(run.id, "a.txt", tmp_path).read_text() == "hello"
    assert not (tmp_path / "journal" / "stubborn").exists()


def test_sync_passes_what_fails_and_sends_the_rest(tmp_path, failing):
    store = Store(NOBODY, root=tmp_path)
    with store.start("later", "x", key="later") as run:
        run.log_text("hello", "a.txt")
        run.log_metrics({"m": 0.5})
    identity = (tmp_path / "journal" / "later" / "run.json").read_text()
    (tmp_path / "journal" / "later" / "run.json").write_text(identity.replace(f'"{NOBODY}"', "null"))
    failing("log_artifact", MlflowException("disk", INTERNAL_ERROR), 1)
    store = Store(root=tmp_path)
    assert store.sync().remaining == 1
    assert (store.get("later").status, store.get("later").metrics) == ("FINISHED", {"m": 0.5})
    assert store.sync().remaining == 0


@pytest.mark.usefixtures("impatient")
def test_a_request_that_breaks_the_server_keeps_no_other_run_waiting(shared_store, failing):
    error = MlflowException("API request failed with exception: too many 500 error responses")
    failing("log_batch", error, times=1)
    with shared_store.start("breaks", "a") as run:
        run.log_metrics({"m": 1.0})
        with shared_store.start("breaks", "b") as other:
            other.log_metrics({"m": 2.0}, step=1)
    assert points(shared_store, other, "m") == [(1, 2.0)]
    assert not delivery_of(shared_store.uri, shared_store.root).broken
    until(lambda: run._journal.settled)
    assert points(shared_store, run, "m") == [(0, 1.0)]


def test_runs_that_have_ended_hold_no_files_while_the_store_is_away(tmp_path):
    store = Store(NOBODY, root=tmp_path)
    with store.start("many", "first"):
        pass
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        with store.start("many", "x", key=f"r{number}") as run:
            run.log_metrics({"m": number})
    until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before + 1)
    run.set_tags({"late": "yes"})
    assert Journal(tmp_path / "journal" / "r19", lock=False).tags["late"] == "yes"


def test_a_step_is_logged_once_with_and_without_the_journal(shared_store):
    for attempt in range(3):
        run = shared_store.start("once", "x", key="once")
        with suppress(ValueError), run:
            for step in range(attempt + 2):
                run.log_metrics({"m": attempt + step / 8}, step=step)
            raise ValueError
        assert shared_store.flush(10)
        if attempt == 1:
            until(lambda: not delivery_of(shared_store.uri, shared_store.root).held(shared_store.root / "journal" / "once"))
            subprocess.run(["rm", "-r", shared_store.root / "journal" / "once"], check=True)
    assert points(shared_store, run, "m") == [(0, 0.0), (1, 0.125), (2, 1.25), (3, 2.375)]


def test_a_run_that_goes_on_has_no_reason_for_its_failure(shared_store):
    with pytest.raises(ValueError, match="broken"), shared_store.start("cleared", "x", key="cleared"):
        raise ValueError("broken")
    assert shared_store.get("cleared").tags["kzoo.reason"] == "ValueError: broken"
    with shared_store.resume("cleared"):
        pass
    found = shared_store.get("cleared")
    assert (found.status, found.tags["kzoo.reason"], found.tags["kzoo.error"]) == ("FINISHED", "", "")


def test_a_disk_that_is_full_costs_the_artifact_not_the_end_of_the_run(shared_store, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with suppress(ValueError), shared_store.start("full", "x") as run:
        monkeypatch.setattr(Journal, "place", full)
        run.log_text("hello", "a.txt")
        raise ValueError("broken")
    assert shared_store.get(run.id).status == "FAILED"
    assert "a.txt of run" in capsys.readouterr().err


def test_a_warning_without_an_error_stream_harms_nothing(monkeypatch):
    with Path(os.devnull).open("w") as closed:
        monkeypatch.setattr(sys, "stderr", closed)
    notice.warn("x", "nobody hears")


def test_a_process_that_has_taken_the_number_of_a_dead_one_is_another():
    assert not is_dead(owner())
    assert is_dead({**owner(), "kzoo.began": "another boot 1"})
    assert not is_dead({**owner(), "kzoo.began": ""})


def test_a_run_that_could_not_be_resumed_can_be_resumed_later(tmp_path):
    """Opened and not entered, as `train` does that finds the recipe to differ; begun by a process that was killed."""
    code = (
        f"import os, pathlib, kzoo\nrun = kzoo.Store({NOBODY!r}, root=pathlib.Path({str(tmp_path)!r})).start('e', 'x', key='victim')\n"
        "run.__enter__()\nos._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 9
    store = Store(NOBODY, root=tmp_path)
    for _ in range(2):
        assert store.resume("victim").key == "victim"


def test_sync_asks_a_store_that_has_gone_away_once(tmp_path, monkeypatch):
    store = Store(NOBODY, root=tmp_path / "mlruns")
    for number in range(3):
        with store.start("gone", "x", key=f"r{number}"):
            pass
    monkeypatch.setattr(Store, "_open", lambda _: None)
    monkeypatch.setattr(Store, "flush", lambda *_: None)
    asked = []
    real = MlflowClient.get_experiment_by_name
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", lambda *a: (asked.append(1), real(*a))[1])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    monkeypatch.chdir(tmp_path)
    until(lambda: all(map(_is_free, store.root.glob("journal/*"))))
    with pytest.raises(InputError, match=r"^[0-9]+ entries are not sent yet \(connection refused\)"):
        cli.app(["sync"], standalone_mode=False)
    assert len(asked) == 1


def _is_free(folder):
    try:
        Journal(folder).doze()
        return True
    except RuntimeError:
        return False


def test_runs_of_the_local_store_are_sent_without_the_variable(tmp_path, monkeypatch, capsys):
    with Store(root=tmp_path / "mlruns").start("here", "x", key="here"):
        pass
    folder = tmp_path / "mlruns" / "journal" / "here"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"key":"here","experiment":"here","name":"x","tags":{},"parent":null,"at":1,"uri":null}')
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    monkeypatch.chdir(tmp_path)
    cli.app(["sync"], standalone_mode=False)
    assert "1 runs belong to the local store; they are sent with MLFLOW_TRACKING_URI unset" in capsys.readouterr().out


@pytest.mark.parametrize("question", [lambda s: s.runs(), lambda s: s.find("e", {}), lambda s: s.get("x"), lambda s: s.experiments()])
def test_a_store_that_goes_away_between_two_questions(tmp_path, question):
    store = Store(NOBODY, root=tmp_path)
    store._made = MlflowClient(NOBODY)
    with pytest.raises(InputError, match=r"^tracking store http://127\.0\.0\.1:9: cannot be opened"):
        question(store)


@pytest.mark.parametrize("port", ["0", "70000"])
def test_a_port_that_is_none(port):
    with pytest.raises(Exception, match=r"(greater|less) than or equal to|not in the range"):
        cli.app(["ui", "--port", port], standalone_mode=False)
