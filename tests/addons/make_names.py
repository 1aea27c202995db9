"""Writes the public names of tensorflow-addons, in an environment with its last stack (TensorFlow 2.15, Keras 2.15, addons 0.23).

    python -m tests.addons.make_names

The file is `tests/addons/golden/names.json`: what the library exports, and what the modules below define that it does not.
"""

import importlib
import inspect
import json
import pkgutil
import typing
from pathlib import Path

import tensorflow as tf
import tensorflow_addons as tfa

FILE = Path(__file__).parent / "golden" / "names.json"
OWN = "tensorflow_addons"


def public(module) -> list[str]:
    """Names without an underscore that are no modules and come from addons, or from Keras under a name of addons."""
    found = [name for name in dir(module) if not name.startswith("_") and not inspect.ismodule(getattr(module, name))]
    return [name for name in found if origin(getattr(module, name)).startswith((OWN, "keras"))]


def origin(thing) -> str:
    """The module where a class or function is defined, also behind `tf.function`; constants and type hints of addons are its own."""
    if thing in vars(typing).values():
        return "typing"
    found = getattr(getattr(thing, "python_function", thing), "__module__", None) or OWN
    return OWN if found == "typing" else found


def defined(path: str) -> list[str]:
    """What a module defines itself."""
    module = importlib.import_module(path)
    return [name for name in public(module) if origin(getattr(module, name)) == path]


def names() -> dict:
    parts = {name: getattr(tfa, name) for name in dir(tfa) if inspect.ismodule(getattr(tfa, name)) and not name.startswith("_")}
    below = [m.name for name in parts for m in pkgutil.iter_modules(getattr(parts[name], "__path__", []), f"{OWN}.{name}.")]
    return {
        "version": tfa.__version__,
        "tensorflow": tf.__version__,
        "exported": sorted(["__version__", *public(tfa), *(f"{part}.{name}" for part, module in parts.items() for name in public(module))]),
        "modules": {path.removeprefix(f"{OWN}."): defined(path) for path in sorted(below) if not path.endswith(".tests")},
        "registered": sorted(name.removeprefix("Addons>") for name in tf.keras.utils.get_custom_objects() if name.startswith("Addons>")),
    }


if __name__ == "__main__":
    found = names()
    FILE.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{FILE.name}: {len(found['exported'])} names, {len(found['modules'])} modules")
