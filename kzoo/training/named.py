"""A model by what a user writes on the command line: a builder's name, a recipe, or a saved file."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from ..errors import ArgumentError, InputError, did_you_mean, one_line
from ..models import BUILDERS, find_preset, list_presets
from ..schema import check_values
from ..stack.crossing import load_model
from .prepare import prepare
from .recipe import load_recipe, shipped_recipes

SUFFIXES = (".keras", ".h5")

UNKNOWN = (
    r"(?:Could not locate (?:class|function)|Unknown layer:) '(\w+)'",
    r"object of type `(\w+)`",
    r"layer=(\w+) of type <class 'str'>",
    r"'class_name': 'function', 'config': '(\w+)'",
)
"""How Keras 3, and Keras 2.15 after it, name what a file holds and they do not know."""


def named_model(
    source: str,
    settings: Mapping[str, Any] | None = None,
    input_shape: Sequence[int | None] | None = None,
) -> keras.Model:
    """Builds or loads a model.

    Args:
        source: the name of a preset (`unet_2015`) or builder (`unet`), a recipe (a file, or the name of one that ships with kzoo), or a
            `.keras` file.
        settings: arguments of the builder by name, or values of the recipe by path.
        input_shape: `(*spatial, channels)`, the same as a setting of that name. A recipe's data are read unless it and the number of
            classes are given, since the data decide on them.

    Returns:
        An uncompiled `keras.Model`.

    Raises:
        InputError: the source, or a setting, cannot be used; one line for each mistake.

    >>> model = named_model("unet", {"input_shape": [64, 64, 1], "num_classes": 2, "filters": 4})
    >>> model.output_shape
    (None, 64, 64, 2)
    """
    shape = {} if input_shape is None else {"input_shape": list(input_shape)}
    if source.endswith(SUFFIXES):
        return _load(source, {**(settings or {}), **shape})
    if source in list_presets():
        preset = find_preset(source)
        return _build(preset.builder, {"name": source, **preset.arguments, **(settings or {}), **shape}, source)
    if source in BUILDERS:
        return _build(source, {**(settings or {}), **shape})
    if not Path(source).is_file() and source not in shipped_recipes():
        known = [*list_presets(), *BUILDERS, *shipped_recipes()]
        hint = did_you_mean(source, known)
        raise InputError(
            f"{source}: expected a preset (`kzoo presets` lists {len(list_presets())}), a builder ({', '.join(BUILDERS)}), "
            f"a recipe ({', '.join(shipped_recipes())}), a recipe file or a .keras file.{hint}"
        )
    recipe = load_recipe(source, {**(settings or {}), **{f"model.{name}": value for name, value in shape.items()}})
    if {"input_shape", "num_classes"} <= set(recipe.model):
        return _build(recipe.builder, recipe.model, "model")
    return prepare(recipe)[1]


def _build(name: str, settings: Mapping[str, Any], path: str | None = None) -> keras.Model:
    """A builder's model; errors name its arguments by `path`, the builder's name unless given."""
    arguments, problems = check_values(settings, BUILDERS[name], path or name)
    if problems:
        raise InputError("\n".join(f"{problem} Give it by --set." if "missing" in problem else problem for problem in problems))
    try:
        return BUILDERS[name](**arguments)
    except ArgumentError as error:
        raise error.within(path or name) from error


def _load(path: str, settings: Mapping[str, Any] | None) -> keras.Model:
    """A saved model, with kzoo's own layers known to Keras."""
    if settings:
        raise InputError(f"--set: expected none for a saved model, which is as it is. Received: {', '.join(settings)}.")
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file.")
    try:
        return load_model(path, compile=False)
    except Exception as error:
        raise InputError(f"{path}: {_unloadable(error)}") from error


def _unloadable(error: Exception) -> str:
    """What Keras says of a file, or only the class or function that it does not know."""
    found = next((match for said in UNKNOWN if (match := re.search(said, str(error)))), None)
    if found is None:
        return f"expected a model that Keras can load ({one_line(error)})."
    return (
        f"expected layers that Keras knows. Received: {found[1]}. Load it in Python with {found[1]} registered, "
        "by keras.saving.register_keras_serializable, and call kzoo.profile(model) or kzoo.draw(model)."
    )
