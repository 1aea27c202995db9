"""Losses for class maps that leave out ignored pixels, for one sigmoid map as for a softmax over classes."""

from collections.abc import Sequence

import keras

from ..data import IGNORE
from ..stack import ops


class _MapLoss(keras.losses.Loss):
    """A loss between classes `(batch, *spatial)` and scores `(batch, *spatial, channels)`; one channel means two classes."""

    def __init__(self, from_logits: bool = False, ignore: int = IGNORE, **options):
        super().__init__(**options)
        self.from_logits = from_logits
        self.ignore = ignore

    def split(self, y_true, y_pred):
        """The classes with ignored pixels set to 0, and the mask of pixels that count."""
        y_true = ops.reshape(ops.cast(y_true, "int32"), ops.shape(y_pred)[:-1])
        valid = ops.not_equal(y_true, self.ignore)
        return ops.where(valid, y_true, 0), ops.cast(valid, "float32")

    def get_config(self) -> dict:
        return {**super().get_config(), "from_logits": self.from_logits, "ignore": self.ignore}


@keras.saving.register_keras_serializable("kzoo")
class Crossentropy(_MapLoss):
    """Cross-entropy per pixel, averaged over the pixels that are not ignored.

    Args:
        from_logits: whether the scores are logits.
        ignore: the class of pixels that do not count.
        class_weights: one per class, by which its pixels weigh in the average; all alike unless given. The sum is divided by the sum of the
            weights, so that a batch's loss does not depend on their scale.

    >>> import numpy as np
    >>> loss = Crossentropy()
    >>> round(float(loss(np.array([[1, 255]]), np.array([[[0.5, 0.5], [0.9, 0.1]]]))), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore: int = IGNORE,
        class_weights: Sequence[float] | None = None,
        name: str = "crossentropy",
        **options,
    ):
        super().__init__(from_logits, ignore, name=name, **options)
        self.class_weights = None if class_weights is None else [float(weight) for weight in class_weights]

    def call(self, y_true, y_pred):
        labels, valid = self.split(y_true, y_pred)
        y_pred = ops.cast(y_pred, "float32")
        if y_pred.shape[-1] == 1:
            target = ops.cast(labels, "float32")
            losses = ops.binary_crossentropy(target, ops.squeeze(y_pred, -1), from_logits=self.from_logits)
        else:
            losses = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=self.from_logits)
        weights = valid
        if self.class_weights is not None:
            weights = valid * ops.take(ops.convert_to_tensor(self.class_weights, dtype="float32"), labels)
        return losses * weights / ops.maximum(ops.mean(weights), 1e-7)

    def get_config(self) -> dict:
        return {**super().get_config(), "class_weights": self.class_weights}


@keras.saving.register_keras_serializable("kzoo")
class Dice(_MapLoss):
    """1 - soft Dice coefficient over all pixels of the batch, mean over the classes but the background (Milletari et al. 2016).

    A class that neither occurs nor is predicted counts as matched.
    """

    def __init__(self, from_logits: bool = False, ignore: int = IGNORE, name: str = "dice", **options):
        super().__init__(from_logits, ignore, name=name, **options)

    def call(self, y_true, y_pred):
        labels, valid = self.split(y_true, y_pred)
        y_pred = ops.cast(y_pred, "float32")
        if y_pred.shape[-1] == 1:
            scores = ops.sigmoid(y_pred) if self.from_logits else y_pred
            truth = ops.cast(labels, "float32")[..., None]
        else:
            scores = (ops.softmax(y_pred) if self.from_logits else y_pred)[..., 1:]
            truth = ops.one_hot(labels, y_pred.shape[-1], dtype="float32")[..., 1:]
        mask = valid[..., None]
        axes = tuple(range(len(y_pred.shape) - 1))
        overlap = ops.sum(truth * scores * mask, axis=axes)
        total = ops.sum((truth + scores) * mask, axis=axes)
        return 1 - ops.mean((2 * overlap + 1) / (total + 1))


@keras.saving.register_keras_serializable("kzoo")
class CrossentropyDice(_MapLoss):
    """`Crossentropy` + `Dice`, the loss of nnU-Net (Isensee et al. 2021). Class weights are those of the cross-entropy."""

    def __init__(
        self,
        from_logits: bool = False,
        ignore: int = IGNORE,
        class_weights: Sequence[float] | None = None,
        name: str = "crossentropy_dice",
        **options,
    ):
        super().__init__(from_logits, ignore, name=name, **options)
        self.parts = (Crossentropy(from_logits, ignore, class_weights), Dice(from_logits, ignore))

    def call(self, y_true, y_pred):
        return self.parts[0].call(y_true, y_pred) + self.parts[1].call(y_true, y_pred)

    def get_config(self) -> dict:
        return {**super().get_config(), "class_weights": self.parts[0].class_weights}
