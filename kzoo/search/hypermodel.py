"""A space as keras-tuner's hypermodel, for a user's own script."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from ..data import Batches, Dataset
from ..training import Recipe
from ..training.fit import make_batches
from ..training.objective import compile_model, make_callbacks
from ..training.prepare import build_for, load_data
from .endless import check_ends
from .hyperparameters import declare
from .loading import load_space
from .space import Space


class HyperModel(keras_tuner.HyperModel):
    """The networks of a space, built and compiled from keras-tuner's hyperparameters.

    Args:
        space: path of a space file, the name of one that ships with kzoo, its content as a mapping, or a checked space.
        overrides: values by their path, `{"settings.training.epochs": 3}`.

    `fit` trains on the data of the recipe where a script gives none of its own; those of a script that have no end, such as a generator's,
    need `steps_per_epoch`. keras-tuner 1.4 needs `tensorboard` installed to run its
    own tuners with TensorFlow; `kzoo.tune` does not.

    >>> import keras_tuner
    >>> from kzoo import HyperModel
    >>> hypermodel = HyperModel({"recipe": "digits", "domains": {"model.filters": [[4, 4], [8, 8]]}})
    >>> model = hypermodel.build(keras_tuner.HyperParameters())
    >>> type(model.optimizer).__name__
    'Adam'
    """

    def __init__(self, space: str | Path | Mapping | Space, overrides: Mapping[str, Any] | None = None):
        super().__init__()
        self.space = load_space(space, overrides)
        self._dataset: Dataset | None = None

    @property
    def dataset(self) -> Dataset:
        """The data of the recipe, read when they are first needed."""
        self._dataset = self._dataset or load_data(self.space.recipe)
        return self._dataset

    def recipe(self, hp: keras_tuner.HyperParameters) -> Recipe:
        """The recipe of a point."""
        declare(self.space, hp)
        return self.space.recipe_of({d.name: hp.values[d.name] for d in self.space.dimensions if d.name in hp.values})

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        recipe = self.recipe(hp)
        model = build_for(recipe, self.dataset)
        steps = len(make_batches(model, self.dataset, self.dataset.train, recipe.training, training_split=True))
        compile_model(model, recipe.training, self.dataset, steps_per_epoch=steps)
        return model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, *data, **options):
        if data or "x" in options:
            check_ends({**dict(zip(("x",), data, strict=False)), **options})
            return model.fit(*data, **options)
        training = self.recipe(hp).training
        train = make_batches(model, self.dataset, self.dataset.train, training, training_split=True)
        validation = make_batches(model, self.dataset, self.dataset.validation, training)
        options["callbacks"] = [*(options.get("callbacks") or ()), *make_callbacks(training, batches=train), _Epochs(train)]
        return model.fit(train, **{"validation_data": validation, "epochs": training.epochs, "verbose": 0, "shuffle": False, **options})


class _Epochs(keras.callbacks.Callback):
    """Tells the batches which epoch it is, on which their windows depend."""

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):  # noqa: ARG002
        self.batches.epoch = epoch
