"""From a checked recipe to its data and its network, before any run is opened."""

from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import keras

from ..data import SOURCES, Dataset
from ..errors import ArgumentError
from ..models import BUILDERS
from ..models.precision import built_under
from .objective import check_objective, check_objects, check_shapes, main
from .recipe import Recipe, RecipeError, builder_problems


def prepare(recipe: Recipe) -> tuple[Dataset, keras.Model]:
    """Reads the data and builds the network of a recipe; what is wrong with either is named in one error.

    Raises:
        RecipeError: wrong arguments of the model, the data or the training, by their paths in the recipe; those of the model are found
            before any file is read.
        InputError: faulty files, one line each.
    """
    problems = builder_problems(recipe.builder, recipe.model)
    if problems:
        raise RecipeError(recipe.name, problems)
    dataset = load_data(recipe)
    model = build_for(recipe, dataset)
    with _named(recipe, "training"):
        check_shapes(model, recipe.training, dataset)
    return dataset, model


def load_data(recipe: Recipe) -> Dataset:
    """The data of a recipe, once it is known that its loss and metrics suit them; errors as `prepare` raises them."""
    with _named(recipe, "data"):
        dataset = SOURCES[recipe.source](**recipe.data)
    with _named(recipe, "training"):
        check_objective(recipe.training, dataset)
        check_objects(recipe.training, dataset)
    return dataset


def build_for(recipe: Recipe, dataset: Dataset) -> keras.Model:
    """The network of a recipe, sized for its data, with the initial weights of its seed; errors as `prepare` raises them."""
    keras.utils.set_random_seed(recipe.training.seed)
    with _named(recipe, "model"), built_under(recipe.training.precision):
        return _build(recipe, dataset)


def _build(recipe: Recipe, dataset: Dataset) -> keras.Model:
    arguments = {"input_shape": dataset.input_shape, "num_classes": len(dataset.classes), **recipe.model}
    _check_sizes(arguments, dataset)
    try:
        model = BUILDERS[recipe.builder](**arguments)
    except ArgumentError as error:
        if error.argument == "input_shape" and "size" in recipe.resolved()["data"]:
            raise ArgumentError("input_shape", f"{error.message} The shape is that of the data: set data.size.") from error
        raise
    if (len(main(model).output_shape) > 2) != (dataset.task == "segmentation"):
        wanted = "class maps" if dataset.task == "segmentation" else "one class per image"
        raise ArgumentError("builder", f"expected a network for {wanted}, as data.source={recipe.source} has. Received: {recipe.builder}.")
    return model


def _check_sizes(arguments: Mapping[str, Any], dataset: Dataset) -> None:
    """The model's own sizes, if the recipe names them, must be those of the data."""
    classes = len(dataset.classes)
    if tuple(arguments["input_shape"]) != dataset.input_shape:
        raise ArgumentError(
            "input_shape",
            f"expected {dataset.input_shape}, as the data have. Received: {tuple(arguments['input_shape'])}. Leave it out.",
        )
    if arguments["num_classes"] not in ((classes, 1) if classes == 2 else (classes,)):
        raise ArgumentError("num_classes", f"expected {classes}, as the data have. Received: {arguments['num_classes']}. Leave it out.")


@contextmanager
def _named(recipe: Recipe, section: str):
    """Errors of arguments, named by their path in the recipe."""
    try:
        yield
    except ArgumentError as error:
        raise RecipeError(recipe.name, [str(error.within(section))]) from error
