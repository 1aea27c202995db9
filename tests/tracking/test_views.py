"""Saved views, as MLflow's pages read them out of an experiment's tags; `test_pages.py` opens one in a browser."""

import json

from kzoo import Store
from kzoo.tracking.serve import pages_address
from kzoo.tracking.views import View, metric, parameter, runs_page

VIEW = View(
    key="mine",
    name="my runs",
    query="tags.colour = 'red'",
    order_by=metric("search/score"),
    columns=(metric("search/score"), parameter("filters_0")),
    axes=(parameter("filters_0"), metric("cost/macs"), metric("search/score")),
    pictures=("predictions/sample_0", "predictions/sample_1"),
    step=3,
)


def state(view):
    """What the pages read: an envelope with a name and two times, and within it the state as text."""
    name, value = view.tag(12)
    envelope = json.loads(value)
    assert name == "mlflow.sharedViewState.mine"
    assert (envelope["name"], envelope["createdAt"], envelope["updatedAt"]) == ("my runs", 12, 12)
    return json.loads(envelope["state"])


def test_the_table_is_filtered_sorted_and_begins_with_its_columns():
    found = state(VIEW)
    assert found["searchFilter"] == "tags.colour = 'red'"
    assert (found["orderByKey"], found["orderByAsc"]) == ("metrics.`search/score`", False)
    assert found["selectedColumns"] == ["metrics.`search/score`", "params.`filters_0`"]
    assert found["columnOrder"][:3] == ["attributes.`Run Name`", "metrics.`search/score`", "params.`filters_0`"]
    assert set(found["columnWidths"]) == set(found["columnOrder"][:3])


def test_the_charts_have_their_axes_and_pictures():
    lines, grid = state(VIEW)["compareRunCharts"]
    assert lines["type"] == "PARALLEL"
    assert (lines["selectedParams"], lines["selectedMetrics"]) == (["filters_0"], ["cost/macs", "search/score"])
    assert lines["showAllRuns"] is True
    assert grid["type"] == "IMAGE"
    assert (grid["imageKeys"], grid["step"]) == (["predictions/sample_0", "predictions/sample_1"], 3)


def test_the_own_sections_come_first_and_hold_the_charts():
    found = state(VIEW)
    sections = [section["uuid"] for section in found["compareRunSections"]]
    assert [chart["metricSectionId"] for chart in found["compareRunCharts"]] == sections[:2]
    assert len(set(sections)) == len(sections)


def test_a_view_arrives_at_the_experiment_and_can_be_replaced(shared_store):
    with shared_store.start("views", "a") as run:
        run.save_view(VIEW)
        run.save_view(View(key="mine", name="other", query="", order_by="x"))
    tags = shared_store._client.get_experiment_by_name("views").tags
    assert json.loads(tags["mlflow.sharedViewState.mine"])["name"] == "other"


def test_the_address_names_the_view_and_the_pages_for_training():
    assert runs_page("7") == "#/experiments/7/runs?workflowType=machine_learning"
    assert runs_page("7", "mine") == "#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=mine"


def test_the_pages_of_a_server_are_at_its_address_without_the_password(tmp_path):
    remote = Store("http://me:secret@127.0.0.1:9/mlflow/", root=tmp_path)
    assert pages_address(remote) == "http://127.0.0.1:9/mlflow"
    assert pages_address(Store(root=tmp_path / "mlruns"), 5005) == "http://127.0.0.1:5005"
