"""Values by path, through named objects and lists."""

import pytest

from kzoo.schema import Written
from kzoo.training.paths import flatten, get_value, remove_value, set_value

NESTED = {"a.Look": {"optimizer": {"b.Adam": {"rate": 1}}, "period": 6}}


@pytest.fixture
def content():
    from copy import deepcopy

    return {"training": {"optimizer": deepcopy(NESTED), "callbacks": ["c.Log", {"d.SWA": {"start": 2}}], "epochs": 3}}


@pytest.mark.parametrize(
    "path",
    ["training.optimizer.optimizer.rate", "training.optimizer.a.Look.optimizer.rate", "training.optimizer.a.Look.optimizer.b.Adam.rate"],
)
def test_import_paths_may_stand_in_a_path_and_need_not(content, path):
    assert get_value(content, path) == 1
    assert set_value(content, path, 2) == []
    assert content["training"]["optimizer"] == {"a.Look": {"optimizer": {"b.Adam": {"rate": 2}}, "period": 6}}
    remove_value(content, path)
    assert content["training"]["optimizer"]["a.Look"]["optimizer"] == {"b.Adam": {}}


def test_elements_of_lists(content):
    assert set_value(content, "training.callbacks.1.start", 5) == set_value(content, "training.callbacks.0.file", "x") == []
    assert content["training"]["callbacks"] == [{"c.Log": {"file": "x"}}, {"d.SWA": {"start": 5}}]
    assert set_value(content, "training.callbacks.0", "e.Other") == []
    assert get_value(content, "training.callbacks.0") == "e.Other"
    assert set_value(content, "training.callbacks.2", "e.Other") == [
        "training.callbacks.2: expected a number below 2, of an element of the list. Received: 2."
    ]
    assert set_value(content, "training.callbacks.3.start", 1) == [
        "training.callbacks.3.start: expected a number below 2, of an element of the list. Received: 3."
    ]
    assert set_value({"callbacks": []}, "callbacks.0.x", 1) == ["callbacks.0.x: cannot be set, since the list has no elements."]


def test_what_cannot_be_set(content):
    assert set_value(content, "training.epochs.x", 1) == ["training.epochs.x: cannot be set, since epochs is a single value."]
    assert set_value(content, "model.filters", 8) == []
    assert content["model"] == {"filters": 8}


def test_text_with_a_dot_in_it_stays_text_inside_arguments():
    content = {"callbacks": [{"c.Log": {"file": "log.csv"}}]}
    assert set_value(content, "callbacks.0.file.x", 1) == ["callbacks.0.file.x: cannot be set, since file is a single value."]
    assert content == {"callbacks": [{"c.Log": {"file": "log.csv"}}]}


@pytest.mark.parametrize("path", ["optimizer.rate", "optimizer.b.Adam.rate"])
def test_values_go_into_what_was_typed_before(path):
    content = {"optimizer": Written("{b.Adam: {beta: 1}}"), "callbacks": Written("[c.Log]"), "loss": Written("{")}
    assert set_value(content, path, 2) == set_value(content, "callbacks.0.file", "x") == []
    assert content == {"optimizer": {"b.Adam": {"beta": 1, "rate": 2}}, "callbacks": [{"c.Log": {"file": "x"}}], "loss": "{"}
    assert set_value(content, "loss.x", 1) == ["loss.x: cannot be set, since loss is a single value."]


def test_what_is_not_there(content):
    for path in ("training.none.x", "training.callbacks.7.x", "training.epochs.x", "x"):
        assert get_value(content, path) is None
        remove_value(content, path)


def test_flat_keys_are_paths(content):
    flat = flatten(content)
    assert flat == {
        "training.optimizer": "a.Look",
        "training.optimizer.optimizer": "b.Adam",
        "training.optimizer.optimizer.rate": 1,
        "training.optimizer.period": 6,
        "training.callbacks": ["c.Log", "d.SWA"],
        "training.callbacks.1.start": 2,
        "training.epochs": 3,
    }
    for path in ("training.optimizer.optimizer.rate", "training.callbacks.1.start"):
        assert get_value(content, path) == flat[path]
