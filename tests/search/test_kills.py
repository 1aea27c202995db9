"""Searches that are killed with `kill -9` and taken up again, in one process; and what may not be taken up."""

import pytest

from tests.tracking.servers import Server

from .searches import Kept, Search

ONE = {"model.filters": [[2, 2], [2, 4], [4, 4], [4, 2], [4, 8], [8, 8], [8, 4], [8, 2]]}

pytestmark = pytest.mark.processes

CASES = {
    "random": (
        {"tuner": "random", "trials": 4},
        None,
        ["planned", "0000 saved 2", "0001 trained", "0002 ended"],
        {f"000{n}": 3 for n in range(4)},
    ),
    "grid": ({"tuner": "grid"}, {"model.filters": [[2, 2], [2, 4], [4, 4]]}, ["0001 logged 1"], {f"000{n}": 3 for n in range(3)}),
    "hyperband": (
        {"tuner": "hyperband"},
        ONE,
        ["0001 trained", "0003 saved 2"],
        {"0000": 1, "0001": 1, "0002": 1, "0003": 3, "0004": 3, "0005": 3},
    ),
    "bayesian": ({"tuner": "bayesian", "trials": 5}, ONE, ["0003 logged 2"], {f"000{n}": 3 for n in range(5)}),
}
"""Per tuner: how it searches, its domains, the moments at which it is killed, and the epochs that each trial has in the end."""


@pytest.mark.parametrize("tuner", CASES)
def test_a_search_that_is_killed_goes_on_as_if_nothing_had_been(tuner, forks, tmp_path):
    search, domains, moments, epochs = CASES[tuner]
    with (
        Search(forks, tmp_path / "whole", domains=domains, **search) as whole,
        Search(forks, tmp_path / "cut", domains=domains, **search) as cut,
    ):
        uninterrupted = whole.start("tune", "small.yaml")
        at = [(moment, "die") for moment in moments]
        for number in range(len(moments)):
            status, said = cut.run("tune", "small.yaml", *(["--resume"] if number else []), at=at)
            assert status == -9, said
        assert_finishes(cut, at)
        assert uninterrupted.end()[0] == 0
    assert [line["moment"] for line in cut.log if line["word"] == "passed"] == moments
    assert cut.points == whole.points
    assert {t: o["score"] for t, o in cut.outcomes.items()} == pytest.approx({t: o["score"] for t, o in whole.outcomes.items()}, rel=1e-4)
    assert set(cut.trained.values()) == {1}
    assert sorted(cut.trained) == sorted(whole.trained)
    for kept in (Kept(cut), Kept(whole)):
        kept.assert_whole(epochs)
    assert_same_numbers(Kept(cut), Kept(whole))
    assert_marked(cut, moments)


def assert_finishes(search, at):
    """Also a second time, when there is nothing left to do."""
    status, said = search.run("tune", "small.yaml", "--resume", at=at)
    assert status == 0, said
    before = search.log
    status, said = search.run("tune", "small.yaml", "--resume", at=at)
    assert status == 0, said
    assert search.log == before


def assert_same_numbers(cut, whole):
    """The same losses at every epoch, though one search was interrupted; and the same best epoch, also from before the crash."""
    for trial, run in whole.trials.items():
        ours, theirs = cut.points(cut.trials[trial]), whole.points(run)
        assert set(ours) == set(theirs)
        for key in ("val/loss", "best/epoch", "hp/kernel_size"):
            if key in theirs:
                assert [step for step, _ in ours[key]] == [step for step, _ in theirs[key]]
                assert [value for _, value in ours[key]] == pytest.approx([value for _, value in theirs[key]], rel=1e-4)


def assert_marked(search, moments):
    """A trial that was killed at an epoch says at which it went on; one that was over has only been read again."""
    trials = Kept(search).trials
    for moment in moments:
        trial, *what = moment.split()
        if len(what) == 2:
            assert trials[trial].data.tags["kzoo.attempt"] == "2"
            assert trials[trial].data.tags["kzoo.resumed_at_epoch"] == what[1]
        elif what:
            assert trials[trial].data.tags["kzoo.attempt"] == "1"
    promoted = {t: run.data.tags["kzoo.promoted_from"] for t, run in trials.items() if "kzoo.promoted_from" in run.data.tags}
    assert all(search.outcomes[trial]["promoted_from"] == source for trial, source in promoted.items())
    if search.space["search"]["tuner"] == "hyperband":
        assert [trial for trial, epoch in search.trained if trial in promoted and epoch == 1] == []
        assert list(promoted) == ["0003"]
        assert [outcome["epochs"] for outcome in search.outcomes.values()] == [1, 1, 1, 2, 3, 3]


def test_failures_have_their_reasons_and_the_search_goes_on(forks, tmp_path):
    """Not a number, no memory, a mistake that a second attempt mends."""
    at = [("0000 logged 1", "out of memory while allocating"), ("0001 logged 2", "flaky"), ("0002 logged 1", "a"), ("0002 logged 2", "b")]
    with Search(forks, tmp_path, tuner="random", trials=4, retries=1) as search:
        at += [("0000 logged 2", "ResourceExhausted: out of memory")]
        status, said = search.run("tune", "small.yaml", at=at)
    assert status == 0, said
    reasons = {trial: (outcome["status"], outcome["reason"]) for trial, outcome in search.outcomes.items()}
    assert reasons == {
        "0000": ("failed", "out of memory"),
        "0001": ("completed", None),
        "0002": ("failed", "ValueError: b"),
        "0003": ("completed", None),
    }
    kept = Kept(search)
    assert [kept.trials[f"000{n}"].info.status for n in range(4)] == ["FAILED", "FINISHED", "FAILED", "FINISHED"]
    assert kept.trials["0000"].data.tags["kzoo.reason"] == "out of memory"
    assert kept.trials["0001"].data.tags["kzoo.attempt"] == "2"
    artifacts = [entry.path for entry in kept.client.list_artifacts(kept.trials["0000"].info.run_id)]
    assert "error.txt" in artifacts
    assert set(search.trained.values()) == {1}


def test_three_failures_in_a_row_end_the_search(forks, tmp_path):
    """A learning rate at which every loss is soon not a number: said for each trial, and the search's own run has failed."""
    with Search(forks, tmp_path, {"training.learning_rate": 1e38, "training.schedule": "constant"}, tuner="random", trials=6) as search:
        status, said = search.run("tune", "small.yaml")
    assert status == 1
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    assert lines[0] == "error: search small: expected trials that train. Three in a row failed:"
    assert [line.partition(": ")[2].rpartition(" ")[0] for line in lines[1:]] == [f"trial 000{n}: NaN at epoch" for n in range(3)]
    kept = Kept(search)
    assert [run.info.status for run in kept.parents] == ["FAILED"]
    assert len(kept.trials) == 3
    for run in kept.trials.values():
        assert run.info.status == "FAILED"
        assert run.data.tags["kzoo.reason"].startswith("NaN at epoch ")


def test_a_tracking_server_that_is_away_costs_nothing(forks, tmp_path):
    """Away from the beginning, and then in the middle of another search; what it missed is sent later, to the last value."""
    server = Server(tmp_path)
    with (
        Search(forks, tmp_path / "absent", tuner="random", trials=2) as absent,
        Search(forks, tmp_path / "gone", tuner="random", trials=3) as gone,
    ):
        try:
            status, said = absent.run("tune", "small.yaml", uri=server.uri)
            assert status == 0, said
            server.start()
            assert_recovered(absent, server)
            searching = gone.start("tune", "small.yaml", uri=server.uri, slow=0.3)
            gone.wait_for(word="epoch", trial="0000", epoch=2)
            server.kill()
            gone.wait_for(word="epoch", trial="0001", epoch=2)
            server.start()
            status, said = searching.end()
            assert status == 0, said
            assert_recovered(gone, server)
        finally:
            server.kill()


def assert_recovered(search, server):
    """Every number of every epoch is on the server, once, and nothing is left here."""
    status, said = search.run("sync", uri=server.uri)
    assert status == 0, said
    kept = Kept(search, server.uri)
    kept.assert_whole(dict.fromkeys(search.outcomes, 3))
    for trial, run in kept.trials.items():
        points = kept.points(run)
        rows = [line["row"] for line in search.log if line["word"] == "epoch" and line["trial"] == trial]
        for key in rows[0].keys() - {"epoch"}:
            assert points[key] == [(row["epoch"], row[key]) for row in rows]
