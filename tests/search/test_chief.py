"""A chief and workers that train nothing, over real connections; and what they say to each other."""

import threading
import time
from types import SimpleNamespace

import grpc
import pytest
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos

from kzoo import InputError
from kzoo.search import chief as chiefs
from kzoo.search.chief import Chief
from kzoo.search.lead import Lead
from kzoo.search.leases import worker_name
from kzoo.search.wire import Line

from .test_oracles import make, score

LIMIT = 20


class Member:
    """A worker that only talks."""

    def __init__(self, chief, name=None):
        self.name = name or worker_name()
        self.line = Line(f"127.0.0.1:{chief.port}")
        self.stub = protos.get_service_grpc().OracleStub(self.line.channel)

    def ask(self) -> Trial:
        request = protos.get_service().CreateTrialRequest(tuner_id=self.name)
        return Trial.from_proto(self.stub.CreateTrial(request, timeout=LIMIT, wait_for_ready=True).trial)

    def ask_until_told(self) -> Trial:
        end = time.monotonic() + LIMIT
        while (trial := self.ask()).status == "IDLE":
            assert time.monotonic() < end
            time.sleep(0.05)
        return trial

    def end(self, trial, status="COMPLETED", reason=None):
        service = protos.get_service()
        if reason:
            self.line.call("Reason", LIMIT, trial=trial.trial_id, reason=reason)
        else:
            metrics = {"score": score(trial.hyperparameters.values)}
            self.stub.UpdateTrial(service.UpdateTrialRequest(trial_id=trial.trial_id, metrics=metrics), timeout=LIMIT)
        trial.status = status
        self.stub.EndTrial(service.EndTrialRequest(trial=trial.to_proto()), timeout=LIMIT)

    def beat(self, trial=None) -> bool:
        return self.line.call("Beat", LIMIT, worker=self.name, trial=trial and trial.trial_id)["yours"]

    def leave(self):
        self.line.call("Leave", LIMIT, worker=self.name)


class Led:
    """A chief at work in a thread."""

    def __init__(self, oracle, folder, store=None, lease=30.0):
        plan = SimpleNamespace(
            store=store,
            experiment=f"chief {folder.name}",
            trial_folder=lambda trial: folder / "trials" / trial,
            key=lambda part=None: f"{folder.name}-{part}" if part else folder.name,
        )
        self.outcomes, self.over = [], None
        self.chief = Chief(plan, oracle, lease=lease, ended=self.outcomes.append)
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
    assert other.beat(trial)
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
    assert new.line.call("Beat", LIMIT, worker=old.name, trial=trial.trial_id)["yours"]
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
    member.beat()
    time.sleep(2 * chiefs.TICK)
    member.leave()
    assert led.end() is False


def test_what_goes_wrong_at_the_chief_is_told_and_it_goes_on(tmp_path):
    oracle = make(tmp_path, trials=1)
    oracle.feasible = lambda _: 1 / 0
    led = Led(oracle, tmp_path)
    member = Member(led.chief)
    with pytest.raises(grpc.RpcError) as failure:
        member.ask()
    assert failure.value.details() == "ZeroDivisionError: division by zero"
    oracle.feasible = lambda _: None
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
        Line("127.0.0.1:9").call("Join", 0.3, worker="x")
    with pytest.raises(ConnectionError, match="UNAVAILABLE"):
        Line("127.0.0.1:9").call("Join", 5, wait=False, worker="x")


@pytest.mark.parametrize("address", ["host", "host:", ":80", "host:http"])
def test_addresses_that_are_none(address):
    with pytest.raises(InputError, match=r"--join: expected HOST:PORT of a search"):
        Line(address)
    with pytest.raises(InputError, match=r"listen: expected HOST:PORT"):
        Lead(1, address, 60.0)
