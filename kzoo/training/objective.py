"""From the words of a recipe to a compiled model: optimizer, schedule, loss and metrics."""

import keras

from ..data import Dataset
from ..errors import ArgumentError
from ..models import DeeplySupervised, main_output
from .losses import Crossentropy, CrossentropyDice, Dice
from .metrics import Accuracy, IoU
from .recipe import Training

LOSSES = {"crossentropy": Crossentropy, "dice": Dice, "crossentropy_dice": CrossentropyDice}


def compile_model(model: keras.Model, training: Training, dataset: Dataset, steps_per_epoch: int) -> None:
    """Compiles a model for a data set as `training` says.

    Raises:
        ArgumentError: a loss, metric or monitor that the task does not have.
    """
    from_logits = returns_logits(model)
    model.compile(
        optimizer=_optimizer(training, steps_per_epoch),
        loss=_loss(training, from_logits),
        metrics=[_metric(name, len(dataset.classes), from_logits) for name in metric_names(training, dataset)],
    )


def check_objective(training: Training, dataset: Dataset) -> None:
    """Raises `ArgumentError` for a loss, metric or monitor that the task does not have."""
    _check_class_weights(training, dataset)
    names = metric_names(training, dataset)
    if len(set(names)) < len(names):
        raise ArgumentError("metrics", f"expected every metric once. Received: {', '.join(names)}.")
    if dataset.task == "classification":
        if training.loss != "crossentropy":
            raise ArgumentError("loss", f"expected crossentropy for classification data. Received: {training.loss}.")
        for name in training.metrics or ():
            if name != "accuracy":
                raise ArgumentError("metrics", f"expected accuracy for classification data. Received: {name}.")
    expected = (*names, "loss")
    if monitored(training, dataset) not in expected:
        raise ArgumentError("monitor", f"expected one of {', '.join(expected)}. Received: {training.monitor}.")


def _check_class_weights(training: Training, dataset: Dataset) -> None:
    weights, classes = training.class_weights, len(dataset.classes)
    if weights is None:
        return
    if training.loss == "dice":
        raise ArgumentError("class_weights", f'expected null for loss="dice", which has no weights. Received: {list(weights)}.')
    if len(weights) != classes or not any(weights):
        raise ArgumentError("class_weights", f"expected one number per class ({classes}), not all 0. Received: {list(weights)}.")


def metric_names(training: Training, dataset: Dataset) -> tuple[str, ...]:
    """The metrics of a training: those named, or the usual ones of the task."""
    usual = {"segmentation": ("mean_iou", "foreground_iou"), "classification": ("accuracy",)}
    return usual[dataset.task] if training.metrics is None else tuple(training.metrics)


def monitored(training: Training, dataset: Dataset) -> str:
    """The metric that chooses the best epoch."""
    return training.monitor or next(iter(metric_names(training, dataset)), "loss")


def returns_logits(model: keras.Model) -> bool:
    """Whether the model's last layer has no activation."""
    return getattr(model.layers[-1], "activation", None) is keras.activations.linear


def main(model: keras.Model) -> keras.Model:
    """The network that predicts: without the extra heads of deep supervision, where it has any."""
    return main_output(model) if isinstance(model, DeeplySupervised) else model


def _loss(training: Training, from_logits: bool) -> keras.losses.Loss:
    weights = {} if training.class_weights is None else {"class_weights": training.class_weights}
    return LOSSES[training.loss](from_logits=from_logits, **weights)


def _metric(name: str, num_classes: int, from_logits: bool) -> keras.metrics.Metric:
    if name == "accuracy":
        return Accuracy(from_logits, name=name)
    first = 1 if name == "foreground_iou" else 0
    return IoU(num_classes, range(first, num_classes), from_logits, name=name)


def _optimizer(training: Training, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    options = {} if training.weight_decay is None else {"weight_decay": training.weight_decay}
    optimizer = keras.optimizers.get({"class_name": training.optimizer, "config": options})
    optimizer.learning_rate = _learning_rate(training, steps_per_epoch)
    return optimizer


def _learning_rate(training: Training, steps_per_epoch: int):
    """A number, or Keras's cosine schedule; its floor `alpha` of 1 keeps the rate constant after the warm-up."""
    if training.schedule == "constant" and not training.warmup_epochs:
        return training.learning_rate
    warmup = training.warmup_epochs * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else training.learning_rate,
        decay_steps=max(training.epochs * steps_per_epoch - warmup, 1),
        alpha=0.0 if training.schedule == "cosine" else 1.0,
        warmup_target=training.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
