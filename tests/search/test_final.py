"""The finalists of a search: what was trained stands, a seed that fails is left out for all, and the search goes on."""

import json

import pytest

from kzoo import Store, load_space
from kzoo.search.final import train_finalists
from kzoo.search.outcome import Outcome
from kzoo.search.plan import open_plan

pytestmark = pytest.mark.usefixtures("eager")

RATES = [1e-2, 1e30]


@pytest.fixture
def plan(tmp_path):
    recipe = {"experiment": "finals", "model": {"builder": "cnn", "filters": [2, 4]}, "data": {"source": "digits"}}
    content = {
        "recipe": recipe,
        "settings": {"training.epochs": 1, "training.batch_size": 256},
        "domains": {"training.learning_rate": RATES},
        "search": {"tuner": "grid"},
    }
    return open_plan(load_space(content), Store(root=tmp_path / "mlruns"))


BEST = [Outcome(f"000{n}", {"learning_rate": rate}, "completed", score=0.5) for n, rate in enumerate(RATES)]


def test_a_seed_that_fails_is_left_out_for_all(plan):
    """Scores as they were left by an earlier process: nothing is trained again."""
    (plan.folder / "finalists").mkdir()
    for trial, scores in {"0000": [0.5, 0.9, 0.6], "0001": [0.3, None, 0.5]}.items():
        for number, score in enumerate(scores):
            known = {"score": score, "run_id": "", **({} if score is not None else {"reason": "NaN at epoch 1"})}
            (plan.folder / "finalists" / f"finalist-{trial}-{number}.json").write_text(json.dumps(known))
    said = []
    report = train_finalists(plan, BEST, 3, said.append)
    assert [(f.name, f.seeds, f.mean) for f in report.finalists] == [("0000", 2, 0.55), ("0001", 2, 0.4)]
    assert said[3:5] == [
        "finalist 0001, seed 2 of 3: NaN at epoch 1",
        "seed 2 is left out for all finalists, which are compared seed by seed",
    ]


def test_a_finalist_that_fails_does_not_end_the_search_and_is_not_trained_again(plan):
    said = []
    with plan.store.start("finals", "search", key=plan.key()):
        assert train_finalists(plan, BEST, 1, said.append) is None
    assert [line.split(": ")[-1] for line in said if line.startswith("finalist 0001")] == ["NaN at epoch 1"]
    assert said[-1] == "finalists: expected two seeds or more with which all of them train. Nothing is compared."
    runs = {r.name: r for r in plan.store.find("finals", {"kzoo.search": plan.space.name})}
    assert {name: r.status for name, r in runs.items()} == {
        f"finalist-{trial}-{number}": status for trial, status in (("0000", "FINISHED"), ("0001", "FAILED")) for number in range(1)
    }
    again = []
    assert train_finalists(plan, BEST, 1, again.append) is None
    assert again == said
    assert len(plan.store.find("finals", {"kzoo.search": plan.space.name})) == 2
