"""The four oracles without any training: what they propose, what they refuse, and that their files bring them back as they were."""

import copy
import itertools
import json
import shutil
from types import SimpleNamespace

import pytest

from kzoo import InputError
from kzoo.files import write_atomically
from kzoo.search import kept, load_space
from kzoo.search.oracles import ORACLES
from kzoo.search.sound import FAILURES, ORACLE, TRIAL

TUNERS = list(ORACLES)
SMALL = {"model.filters": [[4], [8], [12]], "model.kernel_size": [3, 5], "model.downsampling": ["max_pool", "avg_pool", "blur_pool"]}
"""18 points."""


def space(tuner="random", domains=SMALL, **search):
    return load_space({"recipe": "digits", "domains": domains, "search": {"tuner": tuner, **search}})


def make(folder, tuner="random", feasible=lambda _: None, domains=SMALL, **search):
    trials = {} if tuner in ("grid", "hyperband") else {"trials": search.pop("trials", 12)}
    options = {"max_epochs": 4, "factor": 2, "hyperband_iterations": 1} if tuner == "hyperband" else {}
    checked = space(tuner, domains, **trials, **search)
    oracle = ORACLES[tuner](space=checked, feasible=feasible, trials=checked.search.trials, folder=folder, direction="max", **options)
    if tuner == "bayesian":
        make_gpr = oracle._make_gpr
        oracle._make_gpr = lambda: make_gpr().set_params(n_restarts_optimizer=0)  # a second per proposal otherwise
        oracle.gpr = oracle._make_gpr()
    return oracle


def score(values):
    """A function with one best point."""
    worth = {"max_pool": 0.0, "avg_pool": 0.1, "blur_pool": 0.3}
    return worth[values["downsampling"]] + 0.1 * values["kernel_size"] + 0.01 * values.get("tuner/epochs", 0)


def end(oracle, trial, status="COMPLETED", message=None):
    if status == "COMPLETED":
        oracle.update_trial(trial.trial_id, {"score": score(trial.hyperparameters.values)})
    trial.status, trial.message = status, message
    oracle.end_trial(trial)


def drive(oracle, at_most=100, status="COMPLETED"):
    """Runs trials until the oracle stops; returns their values in order."""
    tried = []
    while len(tried) < at_most:
        trial = oracle.create_trial("tuner")
        if trial.status == "STOPPED":
            break
        assert trial.status == "RUNNING"
        tried.append(dict(trial.hyperparameters.values))
        end(oracle, trial, status)
    return tried


def own(values):
    return tuple(sorted((k, v) for k, v in values.items() if not k.startswith("tuner/")))


def fresh(tried):
    """The points that were tried for the first time, without those that Hyperband promotes."""
    return [own(v) for v in tried if "tuner/trial_id" not in v]


@pytest.mark.parametrize("tuner", TUNERS)
def test_no_point_is_tried_twice(tuner, tmp_path):
    tried = fresh(drive(make(tmp_path, tuner)))
    assert len(tried) >= 10
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize("tuner", ["random", "grid", "bayesian"])
def test_a_small_space_is_tried_as_a_whole_and_then_it_ends(tuner, tmp_path):
    assert len(set(fresh(drive(make(tmp_path, tuner, trials=60))))) == 18


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_infeasible_is_neither_tried_nor_a_trial_nor_a_failure(tuner, tmp_path):
    oracle = make(tmp_path, tuner, lambda values: "parameters" if values["kernel_size"] == 5 else None)
    tried = drive(oracle)
    assert tried
    assert {values["kernel_size"] for values in tried} == {3}
    assert {t.status for t in oracle.trials.values()} == {"COMPLETED"}
    assert oracle.rejected["parameters"] >= 1


def test_a_refused_point_is_counted_once(tmp_path):
    oracle = make(tmp_path, "random", lambda values: "macs" if values["kernel_size"] == 5 else None, trials=60)
    assert len(drive(oracle)) == 9
    assert oracle.rejected == {"macs": 9}
    again = make(tmp_path, "random", lambda values: "macs" if values["kernel_size"] == 5 else None, trials=60)
    again.reload()
    assert drive(again) == []
    assert again.rejected == {"macs": 9}


def test_how_often_each_trial_was_handed_out(tmp_path):
    """A request that is repeated, and a worker that keeps its trial, begin nothing anew."""
    oracle = make(tmp_path)
    for _ in range(2):
        oracle.create_trial("a")
    assert oracle.attempts == {"0000": 1}
    oracle.take_back("a")
    assert oracle.adopt("a", "0000")
    again = make(tmp_path)
    again.reload()
    assert not again.adopt("b", "0000")
    again.create_trial("b")
    assert again.attempts == {"0000": 2}
    again.take_back("b", lost=False)
    assert not again.adopt("a", "0000")


@pytest.mark.parametrize("tuner", ["random", "hyperband", "bayesian"])
def test_a_seed_of_0_is_a_seed(tuner, tmp_path):
    a, b = (drive(make(tmp_path / name, tuner, seed=0)) for name in "ab")
    other = drive(make(tmp_path / "c", tuner, seed=1))
    assert a == b
    assert fresh(a) != fresh(other)


def test_bayesian_search_finds_what_is_best_before_random_search_has_tried_all(tmp_path):
    tried = drive(make(tmp_path, "bayesian", trials=14))
    assert max(map(score, tried)) == pytest.approx(0.8)
    first = next(n for n, values in enumerate(tried) if score(values) > 0.79)
    assert first < 14


def test_hyperband_promotes_the_better_half(tmp_path):
    tried = drive(make(tmp_path, "hyperband"))
    promoted = [v for v in tried if "tuner/trial_id" in v]
    assert promoted
    assert all(v["tuner/initial_epoch"] < v["tuner/epochs"] for v in promoted)
    assert max(v["tuner/epochs"] for v in tried) == 4


@pytest.mark.parametrize("tuner", TUNERS)
@pytest.mark.parametrize("killed", ["after creating", "while saving the new trial", "while saving the end", "after the end"])
def test_after_a_kill_the_search_goes_on_as_if_nothing_had_been(tuner, killed, tmp_path):
    """The files of every moment at which a process can die, whole or with the write before undone."""
    whole = drive(make(tmp_path / "whole", tuner))
    oracle = make(tmp_path / "cut", tuner)
    tried = drive(oracle, at_most=3)
    before = tmp_path / "before"
    shutil.copytree(tmp_path / "cut", before)
    trial = oracle.create_trial("tuner")
    if killed == "while saving the new trial":
        shutil.copy(before / ORACLE, tmp_path / "cut" / ORACLE)
    elif killed != "after creating":
        created = (tmp_path / "cut" / ORACLE).read_text()
        end(oracle, trial)
        if killed == "while saving the end":
            (tmp_path / "cut" / ORACLE).write_text(created)
        tried.append(dict(trial.hyperparameters.values))
    again = make(tmp_path / "cut", tuner)
    again.reload()
    assert tried + drive(again) == whole
    assert len(again.trials) == len(whole)


def test_killed_at_any_write_the_search_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    """Before each writing of a file and in the middle of each of a copy."""
    whole = drive(make(tmp_path / "whole", trials=4))
    for moment in itertools.count():
        folder = tmp_path / str(moment)
        oracle = make(folder, trials=4)
        tried, passed = drive(oracle, at_most=2), itertools.count()

        def write(path, text, passed=passed, moment=moment):
            if next(passed) == moment:
                raise KeyboardInterrupt
            write_atomically(path, text)

        def copy_file(source, target, passed=passed, moment=moment):
            if next(passed) == moment:
                target.write_text(source.read_text()[:20])
                raise KeyboardInterrupt
            shutil.copyfile(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(kept, "write_atomically", write)
            patch.setattr(kept, "shutil", SimpleNamespace(copyfile=copy_file))
            try:
                trial = oracle.create_trial("tuner")
                end(oracle, trial)
            except KeyboardInterrupt:
                pass
            else:
                break
        again = make(folder, trials=4)
        again.reload()
        over = [dict(again.trials[name].hyperparameters.values) for name in again.end_order]
        assert over[:2] == tried
        assert over + drive(again) == whole
        assert len(again.trials) == len(whole)
    assert moment > 10


@pytest.mark.parametrize("file", [ORACLE, TRIAL])
def test_a_truncated_file_gives_way_to_the_one_before(file, tmp_path):
    oracle = make(tmp_path, "grid")
    drive(oracle, at_most=3)
    path = tmp_path / ORACLE if file == ORACLE else tmp_path / "trials" / "0002" / TRIAL
    path.write_text(path.read_text()[:40])
    again = make(tmp_path, "grid")
    again.reload()
    assert len({own(v) for v in drive(again)} | {own(t.hyperparameters.values) for t in again.trials.values()}) == 18


def test_files_of_which_none_can_be_read(tmp_path):
    drive(make(tmp_path), at_most=2)
    for file in (ORACLE, "oracle.bak"):
        (tmp_path / file).write_text("{")
    with pytest.raises(
        InputError, match=r"oracle\.json: cannot be read, nor can the copy beside it\. Begin the search anew with --fresh\."
    ):
        make(tmp_path).reload()


def test_three_failures_in_a_row_end_the_search_with_their_reasons(tmp_path):
    oracle = make(tmp_path)
    for number in range(FAILURES):
        trial = oracle.create_trial("tuner")
        end(oracle, trial, "FAILED", f"reason {number}")
    assert oracle.create_trial("tuner").status == "STOPPED"
    assert oracle.given_up == ["trial 0000: reason 0", "trial 0001: reason 1", "trial 0002: reason 2"]


def test_a_resumed_search_forgives_what_failed_before(tmp_path):
    drive(make(tmp_path), status="FAILED")
    again = make(tmp_path)
    again.reload()
    assert len(drive(again)) == 12 - FAILURES


def test_an_invalid_trial_is_repeated_as_often_as_allowed(tmp_path):
    oracle = make(tmp_path, retries=1)
    trial = oracle.create_trial("tuner")
    end(oracle, trial, "INVALID", "flaky")
    assert oracle.create_trial("tuner").trial_id == trial.trial_id
    end(oracle, trial, "INVALID", "flaky")
    assert oracle.trials[trial.trial_id].status == "FAILED"


def test_nobody_is_sent_home_while_a_trial_may_come_back(tmp_path):
    oracle = make(tmp_path, trials=1)
    trial = oracle.create_trial("a")
    assert oracle.create_trial("b").status == "IDLE"
    assert oracle.take_back("a") == trial.trial_id
    assert oracle.create_trial("b").trial_id == trial.trial_id


def test_a_trial_whose_workers_are_lost_twice_has_failed(tmp_path):
    oracle = make(tmp_path)
    trial = oracle.create_trial("a")
    oracle.take_back("a")
    assert oracle.create_trial("b").trial_id == trial.trial_id
    oracle.take_back("b")
    assert oracle.trials[trial.trial_id].status == "FAILED"
    assert oracle.trials[trial.trial_id].message == "worker lost"


def test_who_leaves_in_order_does_not_count_as_lost(tmp_path):
    oracle = make(tmp_path)
    for worker in "abc":
        trial = oracle.create_trial(worker)
        oracle.take_back(worker, lost=False)
    assert trial.trial_id == "0000"
    assert oracle.trials["0000"].status == "RUNNING"


def test_an_end_that_comes_too_late_changes_nothing(tmp_path):
    oracle = make(tmp_path)
    trial = oracle.create_trial("a")
    oracle.take_back("a")
    same = oracle.create_trial("b")
    end(oracle, same)
    state = json.loads((tmp_path / ORACLE).read_text())
    late = copy.copy(trial)
    late.status = "FAILED"
    oracle.end_trial(late)
    assert json.loads((tmp_path / ORACLE).read_text()) == state
    assert oracle.trials[trial.trial_id].status == "COMPLETED"


def test_a_worker_of_an_earlier_chief_keeps_its_trial(tmp_path):
    oracle = make(tmp_path)
    trial = oracle.create_trial("a")
    again = make(tmp_path)
    again.reload()
    assert again.adopt("a", trial.trial_id)
    assert not again.adopt("b", trial.trial_id)
    assert again.create_trial("b").trial_id != trial.trial_id


def test_an_error_leaves_no_lock_behind(tmp_path):
    oracle = make(tmp_path)
    oracle.feasible = lambda _: 1 / 0
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            oracle.create_trial("tuner")
