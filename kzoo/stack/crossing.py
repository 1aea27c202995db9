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

CONFIG, METADATA = "config.json", "metadata.json"
"""Members of a `.keras` file, which is a zip archive."""

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

MODULES = {"keras.src.engine.functional": "keras.src.models.functional", "keras.src.engine.sequential": "keras.src.models.sequential"}
"""Where Keras 2.15 keeps its kinds of models, and where Keras 3 does."""


RENAMED = {"InputLayer": {"batch_input_shape": "batch_shape"}, "LeakyReLU": {"alpha": "negative_slope"}}
"""Settings of layers by their names in Keras 2.15, and those in Keras 3."""

COMMON = {"name", "trainable", "dtype", "batch_shape", "batch_input_shape"}
"""Settings that a layer takes without naming them."""

ABSENT = (None, False)
IDLE = {"groups": (1,)}
"""Values of settings that only one Keras has, with which it does what the other does."""

UNUSED = {"SeparableConv1D": {"kernel_initializer"}, "SeparableConv2D": {"kernel_initializer"}}
"""Settings that Keras 2.15 writes and does not use."""


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
    known = {key: to_keras_3(inner) for key, inner in value.items()}
    if known.get("module") in MODULES:
        known["module"] = MODULES[known["module"]]
    if known.get("class_name") == "BatchNormalization":
        known["config"] = {**known["config"], "axis": known["config"]["axis"][0]}
    return _accepted(_renamed(known, RENAMED.get(known.get("class_name", ""), {})))


def to_keras_2(value: Any) -> Any:
    """A configuration that Keras 3 wrote.

    >>> to_keras_2({"dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}})
    {'dtype': 'float32'}
    >>> history = {"class_name": "__keras_tensor__", "config": {"keras_history": ["image", 0, 0]}}
    >>> to_keras_2({"inbound_nodes": [{"args": [history], "kwargs": {"training": None}}]})
    {'inbound_nodes': [[['image', 0, 0, {'training': None}]]]}
    """
    if isinstance(value, list):
        return [to_keras_2(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    if value.get("class_name") == "__keras_tensor__":
        return value["config"]["keras_history"]
    back = {new: old for old, new in MODULES.items()}
    known = {key: to_keras_2(inner) for key, inner in value.items()}
    known = _renamed(known, {new: old for old, new in RENAMED.get(known.get("class_name", ""), {}).items()})
    if known.get("module") in back:
        known["module"] = back[known["module"]]
    if "inbound_nodes" in known:
        known["inbound_nodes"] = [_node(**node) for node in known["inbound_nodes"]]
    return _accepted(known)


def _renamed(known: dict, names: dict[str, str]) -> dict:
    """With the settings of a layer under other names."""
    return {**known, "config": {names.get(key, key): inner for key, inner in known["config"].items()}} if names else known


def _node(args: list, kwargs: dict) -> list:
    """A call, whose first argument is a tensor or a list of them: each with the other arguments."""
    first = args[0] if args else next(iter(kwargs.values()))
    tensors = [first] if isinstance(first[0], str) else first
    return [[*tensor, kwargs] for tensor in tensors]


def _accepted(known: dict) -> dict:
    """Without the settings that this Keras does not have, where they say nothing."""
    module = str(known.get("module"))
    if not module.startswith("keras.") or module.startswith("keras.src."):
        return known
    kind = getattr(importlib.import_module(module), known["class_name"])
    names = COMMON.union(*(inspect.signature(parent.__init__).parameters for parent in kind.__mro__))
    unused = UNUSED.get(known["class_name"], ())
    config = {
        key: value for key, value in known["config"].items() if key in names or (value not in IDLE.get(key, ABSENT) and key not in unused)
    }
    return {**known, "config": config}
