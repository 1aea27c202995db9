"""Files of models between Keras 3 and Keras 2.15: layers, settings and weights are the same, the words around them differ."""

import importlib
import inspect
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from . import KERAS_3

CONFIG, METADATA = "config.json", "metadata.json"
"""Members of a `.keras` file, which is a zip archive."""

MODULES = {"keras.src.engine.functional": "keras.src.models.functional", "keras.src.engine.sequential": "keras.src.models.sequential"}
"""Where Keras 2.15 keeps its kinds of models, and where Keras 3 does."""

RENAMED = {"InputLayer": {"batch_input_shape": "batch_shape"}, "LeakyReLU": {"alpha": "negative_slope"}}
"""Settings of layers by their names in Keras 2.15, and those in Keras 3."""

UNUSED = {"SeparableConv1D": {"kernel_initializer"}, "SeparableConv2D": {"kernel_initializer"}}
"""Settings that Keras 2.15 writes and does not use."""

IDLE = {"groups": (1,), "trainable": (True, False)}
"""Values of settings that only one Keras has, with which it does what the other does; besides None and False for all of them."""


def load_model(path: str | Path, **options: Any) -> keras.Model:
    """`keras.saving.load_model`, also of a `.keras` file that the other Keras wrote; that one is returned without its optimizer.

    Args:
        path: of the file.
        options: of `keras.saving.load_model`.

    Raises:
        ValueError: a layer has a setting that the other Keras does not know.
    """
    if not _is_foreign(Path(path)):
        return keras.saving.load_model(path, **options)
    with _translated(Path(path)) as copy:
        return keras.saving.load_model(copy, **{**options, "compile": False})


def _is_foreign(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        written = json.loads(archive.read(METADATA))["keras_version"] if METADATA in archive.namelist() else keras.__version__
    return (int(written.split(".")[0]) >= 3) != KERAS_3


@contextmanager
def _translated(path: Path) -> Iterator[Path]:
    """A copy of the file in the words of this Keras."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        copy = Path(folder) / path.name
        with zipfile.ZipFile(copy, "w") as new:
            for name in archive.namelist():
                content = archive.read(name)
                if name == CONFIG:
                    config = {**json.loads(content), "compile_config": None}
                    content = json.dumps(to_keras_3(config) if KERAS_3 else to_keras_2(config)).encode()
                new.writestr(name, content)
        yield copy


def to_keras_3(value: Any) -> Any:
    """A configuration that Keras 2.15 wrote; Keras 3 reads nearly all of it as it is.

    >>> to_keras_3({"module": "keras.layers", "class_name": "LeakyReLU", "config": {"alpha": 0.1}})
    {'module': 'keras.layers', 'class_name': 'LeakyReLU', 'config': {'negative_slope': 0.1}}
    """
    if isinstance(value, list):
        return [to_keras_3(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "Policy":
        return {**value, "module": "keras", "class_name": "DTypePolicy"}
    known = {key: to_keras_3(inner) for key, inner in value.items()}
    if known.get("module") in MODULES:
        known["module"] = MODULES[known["module"]]
    if known.get("class_name") == "BatchNormalization":
        known["config"] = {**known["config"], "axis": known["config"]["axis"][0]}
    if known.get("class_name") != "InputLayer" and isinstance(known.get("config"), dict):
        known["config"].pop("batch_input_shape", None)
    if "inbound_nodes" in known:
        known["inbound_nodes"] = [_keyword_tensors(node) for node in known["inbound_nodes"]]
    return _accepted(_renamed(_renumbered(known, -1), RENAMED.get(known.get("class_name", ""), {})))


def to_keras_2(value: Any) -> Any:
    """A configuration that Keras 3 wrote.

    >>> to_keras_2({"dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}})
    {'dtype': 'float32'}
    >>> history = {"class_name": "__keras_tensor__", "config": {"keras_history": ["image", 0, 0]}}
    >>> to_keras_2({"class_name": "ReLU", "inbound_nodes": [{"args": [history], "kwargs": {}}]})["inbound_nodes"]
    [[['image', 0, 0, {}]]]
    """
    if isinstance(value, list):
        return [to_keras_2(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    if value.get("class_name") == "__keras_tensor__":
        return value["config"]["keras_history"]
    known = {key: to_keras_2(inner) for key, inner in value.items()}
    known = _renamed(known, {new: old for old, new in RENAMED.get(known.get("class_name", ""), {}).items()})
    if "inbound_nodes" in known:
        known["inbound_nodes"] = [_call(known, **node) for node in known["inbound_nodes"]]
    if "module" in known:
        known["module"] = {new: old for old, new in MODULES.items()}.get(known["module"], known["module"])
    return _accepted(_renumbered(known, 1))


def _call(layer: dict, args: list, kwargs: dict) -> list:
    """A call as Keras 2 writes it: each tensor of the first argument, with all other arguments by name."""
    named = dict(kwargs)
    first = args[0] if args else named.pop(next(iter(kwargs)))
    kind = _class(layer) if len(args) > 1 else None
    names = [] if kind is None else list(inspect.signature(kind.call).parameters)[2:]
    if len(names) < len(args) - 1 or not isinstance(first, list):
        raise ValueError(f"layer {layer.get('name')} ({layer['class_name']}) is called in a way that Keras 2 cannot read from a file.")
    named |= zip(names, args[1:], strict=False)
    return [[*tensor, named] for tensor in ([first] if _is_tensor(first) else first)]


def _keyword_tensors(node: list) -> list | dict:
    """A call of Keras 2, whose tensors among the arguments by name Keras 3 knows only in its own way of writing."""
    keywords = node[0][3] if node and len(node[0]) > 3 else {}
    if not any(map(_is_tensor, keywords.values())):
        return node
    tensors = [_tensor(each[:3]) for each in node]
    first = tensors[0] if len(tensors) == 1 else tensors
    return {"args": [first], "kwargs": {name: _tensor(each) if _is_tensor(each) else each for name, each in keywords.items()}}


def _is_tensor(value: Any) -> bool:
    """Whether a value is where a tensor comes from: a layer, its call and which of its outputs."""
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int)


def _tensor(history: list) -> dict:
    """A tensor as Keras 3 writes it; where it comes from decides, not its shape."""
    return {"class_name": "__keras_tensor__", "config": {"shape": [None], "dtype": "float32", "keras_history": history[:3]}}


def _renumbered(model: dict, by: int) -> dict:
    """A model whose calls of models inside it are counted on: Keras 2 counts these from 1, since it counts that by which they were made."""
    config = model.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list) or "output_layers" not in config:
        return model
    inner = {layer["config"]["name"] for layer in config["layers"] if _has_input(layer["config"])}

    def move(value: Any) -> Any:
        if _is_tensor(value):
            return [value[0], value[1] + by * (value[0] in inner), *map(move, value[2:])]
        if isinstance(value, dict):
            return {key: move(each) for key, each in value.items()}
        return [move(each) for each in value] if isinstance(value, list) else value

    layers = [{**layer, "inbound_nodes": move(layer["inbound_nodes"])} for layer in config["layers"]]
    return {**model, "config": {**config, "layers": layers, "output_layers": move(config["output_layers"])}}


def _has_input(config: dict) -> bool:
    """Whether a layer is a model that begins with an input of its own."""
    layers = config.get("layers")
    return isinstance(layers, list) and bool(layers) and layers[0].get("class_name") == "InputLayer"


def _renamed(known: dict, names: dict[str, str]) -> dict:
    """With the settings of a layer under other names."""
    return {**known, "config": {names.get(key, key): inner for key, inner in known["config"].items()}} if names else known


def _accepted(known: dict) -> dict:
    """Without the settings that this Keras does not have, where they say nothing."""
    if not str(known.get("module")).startswith("keras.") or str(known["module"]).startswith("keras.src."):
        return known
    names, unused = _settings(_class(known)), UNUSED.get(known["class_name"], set())
    says = {key for key, value in known["config"].items() if value not in (None, False, *IDLE.get(key, ()))} - unused
    return {**known, "config": {key: value for key, value in known["config"].items() if key in names or key in says}}


def _settings(kind: type) -> set[str]:
    """The arguments of a class, and those that it hands on to its parents."""
    found = {"batch_input_shape"} if issubclass(kind, keras.layers.InputLayer) else set()
    for parent in kind.__mro__:
        parameters = inspect.signature(parent.__init__).parameters  # type: ignore[misc]
        found |= set(parameters)
        if not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
            break
    return found


def _class(known: dict) -> Any:
    """The class of a layer: Keras's, or one that is registered; None where there is none."""
    module = str(known.get("module"))
    if module.startswith("keras.") and not module.startswith("keras.src."):
        return getattr(importlib.import_module(module), known["class_name"])
    return keras.saving.get_registered_object(known.get("registered_name"))
