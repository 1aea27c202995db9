"""Where a worker keeps what it trains, and which searches it cannot join."""

import pytest

from kzoo import InputError, Store
from kzoo.search.outcome import Outcome, read_outcomes
from kzoo.search.plan import open_plan
from kzoo.search.worker import joined_plan

from .test_plan import space

SERVER = "http://127.0.0.1:9"


@pytest.fixture
def led(tmp_path):
    return open_plan(space(), Store(SERVER, root=tmp_path / "chief"))


def test_the_chiefs_folder_where_it_is_shared(led):
    plan = joined_plan(led.told())
    assert (plan.id, plan.folder, plan.key("0000")) == (led.id, led.folder, led.key("0000"))
    assert plan.space.resolved() == led.space.resolved()


@pytest.mark.parametrize("other", [True, False])
def test_else_a_folder_that_no_other_search_has(other, led, tmp_path, monkeypatch):
    """Whether or not another search of this name lies at the same place on this machine."""
    monkeypatch.chdir(tmp_path)
    told = {**led.told(), "root": str(tmp_path / "mlruns")}
    if other:
        before = open_plan(space(), Store(SERVER, root=tmp_path / "mlruns"))
        Outcome("0000", {"filters": "4-4"}, "completed", 0.9).write(before.trial_folder("0000"))
    plan = joined_plan(told)
    assert plan.folder == tmp_path / "mlruns" / "searches" / f"space-{led.id}"
    assert read_outcomes(plan.folder) == []


def test_a_search_whose_runs_are_out_of_reach(led, tmp_path):
    told = {**led.told(), "root": str(tmp_path / "nowhere"), "uri": None}
    with pytest.raises(InputError, match=r"search space: expected its folder on this machine too.*\. Set MLFLOW_TRACKING_URI"):
        joined_plan(told)


@pytest.mark.parametrize("what", ["fingerprint", "digest"])
def test_other_data_or_another_version_of_kzoo(what, led):
    with pytest.raises(InputError, match=r"expected the chief's data and version of kzoo\. Received: other ones"):
        joined_plan({**led.told(), what: "0"})
