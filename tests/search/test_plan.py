"""The folder of a search: begun, refused, taken up again, moved aside."""

import json
import subprocess
import sys

import pytest
from sklearn.datasets import load_digits

from kzoo import InputError, Store
from kzoo.search import load_space
from kzoo.search.plan import PLAN, claimed, open_plan, read_plan

DOMAINS = {"model.filters": [[4, 4], [4, 8], [8, 8]], "model.kernel_size": [1, 3]}


def space(trials=3, **changed):
    search = {"tuner": "random", "trials": trials, **changed.pop("search", {})}
    return load_space({"recipe": "digits", "domains": DOMAINS, "search": search, **changed})


@pytest.fixture
def store(tmp_path):
    """One that is never asked: a plan needs its folder only."""
    return Store("http://127.0.0.1:9", root=tmp_path / "mlruns")


def test_a_search_is_begun_once(store):
    plan = open_plan(space(), store)
    assert json.loads((plan.folder / PLAN).read_text())["id"] == plan.id
    with pytest.raises(InputError, match=r"has begun already, in .*\. Add --resume to finish it, or --fresh to begin anew"):
        open_plan(space(), store)


def test_taken_up_again_it_is_the_same(store):
    plan = open_plan(space(), store)
    again = open_plan(space(), store, resume=True)
    assert (again.id, again.advice.tuner, again.advice.trials) == (plan.id, "random", 3)
    assert read_plan(store, plan.space.name)["id"] == plan.id


def test_it_may_have_more_trials(store):
    open_plan(space(), store)
    assert open_plan(space(trials=5), store, resume=True).advice.trials == 5


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"settings": {"experiment": "other"}}, r"recipe\.experiment: other here, \w+ there"),
        ({"settings": {"training.epochs": 9}}, r"recipe\.training\.epochs: 9 here, 40 there"),
        ({"domains": {**DOMAINS, "model.kernel_size": [3]}}, r"domains\.model\.kernel_size: \[3\] here, \[1, 3\] there"),
        ({"search": {"seed": 7}}, r"search\.seed: 7 here, 0 there"),
        ({"constraints": ["parameters <= 9e9"]}, r"constraints: "),
    ],
)
def test_another_space_is_refused_with_what_differs(changed, difference, store):
    open_plan(space(), store)
    with pytest.raises(InputError, match=rf"is not the one that began in .*: {difference}.*\. Undo that, or add --fresh\."):
        open_plan(space(**changed), store, resume=True)


def test_other_data_are_refused(store, monkeypatch):
    open_plan(space(), store)
    images, labels = load_digits(return_X_y=True)
    images[0, 0] += 1
    monkeypatch.setattr("sklearn.datasets.load_digits", lambda **_: (images, labels))
    with pytest.raises(InputError, match=r"data: fingerprint \w+ here, \w+ there\. Undo that"):
        open_plan(space(), store, resume=True)


def test_begun_anew_the_old_one_is_moved_aside(store):
    ids = [open_plan(space(), store, fresh=number > 0).id for number in range(3)]
    kept = {folder.name: json.loads((folder / PLAN).read_text())["id"] for folder in (store.root / "searches").iterdir()}
    assert kept == {"space": ids[2], "space.1": ids[0], "space.2": ids[1]}


def test_what_is_not_there_cannot_be_taken_up(store):
    with pytest.raises(InputError, match=r"expected one that has begun, in .*\. Received: none\. Leave out --resume\."):
        open_plan(space(), store, resume=True)
    with pytest.raises(InputError, match=r"search spcae: not found in .*which holds none"):
        read_plan(store, "spcae")


def test_a_plan_that_cannot_be_read(store):
    plan = open_plan(space(), store)
    (plan.folder / PLAN).write_text("{")
    assert open_plan(space(), store, resume=True).id == plan.id
    for file in plan.folder.glob("search.*"):
        file.write_text("{")
    with pytest.raises(
        InputError, match=r"search\.json: cannot be read, nor can the copy beside it\. Begin the search anew with --fresh\."
    ):
        open_plan(space(), store, resume=True)


@pytest.mark.parametrize("objective", ["val_iou", "mean_iou"])
def test_an_objective_that_does_not_exist_is_refused(objective, store):
    """One that no recipe has, and one that this recipe has not."""
    with pytest.raises(InputError, match="objective"):
        open_plan(space(search={"objective": objective}), store)
    assert not (store.root / "searches").exists()


def test_two_processes_cannot_be_at_one_search(store, monkeypatch):
    monkeypatch.setattr("kzoo.search.plan.PATIENCE", 0.2)
    program = "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True); input()"
    searches = store.root / "searches"
    searches.mkdir(parents=True)
    command = [sys.executable, "-c", program, str(searches / ".space.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        refusal = r"search space: is going on in another process\. Wait for its end, or stop it first\."
        with pytest.raises(InputError, match=refusal), claimed(space(), store):
            pass
        other.kill()
    with claimed(space(), store):
        pass
