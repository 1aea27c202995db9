"""From the words of a recipe to a compiled model: optimizer, schedule, loss, metrics and callbacks."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import keras
import numpy as np

from ..analysis.memory import optimizer_slots
from ..data import IGNORE, Dataset
from ..errors import ArgumentError, one_line
from ..models import DeeplySupervised, main_output
from ..objects import build, is_word, parse, takes
from .conflicts import Direction, conflicts, direction_of, metric_name
from .losses import Crossentropy, CrossentropyDice, Dice
from .metrics import Accuracy, IoU
from .optimization import make_optimizer
from .settings import Training

UNKNOWN = 8
"""The size that a network without fixed sizes is tried with."""

LOSSES = {"crossentropy": Crossentropy, "dice": Dice, "crossentropy_dice": CrossentropyDice}

COMPLETED = ("from_logits", "num_classes", "ignore_class", "sparse_labels")
"""Arguments of a named loss or metric that the training gives it where it takes them and they are left out."""


def compile_model(model: keras.Model, training: Training, dataset: Dataset, steps_per_epoch: int) -> None:
    """Compiles a model for a data set as `training` says.

    Raises:
        ArgumentError: a loss, metric or monitor that the task does not have, or a named object that refuses its arguments.
    """
    from_logits = returns_logits(model)
    training = completed(training, dataset, from_logits)
    check_shapes(model, training, dataset)
    model.compile(
        optimizer=make_optimizer(training, steps_per_epoch),
        loss=_loss(training, from_logits),
        metrics=_metrics(training, dataset, from_logits),
    )


def check_shapes(model: keras.Model, training: Training, dataset: Dataset) -> None:
    """Tries named losses and metrics on one sample of class 0 with equal scores.

    Raises:
        ArgumentError: one that does not take class numbers `(batch, *spatial)` and the network's scores.
    """
    whole = completed(training, dataset, returns_logits(model))
    sizes = [size or UNKNOWN for size in main(model).output_shape[1:]]
    labels, scores = np.zeros((1, *sizes[:-1]), "int32"), np.full((1, *sizes), 1 / sizes[-1], "float32")
    if not is_word(whole.loss) and isinstance(loss := _loss(whole, returns_logits(model)), keras.losses.Loss):
        _try(loss, labels, scores, f"loss.{parse(whole.loss)[0]}")
    for number, written in enumerate(whole.metrics or ()):
        if not is_word(written):
            place = f"metrics.{number}"
            _try(_named_metric(written, place), labels, scores, f"{place}.{parse(written)[0]}")


def _try(judge: Any, labels: np.ndarray, scores: np.ndarray, place: str) -> None:
    try:
        judge(labels, scores)
    except Exception as error:
        shapes = f"class numbers of shape {labels.shape} and scores of shape {scores.shape}"
        raise ArgumentError(place, f"expected one that takes {shapes}. Received: {one_line(error)}.") from error


def completed(training: Training, dataset: Dataset, from_logits: bool) -> Training:
    """The training with what data and network decide on, among the arguments of a named loss and named metrics that were not given."""
    known = {"from_logits": from_logits, "num_classes": len(dataset.classes), "ignore_class": IGNORE}
    metrics = training.metrics and [_completed(metric, {**known, "sparse_labels": True}) for metric in training.metrics]
    return replace(training, loss=_completed(training.loss, known), metrics=metrics)


def _completed(written: Any, known: Mapping[str, Any]) -> Any:
    if is_word(written):
        return written
    path, arguments = parse(written)
    return {path: {**arguments, **{name: value for name, value in known.items() if name not in arguments and takes(written, name)}}}


def make_callbacks(training: Training, **known: Any) -> list[keras.callbacks.Callback]:
    """The named callbacks; those that take one of the `known` arguments and were not given it are.

    Raises:
        ArgumentError: one refuses its arguments.
    """
    written = [_completed(callback, known) for callback in training.callbacks or ()]
    return [build(callback, "callback", f"callbacks.{number}") for number, callback in enumerate(written)]


def check_objective(training: Training, dataset: Dataset) -> None:
    """Raises `ArgumentError` for settings that contradict themselves, and for a loss, metric or monitor that the task does not have."""
    for conflict in conflicts(asdict(training)):
        raise conflict
    _check_class_weights(training, dataset)
    names = metric_names(training, dataset)
    if len(set(names)) < len(names):
        raise ArgumentError("metrics", f"expected every metric once. Received: {', '.join(names)}.")
    if dataset.task == "classification":
        if is_word(training.loss) and training.loss != "crossentropy":
            raise ArgumentError("loss", f"expected crossentropy for classification data. Received: {training.loss}.")
        for name in filter(is_word, training.metrics or ()):
            if name != "accuracy":
                raise ArgumentError("metrics", f"expected accuracy for classification data. Received: {name}.")
    expected = (*names, "loss")
    if monitored(training, dataset) not in expected:
        raise ArgumentError("monitor", f"expected one of {', '.join(expected)}. Received: {training.monitor}.")


def check_objects(training: Training, dataset: Dataset) -> None:
    """Makes every named object once; raises `ArgumentError` for one that refuses its arguments, before a run is opened."""
    whole = completed(training, dataset, from_logits=False)
    if not is_word(training.optimizer):
        make_optimizer(training, steps_per_epoch=1)
    if not is_word(whole.loss):
        _loss(whole, from_logits=False)
    for number, metric in enumerate(whole.metrics or ()):
        if not is_word(metric):
            _named_metric(metric, f"metrics.{number}")
    make_callbacks(training)


def counted_optimizer(training: Training) -> str | int | None:
    """The optimizer as a profile takes it: its word, or the number of values that it keeps per weight; None where that is not known.

    Raises:
        ArgumentError: a named one refuses its arguments.
    """
    if is_word(training.optimizer):
        return str(training.optimizer)
    optimizer = make_optimizer(training, steps_per_epoch=1)
    try:
        return optimizer_slots(optimizer)
    except Exception:  # it is counted on a twin, and optimizers of others may fail in any way to say how they are made
        return None


def _check_class_weights(training: Training, dataset: Dataset) -> None:
    weights, classes = training.class_weights, len(dataset.classes)
    if weights is None:
        return
    if not is_word(training.loss):
        _check_named_weights(training)
    if training.loss == "dice":
        raise ArgumentError("class_weights", f'expected null for loss="dice", which has no weights. Received: {list(weights)}.')
    if len(weights) != classes or not any(weights):
        raise ArgumentError("class_weights", f"expected one number per class ({classes}), not all 0. Received: {list(weights)}.")


def _check_named_weights(training: Training) -> None:
    path, arguments = parse(training.loss)
    received = f"Received: {list(training.class_weights or ())}."
    if not takes(training.loss, "class_weights"):
        raise ArgumentError("class_weights", f"expected null for training.loss.{path}, which takes no class_weights. {received}")
    if "class_weights" in arguments:
        raise ArgumentError("class_weights", f"expected none beside training.loss.{path}.class_weights. {received} Leave one out.")


def metric_names(training: Training, dataset: Dataset) -> tuple[str, ...]:
    """The metrics of a training: those named, or the usual ones of the task."""
    usual = {"segmentation": ("mean_iou", "foreground_iou"), "classification": ("accuracy",)}
    return usual[dataset.task] if training.metrics is None else tuple(map(metric_name, training.metrics))


def monitored(training: Training, dataset: Dataset) -> str:
    """The metric that chooses the best epoch."""
    return training.monitor or next(iter(metric_names(training, dataset)), "loss")


def monitored_direction(training: Training, name: str) -> Direction:
    """Whether a high or a low value of a metric, or of the loss, is best."""
    return direction_of(asdict(training), name)


def returns_logits(model: keras.Model) -> bool:
    """Whether the model's last layer has no activation."""
    return getattr(model.layers[-1], "activation", None) is keras.activations.linear


def main(model: keras.Model) -> keras.Model:
    """The network that predicts: without the extra heads of deep supervision, where it has any."""
    return main_output(model) if isinstance(model, DeeplySupervised) else model


def _loss(training: Training, from_logits: bool) -> Any:
    weights = {} if training.class_weights is None else {"class_weights": training.class_weights}
    if not is_word(training.loss):
        return build(_completed(training.loss, weights), "loss", "loss")
    return LOSSES[training.loss](from_logits=from_logits, **weights)  # type: ignore[index]


def _metrics(training: Training, dataset: Dataset, from_logits: bool) -> list[keras.metrics.Metric]:
    written = metric_names(training, dataset) if training.metrics is None else training.metrics
    return [
        _metric(each, len(dataset.classes), from_logits) if is_word(each) else _named_metric(each, f"metrics.{number}")
        for number, each in enumerate(written)
    ]


def _metric(name: Any, num_classes: int, from_logits: bool) -> keras.metrics.Metric:
    if name == "accuracy":
        return Accuracy(from_logits, name=name)
    first = 1 if name == "foreground_iou" else 0
    return IoU(num_classes, range(first, num_classes), from_logits, name=name)


def _named_metric(written: Any, place: str) -> keras.metrics.Metric:
    """A metric under its name, which Keras would number where it makes one up."""
    name = metric_name(written)
    made = build(_completed(written, {"name": name}), "metric", place)
    if not isinstance(made, keras.metrics.Metric):
        return keras.metrics.MeanMetricWrapper(made, name=name)
    if made.name != name:
        setattr(made, "_name" if "_name" in vars(made) else "name", name)
    return made
