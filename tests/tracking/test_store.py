"""The store: real databases, real concurrency, and what a user may set wrong."""

import os
import socket
import subprocess
import sys

import pytest

from kzoo import InputError, Store
from kzoo.tracking import serve


def test_a_run_ends_finished_failed_or_killed(shared_store):
    for error, status in ((None, "FINISHED"), (ValueError("broken\nmore"), "FAILED"), (KeyboardInterrupt(), "KILLED")):
        run = shared_store.start("ends", "x")
        try:
            with run:
                if error:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
        record = shared_store.get(run.id)
        assert record.status == status
        if isinstance(error, ValueError):
            assert record.tags["kzoo.error"] == "ValueError: broken"


def test_what_is_not_finite_is_named_not_logged(shared_store):
    with shared_store.start("finite", "x") as run:
        run.log_metrics({"a": 1.0, "b": float("nan"), "c": float("inf")}, step=3)
    record = shared_store.get(run.id)
    assert record.metrics == {"a": 1.0}
    assert record.tags["kzoo.nonfinite"] == "b, c at step 3"


def test_more_parameters_than_one_request_takes(shared_store):
    with shared_store.start("many", "x") as run:
        run.log_parameters({f"p{i}": "v" * 7000 for i in range(230)})
    parameters = shared_store.get(run.id).parameters
    assert len(parameters) == 230
    assert len(parameters["p0"]) == 6000


def test_runs_carry_who_and_from_where(shared_store):
    with shared_store.start("context", "x", {"colour": "red"}) as run:
        pass
    tags = shared_store.get(run.id).tags
    assert {"mlflow.user", "mlflow.source.name", "kzoo.host", "kzoo.pid"} <= set(tags)
    assert tags["colour"] == "red"


def test_runs_of_a_dead_process_are_marked_and_can_be_resumed(shared_store):
    run = shared_store.start("dead", "x")
    run.__enter__()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    run.set_tags({"kzoo.pid": str(gone.pid)})
    shared_store.start("dead", "next")
    assert shared_store.get(run.id).status == "KILLED"
    assert shared_store.resume(run.id).id == run.id


def test_a_run_that_is_alive_is_not_resumed(shared_store):
    run = shared_store.start("alive", "x")
    run.__enter__()
    with pytest.raises(InputError, match=rf"still being trained by process {os.getpid()} on {socket.gethostname()}"):
        shared_store.resume(run.id)


def test_a_run_that_counts_as_running_elsewhere_is_resumed_by_force(shared_store):
    run = shared_store.start("elsewhere", "x", {"kzoo.host": "another", "kzoo.pid": "1"})
    with pytest.raises(InputError, match=r"by process 1 on another\. Stop it first; if it is dead, add --force"):
        shared_store.resume(run.id)
    assert shared_store.resume(run.id, force=True).id == run.id


def test_a_run_belongs_to_its_process_from_its_first_moment(shared_store):
    run = shared_store.start("owned", "x")
    assert shared_store.get(run.id).tags["kzoo.pid"] == str(os.getpid())


def test_an_empty_variable_is_an_unset_one(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert Store(root=tmp_path).local


def test_artifacts_stay_inside_whatever_the_experiment_is_called(tmp_path, monkeypatch, shared_store):
    monkeypatch.chdir(tmp_path)
    with shared_store.start("../../escaped 'x'", "x") as run:
        run.log_text("hello", "a.txt")
    assert len(list((shared_store.root / "artifacts").rglob(f"{run.id}/artifacts/a.txt"))) == 1
    assert shared_store.runs("../../escaped 'x'")[0].id == run.id


def test_serving_on_a_taken_port_or_for_a_server(shared_store):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"--port: expected a free port. Received: {port}"):
            serve(shared_store, port)


def test_an_unknown_experiment_is_named_with_the_nearest(shared_store):
    with shared_store.start("nuclei", "x"):
        pass
    with pytest.raises(InputError, match=r"^experiment nuclie: not found in .* Did you mean nuclei\?"):
        shared_store.runs("nuclie")


def test_find_by_tags_and_status(shared_store):
    with shared_store.start("find", "x", {"kind": "a"}) as run:
        pass
    shared_store.start("find", "y", {"kind": "a"})
    assert [r.id for r in shared_store.find("find", {"kind": "a"}, status="FINISHED")] == [run.id]
    assert len(shared_store.find("find", {"kind": "a"})) == 2
    assert shared_store.find("find", {"kind": "b"}) == shared_store.find("nowhere", {}) == []


def test_the_environment_variable_chooses_the_store(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    store = Store(root=tmp_path / "root")
    assert not store.local
    assert (tmp_path / "other.db").exists()


NOBODY = "http://127.0.0.1:9"


def test_a_question_to_a_store_that_does_not_answer(tmp_path):
    expected = r"^tracking store http://127\.0\.0\.1:9: cannot be opened .*Expected MLFLOW_TRACKING_URI as sqlite:///PATH"
    with pytest.raises(InputError, match=expected):
        Store(NOBODY, root=tmp_path, create=False)
    with pytest.raises(InputError, match=expected):
        Store(NOBODY, root=tmp_path).runs()


@pytest.mark.parametrize("uri", ["htp://127.0.0.1:5000", "mlruns", "file:///x", "http://", "http://host:port", "postgresql+no://a/b"])
def test_an_address_that_can_never_work_is_refused_before_anything_else(tmp_path, uri):
    with pytest.raises(InputError, match=r"^tracking store .*Expected MLFLOW_TRACKING_URI as sqlite:///PATH"):
        Store(uri, root=tmp_path)


def test_a_database_whose_driver_is_missing_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    expected = (
        r"^tracking store postgresql\+psycopg2://host/db: expected the driver of this database\. Received: .*psycopg2.*\. Install it here"
    )
    with pytest.raises(InputError, match=expected):
        Store("postgresql+psycopg2://me:secret@host/db", root=tmp_path)


def test_artifacts_lie_under_the_root(shared_store, tmp_path):
    with shared_store.start("artifacts", "x") as run:
        run.log_text("hello", "a.txt")
    assert (shared_store.root / "artifacts" / "artifacts" / run.id / "artifacts" / "a.txt").read_text() == "hello"
    assert shared_store.download(run.id, "a.txt", tmp_path).read_text() == "hello"
    with pytest.raises(InputError, match=rf"run {run.id}: has no artifact b.txt"):
        shared_store.download(run.id, "b.txt", tmp_path)


@pytest.mark.processes
def test_four_processes_on_a_fresh_store(tmp_path):
    code = f"import pathlib, kzoo\nwith kzoo.Store(root=pathlib.Path({str(tmp_path)!r})).start('e', 'x'): pass"
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    assert [p.wait(120) for p in processes] == [0] * 4, [p.stderr.read()[-500:] for p in processes]
    assert len(Store(root=tmp_path).runs("e")) == 4
