"""The guide's table holds the names that addons has and no other, and what it calls equal gives what addons gave."""

import ast
import importlib
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from kzoo.migration.table import find, modules, packages, successors

from .originals import ORIGINALS, weights
from .trajectories import follow, golden, numpy

GOLDEN = golden("successors")
NAMES = json.loads((Path(__file__).parent / "golden" / "names.json").read_text())
BELOW = {f"{module}.{name}" for module, names in NAMES["modules"].items() for name in names}
ROWS = list(successors().values())
LIBRARIES = {"keras", "kzoo", "numpy", "scipy", "skimage", "sklearn"}


def lacks(since: str) -> bool:
    """Whether this Keras is older than a successor."""
    return tuple(map(int, keras.__version__.split(".")[:2])) < tuple(map(int, (since or "0.0").split(".")))


def test_every_name_has_a_row():
    assert NAMES["version"].startswith("0.23")
    assert len(NAMES["exported"]) > 190
    assert [name for name in [*NAMES["exported"], *BELOW] if find(name) is None] == []


def test_every_row_is_a_name():
    parts = {*NAMES["modules"], *(name.partition(".")[0] for name in NAMES["exported"])}
    assert [row.name for row in ROWS if row.name not in {*NAMES["exported"], *BELOW} and row.name.removesuffix(".*") not in parts | {"utils"}] == []


def test_names_that_concern_images_have_a_row_of_their_own():
    for name in NAMES["exported"]:
        if name.partition(".")[0] not in ("rnn", "seq2seq", "text", "types", "version"):
            assert find(name).name == name


def test_modules_are_those_of_addons():
    assert modules() == {name for name in NAMES["modules"] if name.partition(".")[0] not in ("rnn", "seq2seq", "text", "utils")}
    assert packages() - modules() == {name.partition(".")[0] for name in NAMES["exported"] if "." in name} | {"utils"}


@pytest.mark.parametrize("row", [row for row in ROWS if row.path], ids=lambda row: row.name)
def test_a_successor_can_be_imported(row):
    if lacks(row.since):
        pytest.skip(f"Keras {row.since}")
    assert row.path.partition(".")[0] in LIBRARIES
    assert resolve(row.path) is not None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_whole(row):
    """It says what to do, in code that can be read, with objects that exist."""
    assert (row.results == "none") == (row.path is None)
    assert row.write or row.results != "equal"
    ast.parse(row.write)
    if not lacks(row.since):
        assert all(resolve(path) for path in re.findall(r"\b(?:keras|kzoo|scipy|skimage|sklearn)(?:\.\w+)+", f"{row.write} {row.note}"))


def test_what_is_called_equal_is_checked():
    assert set(ORIGINALS) == set(GOLDEN)
    assert {row.name for row in ROWS if row.results == "equal" and not row.path.startswith("kzoo.")} == set(ORIGINALS)


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_same_as_addons(name):
    row, values = find(name), ORIGINALS[name][1]
    if lacks(row.since):
        pytest.skip(f"Keras {row.since}")
    found, expected = result(run(row.write, values), values), GOLDEN[name]
    assert np.ptp(expected) > 0 or expected.ndim == 0
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, rtol=1e-5, atol=1e-5 * max(1, np.abs(expected).max()))


def run(code: str, values: dict):
    """The value of the last line."""
    names = {"keras": keras, "np": np, "layer": keras.layers.Dense(4), "fn": keras.losses.mean_squared_error, **values}
    names |= {library: importlib.import_module(library) for library in LIBRARIES}
    for path in re.findall(r"\b(?:scipy|skimage|sklearn)\.\w+", code):
        importlib.import_module(path)
    *lines, last = code.splitlines()
    exec("\n".join(lines), names)
    return eval(last, names)


def result(made, values: dict) -> np.ndarray:
    """What an object does with the values, or the values that were computed."""
    if isinstance(made, keras.optimizers.Optimizer):
        return follow(made)
    if isinstance(made, keras.metrics.Metric):
        made.update_state(values["y_true"], values["y_pred"])
        return numpy(made.result())
    if isinstance(made, keras.losses.Loss):
        return numpy(made(values["y_true"], values["y_pred"]))
    if isinstance(made, keras.layers.Layer):
        made.build(values["x"].shape)
        made.set_weights(weights([tuple(w.shape) for w in made.weights]))
        return numpy(made(values["x"], training=True))
    return numpy(made)


def resolve(path: str):
    """The object of a dotted path, its modules imported."""
    words, found = path.split("."), None
    for count in range(1, len(words) + 1):
        try:
            found = importlib.import_module(".".join(words[:count]))
        except ModuleNotFoundError:
            found = getattr(found, words[count - 1])
    return found
