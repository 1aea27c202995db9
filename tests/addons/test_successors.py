"""The guide's table holds the names that addons has and no other, and what it calls equal gives what addons gave."""

import ast
import importlib
import json
import re

import keras
import numpy as np
import pytest

from kzoo.migration.scan import written
from kzoo.migration.table import find, modules, packages, successors

from . import cases
from .guide import EXAMPLE, begin, code
from .originals import IMAGES, LABELS, ORIGINALS, SCORES, weights
from .trajectories import GOLDEN as FOLDER
from .trajectories import follow, golden, numpy

GOLDEN = golden("successors")
NAMES = json.loads((FOLDER / "names.json").read_text())
BELOW = {f"{module}.{name}" for module, names in NAMES["modules"].items() for name in names}
OTHERS = {name.rpartition(".")[2] for name in NAMES["exported"] if name.startswith(("rnn.", "text."))}
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
    assert [
        row.name for row in ROWS if row.name not in {*NAMES["exported"], *BELOW} and row.name.removesuffix(".*") not in parts | {"utils"}
    ] == []


def test_names_that_concern_images_have_a_row_of_their_own():
    for name in NAMES["exported"]:
        if name.partition(".")[0] not in ("rnn", "seq2seq", "text", "types", "version"):
            assert find(name).name == name


def test_modules_are_those_of_addons():
    assert modules() == {name for name in NAMES["modules"] if name.partition(".")[0] not in ("rnn", "seq2seq", "text", "utils")}
    assert packages() - modules() == {name.partition(".")[0] for name in NAMES["exported"] if "." in name} | {"utils", "utils.types"}


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
        assert all(
            resolve(path)
            for path in re.findall(r"\b(?:keras|kzoo|scipy|skimage|sklearn)(?:\.\w+)+", f"{row.write} {'' if lacks('3.10') else row.note}")
        )


def test_what_is_called_equal_is_checked():
    assert set(ORIGINALS) == {name for name in GOLDEN if "." in name}
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


def test_the_focal_loss_of_addons_trains_by_its_sum():
    """The note on it: a sum over batch and classes, which Keras 2 showed as a mean."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, activation="sigmoid", use_bias=False)])
    model.set_weights(weights([(4, 4)]))
    model.compile(keras.optimizers.SGD(0.1), run(find("losses.SigmoidFocalCrossEntropy").write, {}), loss_weights=4.0)
    model.fit(SCORES, LABELS, batch_size=len(LABELS), verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], GOLDEN["focal_loss"], atol=1e-5)


def test_the_moving_average_starts_one_step_later():
    """The note on it: the difference is that between the weights before and after the first step, decayed in every step."""
    optimizer = run(find("optimizers.MovingAverage").write, {"learning_rate": 1e-2, "average_decay": 0.9})
    rows = follow(optimizer)
    averages = np.concatenate([numpy(v).ravel() for v in optimizer._model_variables_moving_average])
    start = np.concatenate([w.ravel() for w in cases.start()])
    np.testing.assert_allclose(averages + 0.9**cases.STEPS * (start - rows[0]), GOLDEN["moving_average"], atol=1e-6)
    assert np.abs(averages - GOLDEN["moving_average"]).max() > 1e-5


def test_similar_at_inference():
    """The note on `rrelu`, whose original has the mean slope there."""
    x = np.array([-3.0, 0.5], "float32")
    found = run(find("activations.rrelu").write, {"x": x, "lower": 0.125, "upper": 1 / 3})
    np.testing.assert_allclose(numpy(found), [-3 * (0.125 + 1 / 3) / 2, 0.5], rtol=1e-6)


def test_every_registered_name_is_known():
    """`Addons>name`, as it stands in saved models and strings, leads to a row."""
    assert [name for name in NAMES["registered"] if find(written(f"Addons>{name}")) is None and name not in OTHERS] == []
    assert written("Addons>SigmoidFocalCrossEntropy") == "losses.SigmoidFocalCrossEntropy"


def test_the_training_of_the_guide_is_the_same():
    """As it was with addons and as it is: 16 steps of Lookahead and RectifiedAdam from the same weights."""
    names = {"images": EXAMPLE[0], "masks": EXAMPLE[1], "begin": begin}
    exec(code("after"), names)
    found = np.concatenate([w.ravel() for w in names["model"].get_weights()])
    np.testing.assert_allclose(found, GOLDEN["example"], atol=1e-5)


def network() -> keras.Model:
    """That of `make_successors.network`, with successors."""
    inputs = keras.Input((12, 10, 3))
    x = keras.layers.GroupNormalization(groups=-1)(keras.layers.Conv2D(4, 3)(inputs))
    x = keras.layers.SpectralNormalization(keras.layers.Conv2D(2, 3))(keras.activations.gelu(x, approximate=True))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(x))
    return keras.Model(inputs, keras.layers.Dense(2)(x))


def test_weights_of_addons_are_read_from_hdf5():
    model = network()
    model.load_weights(FOLDER / "model.h5")
    np.testing.assert_allclose(numpy(model(IMAGES / 255)), GOLDEN["network"], atol=1e-5)


@pytest.mark.skipif(lacks("3.11"), reason="Keras 3.11")
def test_a_network_of_addons_is_read_from_hdf5():
    exec(code("load").replace("old.h5", str(FOLDER / "model.h5")), names := {"keras": keras})
    np.testing.assert_allclose(numpy(names["model"](IMAGES / 255)), GOLDEN["network"], atol=1e-5)
    assert np.abs(numpy(without_approximation(names["model"])) - GOLDEN["network"]).max() > 1e-5


def without_approximation(model: keras.Model):
    """The output with Keras's own `gelu`, which a file names the same."""
    activation = next(layer for layer in model.layers if isinstance(layer, keras.layers.Activation))
    activation.activation = keras.activations.gelu
    return model(IMAGES / 255)


def anything() -> dict:
    """Values for the code of rows that are certified elsewhere or only similar."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    rates = {"learning_rate": 0.1, "initial_learning_rate": 0.1, "maximal_learning_rate": 0.2, "step_size": 3, "scale_fn": cases.halved}
    layers = {"output_size": (1, 4, 4, 3), "bins": [1, 2], "survival_probability": 0.5, "num_heads": 2, "head_size": 4}
    training = {
        "model": model,
        "x": np.ones((4, 2)),
        "y": np.ones((4, 1)),
        "start_averaging": 1,
        "average_period": 2,
        "batches": [np.ones((4, 2))],
    }
    scores = {"y_true": LABELS[:, 0], "y_pred": LABELS[:, 1], "threshold": 0.5, "num_classes": 3}
    images = {"image": IMAGES, "area": 0.1, "factor": 0.7, "hue": 0.1, "saturation": 0.4, "transform": np.arange(8.0), "matrix": np.eye(3)}
    others = {"filepath": "model.keras", "average_decay": 0.9, "optimizer": "sgd", "lower": 0.1, "upper": 0.3}
    return {**rates, **layers, **training, **scores, **images, **others}


@pytest.mark.parametrize("row", [row for row in ROWS if row.write and row.name not in ORIGINALS], ids=lambda row: row.name)
def test_other_code_runs(row):
    if lacks(row.since):
        pytest.skip(f"Keras {row.since}")
    values = anything()
    if "optimizer_map" in row.write:
        values["optimizer_map"] = keras.optimizers.OptimizerMap(keras.optimizers.SGD(), {"encoder.*": keras.optimizers.Adam()})
    run(row.write, values)
