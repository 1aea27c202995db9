"""What a command of the command line is about: a builder with its arguments, a recipe, or a saved model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from .errors import ArgumentError, InputError, did_you_mean, one_line


def load_target(
    target: str,
    settings: Mapping[str, Any] | None = None,
    input_shape: Sequence[int | None] | None = None,
) -> keras.Model:
    """Builds or loads the model that a target names.

    Args:
        target: the name of a builder, such as `unet`; a recipe, as a file or the name of one that ships with kzoo; or a file that
            ends in `.keras`.
        settings: arguments of the builder, `{"filters": 32}`; for a recipe, values by their path, `{"model.filters": 32}`.
        input_shape: `(*spatial, channels)`. A recipe takes it from its data unless it is given.

    Returns:
        An uncompiled `keras.Model`; the weights of a file, else initial ones.

    Raises:
        InputError: no such target, wrong settings, or a file that cannot be read.

    >>> load_target("unet", {"num_classes": 2, "filters": 8}, (64, 64, 1)).output_shape
    (None, 64, 64, 2)
    """
    from .models import BUILDERS
    from .training.recipe import shipped_recipes

    settings = dict(settings or {})
    if target.endswith(".keras"):
        return _from_file(target, settings, input_shape)
    if target in BUILDERS:
        return _from_builder(target, settings, input_shape)
    if target in shipped_recipes() or Path(target).suffix in (".yaml", ".yml") or Path(target).is_file():
        return _from_recipe(target, settings, input_shape)
    names = [*BUILDERS, *shipped_recipes()]
    expected = f"a builder ({', '.join(BUILDERS)}), a recipe ({', '.join(shipped_recipes())} or a YAML file) or a FILE.keras"
    raise InputError(f"{target}: expected {expected}.{did_you_mean(target, names)}")


def _from_file(target: str, settings: dict, input_shape: Sequence[int | None] | None) -> keras.Model:
    from . import layers  # noqa: F401  registers kzoo's layers for loading

    if settings or input_shape:
        given = "--input-shape" if input_shape else "--set"
        raise InputError(f"{target}: expected no {given} with a saved model, whose arguments are fixed. Leave it out, or name the builder.")
    if not Path(target).is_file():
        raise InputError(f"{target}: no such file.")
    try:
        return keras.saving.load_model(target, compile=False)
    except Exception as error:
        raise InputError(f"{target}: cannot be loaded as a Keras model ({one_line(error)}).") from error


def _from_builder(target: str, settings: dict, input_shape: Sequence[int | None] | None) -> keras.Model:
    from .models import BUILDERS
    from .training import schema

    if input_shape is not None:
        settings["input_shape"] = tuple(input_shape)
    arguments, problems = schema.check_values(settings, BUILDERS[target], target)
    if problems:
        remedy = {f"{target}.input_shape: missing": "--input-shape 256,256,1", f"{target}.num_classes: missing": "--set num_classes=2"}
        added = [next((f" Give {option}." for start, option in remedy.items() if p.startswith(start)), "") for p in problems]
        raise InputError("\n".join(problem + hint for problem, hint in zip(problems, added, strict=True)))
    return BUILDERS[target](**arguments)


def _from_recipe(target: str, settings: dict, input_shape: Sequence[int | None] | None) -> keras.Model:
    """The network of a recipe; its data are read only where they have to say what the network needs."""
    from .models import BUILDERS
    from .training import load_recipe, prepare

    if input_shape is not None:
        settings["model.input_shape"] = list(input_shape)
    recipe = load_recipe(target, settings)
    if "input_shape" not in recipe.model or "num_classes" not in recipe.model:
        return prepare(recipe)[1]
    try:
        return BUILDERS[recipe.builder](**recipe.model)
    except ArgumentError as error:
        raise error.within("model") from error
