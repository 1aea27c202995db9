"""How a model is trained: the section `training` of a recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from ..domains import Positive, Seed
from ..errors import InputError
from ..objects import Named
from .optimization import own_rate

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Optimizer = Literal["adam", "adamw", "sgd", "rmsprop", "nadam", "lion"]
Metric = Literal["mean_iou", "foreground_iou", "accuracy"]

LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class EarlyStopping:
    """Ends a training after `patience` epochs without a better value of the monitored metric."""

    patience: Positive = 10


@dataclass(frozen=True)
class Training:
    """How a model is trained.

    Optimizer, loss and metrics may be words, or named objects: `{IMPORT.PATH: {ARGUMENT: VALUE}}`, see `docs/recipes.md`.

    Args:
        epochs: int, passes over the training data.
        batch_size: int.
        optimizer: a Keras optimizer, or a named one.
        learning_rate: float, the highest one that the schedule reaches; null where a named optimizer has its own, else for 0.001.
        weight_decay: float or null, decoupled.
        schedule: `constant`, or `cosine`: falls to 0 over all epochs along half a cosine.
        warmup_epochs: int, epochs over which the rate first rises linearly from 0.
        loss: `crossentropy`, `dice` (1 - soft Dice, mean over the classes but the background), `crossentropy_dice`, their sum, or a
            named loss.
        class_weights: one number per class, by which its pixels (or images) weigh in the cross-entropy; null for equal weights.
        metrics: names or named metrics; null takes `mean_iou` and `foreground_iou` for segmentation, `accuracy` for classification.
        monitor: the validation metric (or `loss`) that chooses the best epoch; null takes the first metric.
        direction: `max` or `min`, whether a high or a low value of a named metric is best; null for all others, which say it themselves.
        callbacks: named callbacks.
        early_stopping: null, or `{patience: EPOCHS}`.
        precision: `float32`, `mixed_float16` or `mixed_bfloat16`.
        seed: int, of initial weights, batches and dropout.
    """

    epochs: Positive = 10
    batch_size: Positive = 16
    optimizer: Optimizer | Annotated[Mapping[str, Any], Named("optimizer")] = "adam"
    learning_rate: Rate | None = LEARNING_RATE
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    loss: Literal["crossentropy", "dice", "crossentropy_dice"] | Annotated[Mapping[str, Any], Named("loss")] = "crossentropy"
    class_weights: Sequence[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None
    metrics: Sequence[Metric | Annotated[Mapping[str, Any], Named("metric")]] | None = None
    monitor: str | None = None
    direction: Literal["max", "min"] | None = None
    callbacks: Sequence[Annotated[Mapping[str, Any], Named("callback")]] | None = None
    early_stopping: EarlyStopping | None = None
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    seed: Seed = 0

    def __post_init__(self):
        """Leaves the rate to an optimizer that has its own."""
        try:
            own = own_rate(self.optimizer) is not None
        except InputError:
            return
        if own and self.learning_rate == LEARNING_RATE:
            object.__setattr__(self, "learning_rate", None)
        elif not own and self.learning_rate is None:
            object.__setattr__(self, "learning_rate", LEARNING_RATE)
