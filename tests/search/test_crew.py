"""Workers on this machine, here programs of one line."""

import signal
import subprocess
import sys
import time

import pytest

from kzoo import TrainingError
from kzoo.search import crew
from kzoo.search.crew import DEATHS, RECYCLED, Crew, visible_gpus


def crew_of(program, folder, monkeypatch, count=2):
    monkeypatch.setattr(Crew, "_command", lambda _: [sys.executable, "-S", "-c", program])
    return Crew("127.0.0.1:1", count, folder)


def tend_until(workers, done, limit=90.0):
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end
        workers.tend()
        time.sleep(0.02)


def test_one_that_wants_to_be_replaced_is_replaced_for_ever(tmp_path, monkeypatch):
    workers = crew_of(f"import sys; sys.exit({RECYCLED})", tmp_path, monkeypatch, count=1)
    seen = set()

    def many():
        seen.add(workers.workers[0].pid)
        return len(seen) > DEATHS + 1

    tend_until(workers, many)
    assert workers.deaths == [0]
    workers.dismiss()


def test_those_that_die_again_and_again_end_the_search_with_their_last_words(tmp_path, monkeypatch):
    workers = crew_of("raise SystemExit('no such data')", tmp_path, monkeypatch)
    with pytest.raises(TrainingError, match=r"workers: all 2 died 3 times\. The last one said: no such data"):
        tend_until(workers, lambda: False)


def test_one_whose_search_is_over_is_not_replaced(tmp_path, monkeypatch):
    workers = crew_of("", tmp_path, monkeypatch)
    first = [worker.pid for worker in workers.workers]
    tend_until(workers, lambda: workers.tend() == 0)
    assert [worker.pid for worker in workers.workers] == first


def test_one_that_is_killed_is_replaced(tmp_path, monkeypatch):
    workers = crew_of("import time; time.sleep(60)", tmp_path, monkeypatch)
    killed = workers.workers[0]
    killed.send_signal(signal.SIGKILL)
    tend_until(workers, lambda: workers.deaths == [1, 0])
    assert workers.workers[0].pid != killed.pid
    assert workers.tend() == 2
    workers.dismiss()
    assert all(worker.poll() is not None for worker in workers.workers)


def test_the_token_is_told_where_other_users_do_not_see_it(tmp_path):
    workers = Crew("127.0.0.1:1", 0, tmp_path, token="secret")
    assert workers._environment(0)["KZOO_TOKEN"] == "secret"
    assert "secret" not in " ".join(workers._command())


def test_each_has_a_gpu_of_its_own_else_a_share_of_the_cores(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr(crew, "visible_gpus", lambda: ["3", "5"])
    pinned = crew_of("", tmp_path, monkeypatch, count=3)
    assert [pinned._environment(place)["CUDA_VISIBLE_DEVICES"] for place in range(3)] == ["3", "5", "3"]
    monkeypatch.setattr(crew, "visible_gpus", list)
    assert crew_of("", tmp_path, monkeypatch, count=3)._environment(0)["OMP_NUM_THREADS"] == "2"


def test_gpus_that_are_hidden_are_not_used(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-1a")
    assert visible_gpus() == ["2", "GPU-1a"]
    for nothing in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", nothing)
        assert visible_gpus() == []


def test_gpus_that_the_driver_lists(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert visible_gpus() == []
    monkeypatch.setattr("shutil.which", lambda _: "nvidia-smi")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: subprocess.CompletedProcess([], 0, "0\n1\n"))
    assert visible_gpus() == ["0", "1"]
    monkeypatch.setattr("subprocess.run", lambda *_, **__: subprocess.CompletedProcess([], 9, "NVIDIA-SMI has failed\n"))
    assert visible_gpus() == []
