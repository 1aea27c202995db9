"""Metrics on predicted classes, for one sigmoid map as for a softmax, with or without logits; ignored pixels left out."""

from collections.abc import Sequence

import keras

from ..data import IGNORE
from ..stack import ops
from .agreement import CohenKappa, MatthewsCorrelationCoefficient

__all__ = ["Accuracy", "CohenKappa", "IoU", "MatthewsCorrelationCoefficient", "predicted_classes"]


def predicted_classes(scores, from_logits: bool = False):
    """The class with the highest score; of one score, whether its probability exceeds one half."""
    if scores.shape[-1] == 1:
        return ops.cast(scores[..., 0] > (0.0 if from_logits else 0.5), "int32")
    return ops.argmax(scores, axis=-1)


@keras.saving.register_keras_serializable("kzoo")
class IoU(keras.metrics.IoU):
    """Intersection over union per class, counted over all pixels of the data set, then averaged over the chosen classes.

    Args:
        num_classes: int, classes of the data, background included.
        target_class_ids: the classes to average over; those that neither occur nor are predicted are left out by Keras.
        from_logits: bool, whether a single map holds logits.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        from_logits: bool = False,
        ignore_class: int = IGNORE,
        name: str = "iou",
        **options,
    ):
        super().__init__(
            num_classes=num_classes,
            target_class_ids=tuple(target_class_ids),
            ignore_class=ignore_class,
            name=name,
            **options,
        )
        self.from_logits = from_logits

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, predicted_classes(y_pred, self.from_logits), sample_weight)

    def get_config(self) -> dict:
        config = super().get_config()
        names = ("num_classes", "target_class_ids", "ignore_class", "name", "dtype")
        return {**{key: config[key] for key in names}, "from_logits": self.from_logits}


@keras.saving.register_keras_serializable("kzoo")
class Accuracy(keras.metrics.Mean):
    """The share of right classes among the images, or among the pixels that are not ignored."""

    def __init__(self, from_logits: bool = False, ignore: int = IGNORE, name: str = "accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.from_logits = from_logits
        self.ignore = ignore

    def update_state(self, y_true, y_pred, sample_weight=None):
        predicted = predicted_classes(y_pred, self.from_logits)
        labels = ops.reshape(ops.cast(y_true, predicted.dtype), ops.shape(predicted))
        valid = ops.cast(ops.not_equal(labels, self.ignore), "float32")
        weight = valid if sample_weight is None else valid * sample_weight
        return super().update_state(ops.cast(ops.equal(labels, predicted), "float32"), weight)

    def get_config(self) -> dict:
        return {
            "name": self.name,
            "dtype": self.dtype,
            "from_logits": self.from_logits,
            "ignore": self.ignore,
        }
