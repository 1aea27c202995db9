"""A chief and workers that train nothing, over real connections; and what they say to each other."""

import threading
import time
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from keras_tuner.engine.trial import Trial

from kzoo import InputError, TrainingError
from kzoo.search import chief as chiefs
from kzoo.search.chief import Chief
from kzoo.search.lead import Lead
from kzoo.search.leases import worker_name
from kzoo.search.outcome import Outcome, read_outcome
from kzoo.search.wire import Line

from .test_oracles import SMALL, make, score

LIMIT = 90


class Member:
    """A worker that only talks."""

    def __init__(self, chief, name=None):
        self.line = Line(f"127.0.0.1:{chief.port}", name or worker_name(), chief.token)
        self.line.search = chief.plan.id
        self.name = self.line.worker

    def ask(self) -> Trial:
        told = self.line.call("Ask", LIMIT)
        self.attempt = told["attempt"]
        return Trial.from_state(told["trial"])

    def ask_until_told(self) -> Trial:
        end = time.monotonic() + LIMIT
        while (trial := self.ask()).status == "IDLE":
            assert time.monotonic() < end
            time.sleep(0.05)
        return trial

    def end(self, trial, status="COMPLETED", reason=None, recipe=None, **facts):
        values = trial.hyperparameters.values
        worth = score(values) if status == "COMPLETED" else None
        outcome = Outcome(trial.trial_id, values, "failed" if reason else "completed", worth, reason=reason, **facts)
        self.line.call("End", LIMIT, status=status, reason=reason, outcome=asdict(outcome), recipe=recipe)

    def beat(self, trial=None) -> bool:
        return self.line.call("Beat", LIMIT, trial=trial and trial.trial_id)["yours"]

    def leave(self, recycled=False):
        self.line.call("Leave", LIMIT, recycled=recycled)


class Led:
    """A chief at work in a thread."""

    def __init__(self, oracle, folder, store=None, lease=30.0, token=""):
        plan = SimpleNamespace(
            id=folder.name,
            told=dict,
            store=store,
            experiment=f"chief {folder.name}",
            trial_folder=lambda trial: folder / "trials" / trial,
            key=lambda part=None: f"{folder.name}-{part}" if part else folder.name,
        )
        self.outcomes, self.over = [], None
        self.chief = Chief(plan, oracle, lease=lease, ended=self.outcomes.append, token=token)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        self.over = self.chief.run()

    def end(self):
        self.thread.join(LIMIT)
        assert not self.thread.is_alive()
        return self.over


def test_trials_are_shared_and_told_of(tmp_path):
    led = Led(make(tmp_path, trials=3), tmp_path)
    a, b = Member(led.chief), Member(led.chief)
    first, second = a.ask(), b.ask()
    assert first.trial_id != second.trial_id
    a.end(first)
    b.end(second, "FAILED", "out of memory")
    a.end(a.ask())
    for member in (a, b):
        assert member.ask_until_told().status == "STOPPED"
        member.leave()
    assert led.end() is True
    assert [(o.trial, o.status, o.reason) for o in led.outcomes] == [
        ("0000", "completed", None),
        ("0001", "failed", "out of memory"),
        ("0002", "completed", None),
    ]


def test_a_trial_that_loses_its_workers_twice_has_failed_and_its_run_too(tmp_path, shared_store):
    led = Led(make(tmp_path, trials=1), tmp_path, shared_store, lease=0.3)
    silent, silent_too = Member(led.chief), Member(led.chief)
    trial = silent.ask()
    assert silent_too.ask_until_told().trial_id == trial.trial_id
    last = Member(led.chief)
    assert last.ask_until_told().status == "STOPPED"
    assert led.end() is True
    assert [(o.trial, o.status, o.reason) for o in led.outcomes] == [("0000", "failed", "worker lost")]
    (record,) = shared_store.runs(f"chief {tmp_path.name}")
    assert (record.status, record.tags["kzoo.reason"]) == ("FAILED", "worker lost")


def test_who_was_silent_learns_that_its_trial_was_given_away(tmp_path):
    led = Led(make(tmp_path, trials=1), tmp_path, lease=0.5)
    silent, other = Member(led.chief), Member(led.chief)
    trial = silent.ask()
    assert silent.beat(trial)
    assert other.ask_until_told().trial_id == trial.trial_id
    assert not silent.beat(trial)
    assert other.beat(trial)
    other.end(trial)
    assert not silent.beat(trial)
    assert silent.beat()
    assert silent.ask().status == other.ask().status == "STOPPED"
    assert led.end() is True


def test_workers_of_an_earlier_chief_keep_their_trials(tmp_path):
    left = make(tmp_path, trials=2)
    trial, old = left.create_trial("elsewhere-1-a"), "elsewhere-1-a"
    oracle = make(tmp_path, trials=2)
    oracle.reload()
    led = Led(oracle, tmp_path)
    new, old = Member(led.chief), Member(led.chief, old)
    other = new.ask()
    assert other.trial_id != trial.trial_id
    assert old.beat(trial)
    old.end(trial)
    new.end(other)
    for member in (new, old):
        assert member.ask_until_told().status == "STOPPED"
        member.leave()
    assert led.end() is True


def test_a_search_that_all_workers_have_left_ends_unfinished(tmp_path, monkeypatch):
    monkeypatch.setattr(chiefs, "ABANDONED", 0.3)
    led = Led(make(tmp_path), tmp_path)
    member = Member(led.chief)
    member.line.call("Join", LIMIT)
    member.leave()
    assert led.end() is False


def test_one_that_will_be_replaced_and_one_that_may_come_back_are_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(chiefs, "ABANDONED", 0.3)
    left = make(tmp_path, trials=1)
    trial = left.create_trial("elsewhere-1-a")
    oracle = make(tmp_path, trials=1)
    oracle.reload()
    led = Led(oracle, tmp_path, lease=0.5)
    time.sleep(1.5)
    replaced, fresh = Member(led.chief), Member(led.chief)
    replaced.line.call("Join", LIMIT)
    replaced.leave(recycled=True)
    time.sleep(4 * chiefs.TICK)
    fresh.line.call("Join", LIMIT)
    again = fresh.ask()
    assert (again.trial_id, fresh.attempt) == (trial.trial_id, 2)
    fresh.end(again)
    assert fresh.ask().status == "STOPPED"
    fresh.leave()
    assert led.end() is True


def test_an_end_that_is_told_twice_or_too_late_counts_once(tmp_path):
    """Also one that leads to a second attempt, which the repeated message must not end."""
    led = Led(make(tmp_path, trials=2, retries=1), tmp_path, lease=0.5)
    silent, other = Member(led.chief), Member(led.chief)
    taken = silent.ask()
    trial = other.ask_until_told()
    while trial.trial_id != taken.trial_id:
        other.end(trial)
        trial = other.ask_until_told()
    silent.end(taken, "FAILED", "too late")
    assert other.attempt == 2
    for _ in range(2):
        other.end(trial, "INVALID", "flaky")
    assert other.ask().trial_id == trial.trial_id
    assert other.attempt == 3
    for _ in range(2):
        other.end(trial)
    assert other.ask().status == "STOPPED"
    for member in (silent, other):
        member.leave()
    assert led.end() is True
    assert sorted((o.trial, o.status) for o in led.outcomes) == [("0000", "completed"), ("0001", "completed")]


def test_workers_of_an_earlier_search_on_this_port_are_sent_away(tmp_path):
    led = Led(make(tmp_path, trials=1), tmp_path)
    stranger, own = Member(led.chief), Member(led.chief)
    trial = own.ask()
    stranger.line.search = "another"
    for talk in (stranger.ask, lambda: stranger.beat(trial), lambda: stranger.end(trial), stranger.leave):
        with pytest.raises(TrainingError, match=r"expected a worker of the search that is led here\. Received: one of an earlier search"):
            talk()
    assert not led.chief.oracle.is_over(trial.trial_id)
    own.end(trial)
    own.leave()
    assert led.chief.oracle.create_trial("x").status == "STOPPED"
    assert led.end() is True


def test_what_a_worker_elsewhere_has_trained_is_kept_whole(tmp_path):
    """Its run, its costs, its curve and its recipe, and only the hyperparameters that it has."""
    decay = {"choices": [0.1, 0.2], "when": {"training.optimizer": "adamw"}}
    domains = {**SMALL, "training.optimizer": ["sgd", "adamw"], "training.weight_decay": decay}
    led = Led(make(tmp_path, domains=domains, trials=8), tmp_path)
    member = Member(led.chief)
    facts = {"curve": (0.1, 0.3), "epochs": 2, "seconds": 3.5, "parameters": 99, "run_id": "abc", "attempts": 1}
    told = {}
    while (trial := member.ask()).status != "STOPPED":
        told[trial.trial_id] = trial.hyperparameters.values
        member.end(trial, recipe="model: {}", **facts)
    member.leave()
    assert led.end() is True
    assert {values["optimizer"] for values in told.values()} == {"sgd", "adamw"}
    for name, values in told.items():
        folder = tmp_path / "trials" / name
        assert read_outcome(folder) == Outcome(name, values, "completed", score(values), **facts)
        assert (folder / "recipe.yaml").read_text() == "model: {}"
        own = ["filters", "kernel_size", "downsampling", "optimizer"]
        assert list(values) == (own if values["optimizer"] == "sgd" else [*own, "weight_decay"])


def test_what_goes_wrong_at_the_chief_is_told_and_it_goes_on(tmp_path):
    oracle = make(tmp_path, trials=1)
    oracle.feasible = lambda _: 1 / 0
    led = Led(oracle, tmp_path)
    member = Member(led.chief)
    with pytest.raises(TrainingError, match=r"ZeroDivisionError: division by zero$"):
        member.ask()
    oracle.feasible = lambda _: None
    member.end(member.ask())
    assert member.ask().status == "STOPPED"
    member.leave()
    assert led.end() is True


@pytest.mark.parametrize(("token", "received"), [("", "none"), ("guessed", "another one")])
def test_who_does_not_know_the_token_takes_no_part(token, received, tmp_path):
    led = Led(make(tmp_path, trials=1), tmp_path, token="known")
    stranger = Line(f"127.0.0.1:{led.chief.port}", "stranger", token)
    stranger.search = led.chief.plan.id
    for method in ("Join", "Ask", "End", "Beat", "Leave"):
        with pytest.raises(
            TrainingError, match=rf"expected the token of this search\. Received: {received}\. `kzoo tune --workers` prints it"
        ):
            stranger.call(method, LIMIT)
    assert led.chief.leases.holders == set()
    member = Member(led.chief)
    member.end(member.ask())
    assert member.ask().status == "STOPPED"
    member.leave()
    assert led.end() is True


def test_a_port_that_is_taken(tmp_path):
    chief = Led(make(tmp_path / "a", trials=1), tmp_path / "a").chief
    with pytest.raises(InputError, match=rf"^listen: expected a free port on 127\.0\.0\.1\. Received: {chief.port}\."):
        Chief(SimpleNamespace(), make(tmp_path / "b"), port=chief.port)
    chief.server.stop(0)


def test_nobody_answers():
    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:9: DEADLINE_EXCEEDED"):
        Line("127.0.0.1:9", "x").call("Join", 0.3)
    with pytest.raises(ConnectionError, match="UNAVAILABLE"):
        Line("127.0.0.1:9", "x").call("Join", 5, wait=False)


@pytest.mark.parametrize("address", ["host", "host:", ":80", "host:http"])
def test_addresses_that_are_none(address):
    with pytest.raises(InputError, match=r"--join: expected HOST:PORT of a search"):
        Line(address, "x")
    with pytest.raises(InputError, match=r"listen: expected HOST:PORT"):
        Lead(1, address, 60.0)
