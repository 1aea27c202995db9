"""A space as keras-tuner's `HyperParameters`."""

from typing import TYPE_CHECKING, Any

from .dimensions import Dimension
from .space import Space

if TYPE_CHECKING:
    import keras_tuner


def to_keras_tuner(space: Space) -> "keras_tuner.HyperParameters":
    """The dimensions of a space for keras-tuner's oracles, with their conditions; `space.recipe_of` takes the values back.

    >>> from kzoo.search import load_space
    >>> [parameter.name for parameter in to_keras_tuner(load_space("unet_grid")).space]
    ['downsampling', 'upsampling']
    """
    import keras_tuner

    parameters = keras_tuner.HyperParameters()
    declare(space, parameters)
    return parameters


def declare(space: Space, parameters: "keras_tuner.HyperParameters") -> None:
    """Adds the dimensions of a space to hyperparameters that may hold some of them, and their values, already."""
    parameters.merge([_parameter(dimension) for dimension in space.dimensions], overwrite=False)


def _parameter(dimension: Dimension) -> Any:
    """Ranges with steps are ordered choices, but for integers: keras-tuner loses the last step of 0.1 to 1.0 by 0.1.

    A scope for each condition would do for chains of conditions only, since keras-tuner finds a parent within the scopes it was made in.
    """
    from keras_tuner.engine import hyperparameters as kinds
    from keras_tuner.src.engine.conditions import Parent

    conditions = [Parent(condition.parent, list(condition.values)) for condition in dimension.conditions]
    shared = {"name": dimension.name, "default": dimension.default, "conditions": conditions}
    if dimension.kind == "choice" or (dimension.step is not None and (dimension.kind == "float" or dimension.scale == "log")):
        return kinds.Choice(values=list(dimension.values or ()), **shared)
    bounds = {"min_value": dimension.low, "max_value": dimension.high, "step": dimension.step, "sampling": dimension.scale}
    return (kinds.Int if dimension.kind == "int" else kinds.Float)(**bounds, **shared)
