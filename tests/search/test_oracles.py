"""The four oracles without any training: what they propose, what they refuse, and that their files bring them back as they were."""

import copy
import itertools
import json
import shutil
from types import SimpleNamespace

import keras_tuner
import pytest

from kzoo import InputError
from kzoo.files import write_atomically
from kzoo.search import kept, load_space, oracles
from kzoo.search.oracles import ORACLES
from kzoo.search.sound import FAILURES, ORACLE, TRIAL, Sound

TUNERS = list(ORACLES)
SMALL = {"model.filters": [[4], [8], [12]], "model.kernel_size": [3, 5], "model.downsampling": ["max_pool", "avg_pool", "blur_pool"]}
"""18 points."""

MANY = {"training.batch_size": {"from": 1, "to": 1000}}


def space(tuner="random", domains=SMALL, **search):
    return load_space({"recipe": "digits", "domains": domains, "search": {"tuner": tuner, **search}})


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """A proposal of Bayesian search takes a second otherwise."""
    monkeypatch.setattr(oracles, "RESTARTS", 0)


def make(folder, tuner="random", feasible=lambda _: None, domains=SMALL, kind=None, trials=11, **search):
    trials = {} if tuner in ("grid", "hyperband") else {"trials": trials}
    options = {"max_epochs": 4, "factor": 2, "hyperband_iterations": 1} if tuner == "hyperband" else {}
    checked = space(tuner, domains, **trials, **search)
    kind = kind or ORACLES[tuner]
    return kind(space=checked, feasible=feasible, trials=checked.search.trials, folder=folder, direction="max", **options)


def score(values):
    """A function with one best point."""
    worth = {"max_pool": 0.0, "avg_pool": 0.1, "blur_pool": 0.3}
    return worth[values.get("downsampling", "max_pool")] + 0.1 * values["kernel_size"] + 0.01 * values.get("tuner/epochs", 0)


def flat(values):  # noqa: ARG001
    """Everything is alike."""
    return 0.0


def small(values):
    """Small batches are good."""
    return -values["batch_size"]


def end(oracle, trial, status="COMPLETED", message=None, worth=None):
    if status == "COMPLETED":
        oracle.update_trial(trial.trial_id, {"score": (worth or score)(trial.hyperparameters.values)})
    trial.status, trial.message = status, message
    oracle.end_trial(trial)


def drive(oracle, at_most=100, status="COMPLETED", worth=None):
    """Runs trials until the oracle stops; returns their values in order."""
    tried = []
    while len(tried) < at_most:
        trial = oracle.create_trial("tuner")
        if trial.status == "STOPPED":
            break
        assert trial.status == "RUNNING"
        tried.append(dict(trial.hyperparameters.values))
        end(oracle, trial, status, worth=worth)
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
    oracle = make(tmp_path, tuner, domains={"training.batch_size": [1, 2, 4, 8, 16]}, trials=60)
    assert len(set(fresh(drive(oracle, worth=small)))) == 5


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


def test_bayesian_search_finds_the_best_of_1000_where_random_search_does_not(tmp_path):
    def nearest(tuner):
        tried = drive(make(tmp_path / tuner, tuner, domains=MANY, trials=10), worth=lambda v: -((v["batch_size"] - 370) ** 2))
        return min(abs(values["batch_size"] - 370) for values in tried)

    assert nearest("bayesian") <= 10 < 20 < nearest("random")


def test_the_gaussian_process_has_the_seed_of_the_search(tmp_path):
    assert [make(tmp_path, "bayesian", seed=seed).gpr.random_state for seed in (0, 7)] == [0, 7]


def test_a_grid_walks_all_integers_of_a_logarithmic_range_in_the_order_of_the_file(tmp_path):
    domains = {"model.kernel_size": [5, 3], "training.batch_size": {"from": 1, "to": 30, "scale": "log"}}
    tried = drive(make(tmp_path, "grid", domains=domains), worth=flat)
    assert [(v["kernel_size"], v["batch_size"]) for v in tried] == [(k, b) for k in (5, 3) for b in range(1, 31)]


@pytest.mark.parametrize("tuner", ["random", "bayesian", "hyperband"])
def test_that_no_further_point_is_found_is_known(tuner, tmp_path):
    oracle = make(tmp_path, tuner, domains={"training.batch_size": [1, 2, 4]}, trials=60)
    drive(oracle, at_most=3, worth=small)
    assert not oracle.drained
    drive(oracle, worth=small)
    assert oracle.drained


class Stock(Sound, keras_tuner.oracles.HyperbandOracle):
    """Hyperband as keras-tuner has it."""


def test_without_failures_hyperband_is_that_of_keras_tuner(tmp_path):
    assert drive(make(tmp_path / "a", "hyperband")) == drive(make(tmp_path / "b", "hyperband", kind=Stock))


def rounds(oracle):
    """Of each bracket, the scores of the trials of each round; None for one that has failed."""
    return [[[oracle.trials[entry["id"]].score for entry in part] for part in bracket["rounds"]] for bracket in oracle._brackets]


def test_hyperband_promotes_the_best_of_each_round(tmp_path):
    oracle = make(tmp_path, "hyperband", domains=MANY)
    tried = drive(oracle, worth=small)
    for bracket, sizes in zip(rounds(oracle), [(4, 2, 1), (3, 2), (3,)], strict=True):
        first = sorted(bracket[0], reverse=True)
        assert [sorted(part, reverse=True) for part in bracket] == [first[:size] for size in sizes]
    assert [v["tuner/epochs"] for v in tried] == [1] * 4 + [2] * 2 + [4] + [2] * 3 + [4] * 2 + [4] * 3


@pytest.mark.parametrize("failing", [{"0000"}, {"0001", "0002"}, {"0000", "0001", "0003"}, {"0004"}])
def test_where_trials_fail_hyperband_promotes_the_best_of_the_others(failing, tmp_path):
    """Of 4 trials 2 go on, and of those 1, as long as so many are left."""
    oracle = make(tmp_path, "hyperband", domains=MANY)
    oracle._forgiven = 100
    while len(oracle._brackets) == 1:
        trial = oracle.create_trial("tuner")
        end(oracle, trial, "FAILED" if trial.trial_id in failing else "COMPLETED", worth=small)
    first, second, third = rounds(oracle)[0]
    left = sorted((score for score in first if score is not None), reverse=True)
    assert len(left) == 4 - len(failing - {"0004"})
    assert [score for score in second if score is not None] == (left[:2] if "0004" not in failing else [left[1]])
    assert third == ([left[0]] if "0004" not in failing else [left[1]])


def test_hyperband_shrinks_to_the_points_that_there_are(tmp_path):
    """3 points instead of 4: 2 of them go on, and then 1; no further bracket has any."""
    oracle = make(tmp_path, "hyperband", domains={"training.batch_size": [1, 2, 4]})
    tried = drive(oracle, worth=small)
    assert [sorted(part) for part in rounds(oracle)[0]] == [[-4, -2, -1], [-2, -1], [-1]]
    assert [v["tuner/epochs"] for v in tried] == [1, 1, 1, 2, 2, 4]


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
    assert len(drive(again)) == 11 - FAILURES


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
