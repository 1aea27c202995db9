"""One trial on its own: what of an earlier attempt it takes over, and what not."""

import contextlib
import subprocess
import sys

import pytest

from kzoo import InputError
from kzoo.search import load_space
from kzoo.search import trial as module
from kzoo.search.outcome import Outcome, read_outcome
from kzoo.search.plan import open_plan
from kzoo.search.trial import train_trial
from kzoo.search.tuner import Tuner, make_oracle
from kzoo.tracking.journal import LOCK
from kzoo.training.fit import BEST, STATE

pytestmark = pytest.mark.usefixtures("eager")

SPACE = {
    "recipe": {"model": {"builder": "cnn", "filters": [2, 2]}, "data": {"source": "digits"}, "training": {"epochs": 3, "batch_size": 256}},
    "domains": {"model.kernel_size": [1, 3, 5]},
    "search": {"tuner": "random", "trials": 1},
}


@pytest.fixture
def plan(shared_store, request):
    name = f"trial_{abs(hash(request.node.name))}"
    return open_plan(load_space({**SPACE, "recipe": {**SPACE["recipe"], "experiment": name}}), shared_store, fresh=True)


def cut(plan, monkeypatch, values, epochs):
    """A training that is killed after some epochs."""
    real = module._Training._log_epoch

    def log_epoch(self, number, row):
        real(self, number, row)
        if row["epoch"] == epochs:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module._Training, "_log_epoch", log_epoch)
        with pytest.raises(KeyboardInterrupt):
            train_trial(plan, "0000", values)


def test_an_outcome_of_another_point_is_not_that_of_this_one(plan, monkeypatch):
    cut(plan, monkeypatch, {"kernel_size": 1}, epochs=2)
    folder = plan.trial_folder("0000")
    Outcome("0000", {"kernel_size": 1}, "completed", 2.0).write(folder)
    outcome = train_trial(plan, "0000", {"kernel_size": 3}, attempt=2)
    assert (outcome.values, outcome.status, outcome.epochs) == ({"kernel_size": 3}, "completed", 3)
    assert outcome.score < 1
    assert train_trial(plan, "0000", {"kernel_size": 3}, attempt=3) == outcome


@pytest.mark.parametrize("name", [STATE, BEST])
def test_a_trial_whose_state_cannot_be_read_begins_anew(name, plan, monkeypatch):
    cut(plan, monkeypatch, {"kernel_size": 3}, epochs=2)
    file = next((plan.trial_folder("0000") / "execution_0").glob(name))
    file.write_bytes(file.read_bytes()[:100])
    outcome = train_trial(plan, "0000", {"kernel_size": 3}, attempt=2)
    assert (outcome.status, outcome.epochs, outcome.attempts) == ("completed", 3, 2)
    points = plan.store._client.get_metric_history(outcome.run_id, "train/loss")
    assert sorted(point.step for point in points) == [1, 2, 3]


def test_a_trial_whose_run_is_held_elsewhere_waits_to_be_trained_again(plan, monkeypatch):
    monkeypatch.setattr(module, "HELD", 0.2)
    oracle = make_oracle(plan)
    with held(plan.store.root / "journal" / plan.key("0000")), pytest.raises(InputError, match="is being written by another process"):
        Tuner(plan, oracle).search()
    assert not oracle.is_over("0000")
    ended = []
    assert Tuner(plan, make_oracle(plan), ended=ended.append).search()
    assert [(o.trial, o.status) for o in ended] == [("0000", "completed")]


@contextlib.contextmanager
def held(journal):
    """Another process has a run's journal."""
    program = "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True); input()"
    journal.mkdir(parents=True)
    command = [sys.executable, "-c", program, str(journal / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        yield
        other.kill()


def test_a_failure_is_told_once_when_it_is_for_good(plan, monkeypatch):
    space = load_space({**SPACE, "search": {**SPACE["search"], "retries": 1}})
    plan.space = space
    told, failures = [], []

    def fail(*_, **__):
        failures.append(len(told))
        raise ValueError(f"attempt {len(failures)}")

    monkeypatch.setattr(module, "fit", fail)
    Tuner(plan, make_oracle(plan), ended=told.append).search()
    assert failures == [0, 0]
    assert [(o.status, o.reason, o.attempts) for o in told] == [("failed", "ValueError: attempt 2", 2)]
    assert read_outcome(plan.trial_folder("0000")) == told[0]
