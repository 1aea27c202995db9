"""How long a search will take: a few networks of the space are trained for some steps on this machine, and the rest is computed."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data import Dataset, Samples
from ..models.weightless import weightless
from ..training.fit import fit, make_batches
from ..training.prepare import build_for
from ..training.recipe import Recipe
from .feasibility import Verdict

EPOCHS = 3
"""Of a probe: the first one holds the tracing, which the others are free of."""

STEPS = (2, 24)
"""Least and most steps per epoch of a probe."""

EPOCH_SECONDS = 1.5
"""What an epoch of a probe should take; a network whose least steps would take ten times as long is not probed."""


@dataclass(frozen=True)
class Probe:
    """What a training of a few steps took.

    Attributes:
        work: MACs of a batch.
        layers: of the network.
        start: seconds for building, tracing and saving.
        step, validation: seconds of a training step, and of a validation step.
    """

    work: float
    layers: int
    start: float
    step: float
    validation: float


@dataclass(frozen=True)
class Timing:
    """What training takes on this machine: `start` by the layers of a network, steps by the MACs of a batch, each as a + b x.

    Attributes:
        start, step, validation: a and b, in seconds.
        probes: what they were fitted to.
        items: images, or windows of images, of an epoch, for training and for validation.
    """

    start: tuple[float, float]
    step: tuple[float, float]
    validation: tuple[float, float]
    probes: tuple[Probe, ...]
    items: tuple[int, int]

    def seconds(self, verdict: Verdict, batch_size: int, epochs: float, trainings: float = 1) -> float:
        """Of a network trained for some epochs, begun so many times."""
        work = (verdict.macs or 0) * batch_size
        steps, validations = (-(-items // batch_size) for items in self.items)
        epoch = steps * _line(self.step, work) + validations * _line(self.validation, work)
        return trainings * _line(self.start, verdict.layers or 0) + epochs * epoch


def measure(candidates: Sequence[tuple[Recipe, Verdict]], dataset: Dataset, most: int = 3) -> Timing | None:
    """Trains networks of small, middling and large cost for a few steps; None where nothing can be said.

    Args:
        candidates: recipes of feasible points with what they cost.
        dataset: of the recipes.
        most: int, how many are trained.
    """
    known = sorted((pair for pair in candidates if pair[1].macs), key=_work)
    distinct = [pair for place, pair in enumerate(known) if place == 0 or _work(pair) > 1.05 * _work(known[place - 1])]
    if not distinct:
        return None
    chosen = [distinct[place] for place in sorted({round(share * (len(distinct) - 1)) for share in np.linspace(0, 1, most)})]
    probes: list[Probe] = []
    for recipe, verdict in chosen:
        expected = probes[-1].step * _work((recipe, verdict)) / probes[-1].work if probes else 0.02
        if probes and expected * STEPS[0] > 10 * EPOCH_SECONDS:
            break
        probes.append(_probe(recipe, verdict, dataset, int(np.clip(EPOCH_SECONDS / expected, *STEPS))))
    work, layers = [probe.work for probe in probes], [float(probe.layers) for probe in probes]
    recipe = chosen[0][0]
    return Timing(
        start=_fitted(layers, [probe.start for probe in probes]),
        step=_fitted(work, [probe.step for probe in probes]),
        validation=_fitted(work, [probe.validation for probe in probes]),
        probes=tuple(probes),
        items=_items(recipe, dataset),
    )


def _probe(recipe: Recipe, verdict: Verdict, dataset: Dataset, steps: int) -> Probe:
    training = replace(recipe.training, epochs=EPOCHS, early_stopping=None)
    count = steps * training.batch_size
    few = replace(dataset, train=_first(dataset.train, count), validation=_first(dataset.validation, count), test=None)
    began = time.perf_counter()
    model = build_for(recipe, dataset)
    batches, checks = (make_batches(model, few, part, training) for part in (few.train, few.validation))
    with tempfile.TemporaryDirectory() as folder:
        rows = fit(model, few, training, Path(folder)).history[1:]
    total = time.perf_counter() - began
    trained = min(batches.items / row["speed/images_per_second"] for row in rows)
    validated = min(row["speed/seconds"] - batches.items / row["speed/images_per_second"] for row in rows)
    start = max(total - sum(row["speed/seconds"] for row in rows), 0.0)
    return Probe(_work((recipe, verdict)), verdict.layers or 0, start, trained / len(batches), max(validated, 0.0) / len(checks))


def _first(samples: Samples, count: int) -> Samples:
    scale, offset = (value[:count] if isinstance(value, np.ndarray) else value for value in (samples.scale, samples.offset))
    return Samples(samples.images[:count], samples.targets[:count], samples.names[:count], scale, offset)


def _items(recipe: Recipe, dataset: Dataset) -> tuple[int, int]:
    """Images, or windows of images, of an epoch."""
    with weightless():
        model = build_for(recipe, dataset)
    training, validation = (make_batches(model, dataset, part, recipe.training).items for part in (dataset.train, dataset.validation))
    return training, validation


def _work(pair: tuple[Recipe, Verdict]) -> float:
    return float(pair[1].macs or 0) * pair[0].training.batch_size


def _fitted(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """The line with the smallest relative deviations whose a and b are not negative."""
    from scipy.optimize import nnls

    scale = max(max(x), 1.0)
    relative = [[1 / max(value, 1e-9), at / scale / max(value, 1e-9)] for at, value in zip(x, y, strict=True)]
    a, b = nnls(np.array(relative), np.ones(len(x)))[0]
    return float(a), float(b / scale)


def _line(coefficients: tuple[float, float], x: float) -> float:
    return coefficients[0] + coefficients[1] * x
