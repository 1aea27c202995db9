"""Which points of a space can be built within its constraints, asked without building anything that has weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..analysis import profile
from ..data import Dataset, Samples
from ..errors import ArgumentError, one_line
from ..models import BUILDERS
from ..models.identity import canonical, plain
from ..models.weightless import weightless
from ..schema import defaults
from ..training.objective import check_objective, check_objects, counted_optimizer
from ..training.prepare import build_for, load_data
from ..training.recipe import Recipe, RecipeError, Training, plain_values
from ..training.record import cost_metrics
from .space import Space


@dataclass(frozen=True)
class Verdict:
    """What `Judge` says of a point.

    Attributes:
        feasible: whether it can be built and costs what the constraints allow.
        kind: what refuses it: a constraint's quantity, or the path of an argument that the builder refuses; None if it is feasible.
        reason: why, in one line; None if it is feasible.
        parameters: all of them; None where the network cannot be built.
        macs: of one sample.
        memory: bytes of a training step at the trial's batch size.
        layers: how many layers Keras calls.
    """

    feasible: bool
    kind: str | None = None
    reason: str | None = None
    parameters: int | None = None
    macs: int | None = None
    memory: int | None = None
    layers: int | None = None

    @property
    def costs(self) -> dict[str, int | None]:
        """What constraints are about."""
        return {"parameters": self.parameters, "macs": self.macs, "memory": self.memory}


class Judge:
    """Judges points of a space. Networks are built without weights and profiled once, whatever the training around them.

    Args:
        space: from `load_space`.
        dataset: of the space's recipe; read unless given.

    >>> from kzoo.search import load_space
    >>> space = load_space("unet_filters", {"data.scenes": 4, "data.validation_scenes": 2, "constraints": ["parameters <= 1000"]})
    >>> verdict = Judge(space).judge(space.default)
    >>> verdict.feasible, verdict.kind
    (False, 'parameters')
    """

    def __init__(self, space: Space, dataset: Dataset | None = None):
        self.space = space
        self._datasets = {} if dataset is None else {_key(space.recipe.data): _without_samples(dataset)}
        self._costs: dict[str, dict[str, int | None] | tuple[str, str]] = {}

    def judge(self, values: Mapping[str, Any]) -> Verdict:
        """Whether the network of a point can be built within the constraints, and what it costs.

        Raises:
            ArgumentError: names or values that the space does not have.
            InputError: the data cannot be read.
        """
        try:
            recipe = self.space.recipe_of(values)
        except RecipeError as error:
            return _refused(error.problems[0])
        dataset = self.dataset(recipe)
        try:
            check_objective(recipe.training, dataset)
            check_objects(recipe.training, dataset)
        except ArgumentError as error:
            return _refused(str(error.within("training")))
        found = self._cost(recipe, dataset)
        if isinstance(found, tuple):
            return Verdict(False, *found)
        costs = {name: value for name, value in found.items() if name != "activations"}
        if found["memory"] is not None:
            costs["memory"] = found["memory"] + (recipe.training.batch_size - 1) * found["activations"]
        for constraint in self.space.constraints:
            refusal = constraint.refusal(costs)
            if refusal is not None:
                return Verdict(False, constraint.quantity, refusal, **costs)
        return Verdict(True, **costs)

    def dataset(self, recipe: Recipe) -> Dataset:
        """The sizes of a recipe's data, with one sample of each split; data are read once for each of their settings."""
        key = _key(recipe.data)
        if key not in self._datasets:
            self._datasets[key] = _without_samples(load_data(replace(recipe, training=Training())))
        return self._datasets[key]

    def _cost(self, recipe: Recipe, dataset: Dataset) -> Any:
        """What the network costs at a batch size of 1, by all that it depends on; or the kind and the reason of a refusal."""
        builder = BUILDERS[recipe.builder]
        arguments = canonical({name: plain(value) for name, value in {**defaults(builder), **recipe.model}.items()}, builder)
        sizes = (dataset.input_shape, len(dataset.classes), dataset.task)
        key = repr((_key(arguments), sizes, recipe.training.precision, recipe.training.optimizer))
        if key not in self._costs:
            self._costs[key] = _measure(recipe, dataset)
        return self._costs[key]


def _measure(recipe: Recipe, dataset: Dataset) -> dict[str, int | None] | tuple[str, str]:
    try:
        with weightless():
            model = build_for(_untrained(recipe), dataset)
        found = profile(model, optimizer=counted_optimizer(recipe.training))
    except RecipeError as error:
        return _kind(error.problems[0]), error.problems[0]
    except Exception as error:
        return "model", f"model: {one_line(error)}"
    costs = cost_metrics(found, batch_size=1)
    return {
        "parameters": found.total,
        "macs": found.macs,
        "memory": int(costs["cost/training_bytes"]) if found.training else None,
        "activations": found.training.activations if found.training else None,
        "layers": len(found.layers),
    }


def _untrained(recipe: Recipe) -> Recipe:
    """The recipe without files of weights, which have no place in a network without weights."""
    model = {**recipe.model}
    encoder = model.get("encoder")
    if isinstance(encoder, Mapping):
        model["encoder"] = {key: value for key, value in encoder.items() if key != "weights"}
    if model.get("weights") is not None:
        model["weights"] = None
    return replace(recipe, model=model)


def _without_samples(dataset: Dataset) -> Dataset:
    """The data set with one sample of each split: its sizes, without its weight in memory."""

    def first(samples: Samples) -> Samples:
        return Samples(samples.images[:1], samples.targets[:1], samples.names[:1])

    return replace(dataset, train=first(dataset.train), validation=first(dataset.validation), test=None)


def _refused(problem: str) -> Verdict:
    return Verdict(False, _kind(problem), problem)


def _kind(problem: str) -> str:
    return problem.partition(":")[0]


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(plain_values(values), sort_keys=True, default=str)
