"""Searches in many processes whose chief or workers are killed; each must end."""

import os
import signal
import time

import pytest

from kzoo import load_recipe
from kzoo.search.crew import RECYCLED
from kzoo.search.outcome import Outcome
from kzoo.search.sound import LOST
from kzoo.search.trial import INACTIVE
from tests.tracking.servers import Server

from .searches import Kept, Search

pytestmark = pytest.mark.processes

LEASE = 4.0
SLACK = 30.0
"""Seconds beside a lease for which nobody may be at a trial, whatever has happened: workers import for some of them."""


def test_the_trial_of_a_dead_worker_is_taken_over(forks, tmp_path):
    at = [("0000 saved 2", "die")]
    with Search(forks, tmp_path, tuner="random", trials=4) as search:
        status, said = search.run("tune", "small.yaml", "--workers", "2", "--lease", str(LEASE), at=at)
    assert status == 0, said
    assert len(set(search.points)) == 4
    assert set(search.trained.values()) == {1}
    assert len({line["pid"] for line in search.log if line["word"] == "fit"}) >= 2
    kept = Kept(search)
    kept.assert_whole({f"000{n}": 3 for n in range(4)})
    assert kept.trials["0000"].data.tags["kzoo.attempt"] == "2"
    assert kept.trials["0000"].data.tags["kzoo.resumed_at_epoch"] == "2"
    assert search.idle_since(search.wait_for(word="passed")["time"]) < LEASE + SLACK


def test_a_trial_whose_workers_die_twice_has_failed_and_the_search_goes_on(forks, tmp_path):
    at = [("0000 logged 1", "die"), ("0000 logged 2", "die")]
    with Search(forks, tmp_path, tuner="random", trials=3) as search:
        status, said = search.run("tune", "small.yaml", "--workers", "2", "--lease", str(LEASE), at=at)
    assert status == 0, said
    assert {trial: (o["status"], o["reason"]) for trial, o in search.outcomes.items()} == {
        "0000": ("failed", LOST),
        "0001": ("completed", None),
        "0002": ("completed", None),
    }
    assert set(search.trained.values()) == {1}
    assert [epoch for trial, epoch in search.trained if trial == "0000"] == [1, 2]
    kept = Kept(search)
    assert {trial: run.info.status for trial, run in kept.trials.items()} == {"0000": "FAILED", "0001": "FINISHED", "0002": "FINISHED"}
    lost = kept.trials["0000"].data.tags
    assert (lost["kzoo.reason"], lost["kzoo.attempt"]) == (LOST, "2")
    assert [run.info.status for run in kept.parents] == ["FINISHED"]
    passed = [line for line in search.log if line["word"] == "passed"]
    assert len({line["pid"] for line in passed}) == 2
    assert search.idle_since(passed[-1]["time"]) < LEASE + SLACK


def test_workers_are_replaced_after_some_trials(forks, tmp_path):
    with Search(forks, tmp_path, tuner="random", trials=5) as search:
        status, said = search.run("tune", "small.yaml", "--workers", "1", recycled=2)
    assert status == 0, said
    at = [(line["pid"], line["trial"]) for line in search.log if line["word"] == "fit"]
    assert [trial for _, trial in at] == [f"000{n}" for n in range(5)]
    first, second, third = dict.fromkeys(pid for pid, _ in at)
    assert [pid for pid, _ in at] == [first, first, second, second, third]
    assert set(search.trained.values()) == {1}
    kept = Kept(search)
    kept.assert_whole({f"000{n}": 3 for n in range(5)})
    assert {run.data.tags["kzoo.attempt"] for run in kept.trials.values()} == {"1"}


def test_a_chief_that_is_killed_and_restarted_finds_its_workers_at_work(forks, tmp_path):
    """Workers from elsewhere, one of which leaves after two trials; another one joins late, and one when all is over."""
    with Search(forks, tmp_path, tuner="random", trials=6) as search:
        chief = search.start("tune", "small.yaml", "--workers", "0", "--lease", "30")
        join = join_of(chief)
        plan = {"slow": 1.0}
        workers = [search.start(*join, *own, **plan) for own in ([], ["--trials", "2"])]
        search.wait_for(word="epoch", epoch=1)
        chief.send()
        assert chief.end()[0] == -9
        killed = chief.ended
        chief = search.start("tune", "small.yaml", "--resume", "--workers", "0", "--lease", "30")
        assert join_of(chief) == join
        workers.append(search.start(*join, **plan))
        status, said = chief.end()
        assert status == 0, said
        assert [worker.end(30)[0] for worker in workers] == [0, RECYCLED, 0]
        assert search.idle_since(killed) < 30 + SLACK
        over = time.time()
        status, said = search.run(*join)
        assert search.begun[-1].ended - over < 30 + SLACK
    assert status == 2
    assert said.splitlines()[-1].startswith(f"error: --join: expected a search at {join[2]}. Received: no answer")
    assert set(search.trained.values()) == {1}
    kept = Kept(search)
    kept.assert_whole({f"000{n}": 3 for n in range(6)})
    assert {run.data.tags["kzoo.attempt"] for run in kept.trials.values()} == {"1"}


def test_local_workers_do_not_outlive_their_chief(forks, tmp_path):
    with Search(forks, tmp_path, tuner="random", trials=2) as search:
        chief = search.start("tune", "small.yaml", "--workers", "1", at=[("0000 logged 1", "hold")])
        worker = search.wait_for(word="passed")["pid"]
        chief.send()
        chief.end()
        assert_gone(worker)
        status, said = search.run("tune", "small.yaml", "--resume")
    assert status == 0, said
    assert set(search.trained.values()) == {1}
    kept = Kept(search)
    kept.assert_whole({"0000": 3, "0001": 3})
    assert kept.trials["0000"].data.tags["kzoo.resumed_at_epoch"] == "1"


def test_a_worker_that_was_silent_gives_up_its_trial(forks, tmp_path):
    """Stopped for longer than a lease and woken again, when another one has its trial."""
    with Search(forks, tmp_path, tuner="random", trials=2) as search:
        chief = search.start("tune", "small.yaml", "--workers", "0", "--lease", str(LEASE))
        join = join_of(chief)
        status, said = search.run(*join[:-1], "guessed")
        assert status == 1
        assert "expected the token of this search. Received: another one." in said
        silent = search.start(*join, at=[("0000 logged 1", "hold")])
        search.wait_for(word="passed")
        silent.send(signal.SIGSTOP)
        stopped = time.time()
        other = search.start(*join)
        search.wait_for(word="epoch", trial="0001", epoch=3)
        time.sleep(LEASE)
        silent.send(signal.SIGCONT)
        status, said = silent.end(30)
        assert status == 1
        assert "trial 0000 was given to another one" in said
        status, said = chief.end()
        assert status == 0, said
        assert other.end(30)[0] == 0
    assert search.idle_since(stopped) < LEASE + SLACK
    assert set(search.trained.values()) == {1}
    Kept(search).assert_whole({"0000": 3, "0001": 3})


def test_workers_on_another_machine_leave_nothing_behind_that_is_missed(forks, tmp_path):
    """One is killed, another one trains its trial again; both do not see the chief's folder, and an earlier search lies in their own."""
    server = Server(tmp_path).start()
    decay = {"choices": [0.1, 0.2], "when": {"training.optimizer": "adamw"}}
    domains = {"training.optimizer": ["sgd", "adamw"], "training.weight_decay": decay}
    with (
        Search(forks, tmp_path / "here", domains=domains, tuner="grid") as search,
        Search(forks, tmp_path / "there") as there,
    ):
        Outcome("0000", {"optimizer": "sgd"}, "completed", 2.0).write(there.path / "trials" / "0000")
        try:
            chief = search.start("tune", "small.yaml", "--workers", "0", "--lease", str(LEASE), uri=server.uri)
            join = join_of(chief)
            killed = there.start(*join, uri=server.uri, elsewhere=True, at=[("0000 logged 2", "die")])
            assert killed.end()[0] == -9
            worker = there.start(*join, uri=server.uri, elsewhere=True)
            status, said = chief.end()
            assert status == 0, said
            assert worker.end(30)[0] == 0
            kept = Kept(search, server.uri)
            kept.assert_whole(dict.fromkeys(["0000", "0001", "0002"], 3))
            status, said = search.run("best", "small", "-o", "best.yaml", uri=server.uri)
            assert status == 0, said
        finally:
            server.kill()
    assert load_recipe(tmp_path / "here" / "best.yaml").training.epochs == 3
    assert [list(outcome["values"]) for outcome in search.outcomes.values()] == [["optimizer"]] + 2 * [["optimizer", "weight_decay"]]
    for trial, outcome in search.outcomes.items():
        assert outcome["run_id"] == kept.trials[trial].info.run_id
        assert (len(outcome["curve"]), outcome["epochs"], outcome["parameters"] > 0) == (3, 3, True)
        assert kept.trials[trial].data.tags["kzoo.attempt"] == ("2" if trial == "0000" else "1")
        shown = kept.trials[trial].data.params["weight_decay"]
        assert shown == (str(outcome["values"]["weight_decay"]) if "weight_decay" in outcome["values"] else INACTIVE)


def test_when_all_trials_fail_the_search_ends_with_their_reasons(forks, tmp_path):
    with Search(forks, tmp_path, tuner="random", trials=8) as search:
        status, said = search.run("tune", "small.yaml", "--workers", "2", "--lease", str(LEASE), unbuildable=True)
    assert status == 1
    third = sorted(line["time"] for line in search.log if line["word"] == "ends")[2]
    assert search.idle_since(third) < LEASE + SLACK
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    assert lines[0] == "error: search small: expected trials that train. Three in a row failed:"
    assert len(lines) == 4
    assert all(line.endswith("ValueError: cannot be built today") for line in lines[1:])
    kept = Kept(search)
    assert [run.info.status for run in kept.parents] == ["FAILED"]
    assert len(kept.trials) in (3, 4)
    for run in kept.trials.values():
        assert (run.info.status, run.data.tags["kzoo.reason"]) == ("FAILED", "ValueError: cannot be built today")


def join_of(chief, limit=60):
    """What a chief prints for those who want to join."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found = [
            line
            for line in chief.said.splitlines()
            if line.startswith("workers can join: kzoo tune-worker --join ") and chief.said.endswith("\n")
        ]
        if found:
            return found[0].partition("kzoo ")[2].split()
        time.sleep(0.1)
    raise TimeoutError(chief.said)


def assert_gone(process, limit=20):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError(f"process {process} is still there after {limit} s")
