"""A whole search on real data: its runs, its ranking, its figures, its winner; and what is refused before anything is trained."""

import csv
import io
import json

import keras
import numpy as np
import pytest
from matplotlib.image import imread

from kzoo import ArgumentError, InputError, Store, TrainingError, load_recipe, load_space, train, tune
from kzoo.search import Judge, hopeless
from kzoo.search.plan import folder_of
from kzoo.search.progress import SearchProgress
from kzoo.search.winner import write_best

pytestmark = pytest.mark.usefixtures("eager")

SPACE = {
    "recipe": {
        "experiment": "searched",
        "model": {"builder": "unet", "filters": 4, "depth": 1, "blocks": 1},
        "data": {"source": "digit_scenes", "scenes": 8, "validation_scenes": 4, "size": 32, "labels": "foreground"},
        "training": {"epochs": 2, "batch_size": 4, "learning_rate": 1e-2},
    },
    "domains": {"model.filters": [2, 4], "model.upsampling": ["nearest", "transposed_conv"]},
    "search": {"tuner": "grid", "seed": 0},
}


SMALL = {
    "experiment": "searched",
    "model": {"builder": "cnn", "filters": [2, 4]},
    "data": {"source": "digits"},
    "training": {"batch_size": 256},
}
"""A recipe whose epochs have few steps."""


def named(folder, name, **changes):
    """The space as a file, whose name is the search's."""
    import yaml

    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**SPACE, **changes}))
    return file


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("searches")


@pytest.fixture(scope="module")
def store(place):
    return Store(root=place / "mlruns")


@pytest.fixture(scope="module")
def found(place, store):
    return tune(named(place, "whole"), store=store, progress=None, finalists=2, seeds=2)


def test_every_point_is_a_trial_and_the_best_comes_first(found):
    assert [o.status for o in found.outcomes] == ["completed"] * 4
    assert len({tuple(sorted(o.values.items())) for o in found.outcomes}) == 4
    assert found.best.score == max(o.score for o in found.outcomes)
    assert found.objective == "val/mean_iou"


def test_the_children_hang_below_the_search_and_have_the_same_keys(found, store):
    records = store.find("searched", {"mlflow.parentRunId": found.run_id})
    trials = [r for r in records if "kzoo.trial" in r.tags]
    assert {r.tags["kzoo.trial"] for r in trials} == {o.trial for o in found.outcomes}
    assert len({frozenset(r.metrics) for r in trials}) == 1
    assert {frozenset(r.parameters) for r in trials} == {frozenset({"filters", "upsampling"})}
    for record in trials:
        assert record.metrics["hp/filters"] == float(record.parameters["filters"])
        assert record.metrics["search/score"] == record.metrics["best/mean_iou"]
        assert record.status == "FINISHED"


def test_the_score_is_that_of_the_best_epoch(found, store):
    outcome = found.outcomes[0]
    assert outcome.score == max(outcome.curve)
    assert outcome.scores == (outcome.score,)
    points = store._client.get_metric_history(outcome.run_id, "val/mean_iou")
    assert [p.value for p in points] == list(outcome.curve)


def test_the_note_links_to_the_trials_and_names_the_best(found, store):
    note = store.get(found.run_id).tags["mlflow.note.content"]
    assert f"trial [{found.best.trial}]" in note
    for outcome in found.outcomes:
        assert f"/runs/{outcome.run_id}" in note
    assert "### Finalists" in note


def test_the_note_begins_with_links_to_the_views_of_the_trials(found, store):
    lines = store.get(found.run_id).tags["mlflow.note.content"].splitlines()
    view = f"viewStateShareKey={store.get(found.run_id).tags['kzoo.key']}"
    assert f"[All trials, sorted by score](#/experiments/1/runs?workflowType=machine_learning&{view})" in lines[2]
    assert f"{view}&compareRunsMode=CHART)" in lines[2]
    assert {what: address.split("#")[0] for what, address in found.pages.items()} == dict.fromkeys(
        ("ranking", "table", "charts"), "http://127.0.0.1:5000/"
    )
    assert f"/runs/{found.run_id}?" in found.pages["ranking"]


def test_the_view_shows_exactly_the_trials_and_every_axis_has_a_value(found, store):
    tags = store._client.get_experiment_by_name("searched").tags
    state = json.loads(json.loads(tags[f"mlflow.sharedViewState.{store.get(found.run_id).tags['kzoo.key']}"])["state"])
    order = f"{state['orderByKey']} {'ASC' if state['orderByAsc'] else 'DESC'}"
    runs = store._client.search_runs(["1"], state["searchFilter"], order_by=[order])
    assert {run.info.run_id for run in runs} == {o.run_id for o in found.ranking}
    assert [run.data.metrics["search/score"] for run in runs] == [o.score for o in found.ranking]
    lines, grid = state["compareRunCharts"]
    assert lines["selectedParams"] == ["filters", "upsampling"]
    for run in runs:
        assert set(lines["selectedMetrics"]) <= set(run.data.metrics)
        assert set(lines["selectedParams"]) <= set(run.data.params)
        shown = {p.path for p in store._client.list_artifacts(run.info.run_id, "images")}
        for key in grid["imageKeys"]:
            assert any(path.startswith(f"images/{key.replace('/', '~')}+step+{grid['step']}+") for path in shown)


def test_the_curve_of_the_best_so_far_never_falls(found, store):
    points = store._client.get_metric_history(found.run_id, "search/best")
    assert [p.step for p in points] == [1, 2, 3, 4]
    values = [p.value for p in points]
    assert values == sorted(values)
    assert values[-1] == found.best.score


@pytest.mark.parametrize("name", ["best_so_far.png", "pareto.png", "importance.png"])
def test_the_figures_show_something(found, store, tmp_path, name):
    picture = imread(store.download(found.run_id, name, tmp_path))
    assert min(picture.shape[:2]) > 200
    assert picture[..., :3].std() > 0.01


def test_the_table_of_trials(found, store, tmp_path):
    rows = list(csv.DictReader(io.StringIO(store.download(found.run_id, "trials.csv", tmp_path).read_text())))
    assert [float(row["score"]) for row in rows] == [o.score for o in found.outcomes]


def test_the_same_images_in_every_trial(found, store):
    names = []
    for outcome in found.outcomes:
        files = [f.path for f in store._client.list_artifacts(outcome.run_id, "images") if f.path.endswith(".png")]
        names.append({f.split("+step+")[0] for f in files})
    assert names == [{f"images/predictions~sample_{n}" for n in range(4)}] * 4


def test_a_trial_is_rebuilt_from_the_recipe_of_the_winner(found, store, tmp_path):
    write_best("whole", tmp_path / "best.yaml", store=store)
    recipe = load_recipe(tmp_path / "best.yaml")
    again = train(recipe, store=store, progress=None)
    assert again.history[-1]["train/loss"] == pytest.approx(_last_loss(store, found.best.run_id), rel=1e-5)
    assert again.metrics["best/mean_iou"] == pytest.approx(found.best.score, rel=1e-5)


def test_the_models_of_the_trials_are_kept(found, store, tmp_path):
    model = keras.saving.load_model(store.download(found.best.run_id, "model.keras", tmp_path))
    assert model.predict(np.zeros((1, 32, 32, 1)), verbose=0).shape == (1, 32, 32, 2)


def test_finalists_have_seeds_that_the_search_has_not_seen(found, store):
    records = [r for r in store.find("searched", {"kzoo.search": "whole"}) if "kzoo.finalist" in r.tags]
    assert len(records) == 4
    assert {r.parameters["training.seed"] for r in records} == {"1000", "1001"}
    assert {f.seeds for f in found.finalists.finalists} == {2}


def test_a_finished_search_that_is_resumed_trains_nothing(found, store, place):
    again = tune(place / "whole.yaml", store=store, progress=None, resume=True)
    assert again.run_id == found.run_id
    assert again.outcomes == found.outcomes


def test_executions_have_seeds_of_their_own_and_a_spread(store, place):
    search = {"tuner": "grid", "executions": 2}
    file = named(place, "executions", recipe=SMALL, settings={"training.epochs": 2}, domains={"model.kernel_size": [3]}, search=search)
    found = tune(file, store=store, progress=None)
    for outcome in found.outcomes:
        assert len(set(outcome.scores)) == 2
        assert outcome.score == pytest.approx(sum(outcome.scores) / 2)
        record = store.get(outcome.run_id)
        assert record.metrics["search/spread"] == pytest.approx(abs(outcome.scores[0] - outcome.scores[1]) / 2**0.5)
        assert len(store._client.get_metric_history(outcome.run_id, "execution_1/val/accuracy")) == 2


def test_hopeless_trials_are_ended_early(store, place, monkeypatch):
    """With a rate that learns nothing after two trials that learn: the third is stopped before its last epoch."""
    monkeypatch.setattr(hopeless, "TRIALS", 2)
    rates = {"training.learning_rate": [1e-2, 1.1e-2, 1e-9]}
    search = {"tuner": "grid", "objective": "loss"}
    file = named(place, "hopeless", recipe=SMALL, settings={"training.epochs": 4}, domains=rates, search=search)
    found = tune(file, store=store, progress=None)
    worst = found.outcomes[-1]
    assert worst.status == "pruned"
    assert worst.epochs < 4
    assert store.get(worst.run_id).tags["kzoo.reason"] == f"hopeless after epoch {worst.epochs}"


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"objective": "accuracy"}, "search.objective: expected one of mean_iou, foreground_iou, loss"),
        ({"tuner": "hyperband"}, "search.tuner: expected training.epochs of at least 3 for hyperband"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_training(store, place, search, message):
    with pytest.raises(InputError, match=message):
        tune(named(place, "refused", search=search), store=store, progress=None)
    assert not folder_of(store, "refused").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"finalists": 1}, "finalists: expected two or more"),
        ({"seeds": 1}, "seeds: expected"),
        ({"seeds": 7}, r"seeds: expected only with finalists\. Received: 7"),
        ({"resume": True, "fresh": True}, "fresh: expected without resume"),
        ({"workers": -1}, r"workers: expected 0 or more, .* Received: -1"),
        ({"workers": 1, "lease": 0.0}, r"lease: expected seconds above 0\. Received: 0"),
        ({"lease": 9.0}, r"lease: expected only with workers\. Received: 9"),
        ({"listen": "0.0.0.0:80"}, r"listen: expected only with workers\. Received: 0\.0\.0\.0:80"),
    ],
)
def test_arguments_that_have_no_effect_or_no_sense(store, place, options, message):
    with pytest.raises(ArgumentError, match=f"^{message}"):
        tune(named(place, "refused"), store=store, progress=None, **options)


class Said(SearchProgress):
    def __init__(self):
        self.words = []

    def advised(self, message):
        self.words.append(message)


def test_a_search_that_finds_no_further_point_says_so(store, place):
    """Of 300 points those with batches of 299 and of 300 samples are within the bound."""
    content = {"recipe": SMALL, "settings": {"training.epochs": 1}, "domains": {"training.batch_size": {"from": 1, "to": 300}}}
    bound = Judge(load_space(content)).judge({"batch_size": 299}).memory
    file = named(place, "drained", **content, constraints=[f"memory >= {bound}"], search={"trials": 5})
    said = Said()
    found = tune(file, store=store, progress=said)
    assert {o.values["batch_size"] for o in found.outcomes} == {299, 300}
    remark = "search drained: has ended after 2 trials of 5, since 1000 draws have found no further feasible point."
    assert said.words[-1] == remark
    assert remark in store.get(found.run_id).tags["mlflow.note.content"]


def test_a_search_that_finds_no_point_at_all_has_failed(store, place):
    rates = {"training.learning_rate": {"from": 1e-4, "to": 1e-2}}
    file = named(place, "barren", recipe=SMALL, domains=rates, constraints=["parameters <= 1"], search={"trials": 2})
    said = Said()
    with pytest.raises(TrainingError, match=r"barren: has ended after 0 trials of 2, since .* feasible point\. Loosen the constraints"):
        tune(file, store=store, progress=said)
    assert said.words == ["None of 60 points drawn at random is feasible: the search may find none."]


def _last_loss(store, run_id):
    return store._client.get_metric_history(run_id, "train/loss")[-1].value
