"""Losses for class maps that leave out ignored pixels, for one sigmoid map as for a softmax over classes."""

import keras
from keras import ops

from ..data import IGNORE


class _MapLoss(keras.losses.Loss):
    """A loss between classes `(batch, *spatial)` and scores `(batch, *spatial, channels)`; one channel means two classes."""

    def __init__(self, from_logits: bool = False, ignore: int = IGNORE, **options):
        super().__init__(**options)
        self.from_logits = from_logits
        self.ignore = ignore

    def split(self, y_true):
        """The classes with ignored pixels set to 0, and the mask of pixels that count."""
        y_true = ops.cast(y_true, "int32")
        valid = ops.not_equal(y_true, self.ignore)
        return ops.where(valid, y_true, 0), ops.cast(valid, "float32")

    def get_config(self) -> dict:
        return {**super().get_config(), "from_logits": self.from_logits, "ignore": self.ignore}


@keras.saving.register_keras_serializable("kzoo")
class Crossentropy(_MapLoss):
    """Cross-entropy per pixel, averaged over the pixels that are not ignored.

    >>> import numpy as np
    >>> loss = Crossentropy()
    >>> round(float(loss(np.array([[1, 255]]), np.array([[[0.5, 0.5], [0.9, 0.1]]]))), 4)
    0.6931
    """

    def __init__(self, from_logits: bool = False, ignore: int = IGNORE, name: str = "crossentropy", **options):
        super().__init__(from_logits, ignore, name=name, **options)

    def call(self, y_true, y_pred):
        labels, valid = self.split(y_true)
        y_pred = ops.cast(y_pred, "float32")
        if y_pred.shape[-1] == 1:
            target = ops.cast(labels, "float32")
            losses = ops.binary_crossentropy(target, ops.squeeze(y_pred, -1), from_logits=self.from_logits)
        else:
            losses = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=self.from_logits)
        return losses * valid / ops.maximum(ops.mean(valid), 1e-7)


@keras.saving.register_keras_serializable("kzoo")
class Dice(_MapLoss):
    """1 - soft Dice coefficient over all pixels of the batch, mean over the classes but the background (Milletari et al. 2016).

    A class that neither occurs nor is predicted counts as matched.
    """

    def __init__(self, from_logits: bool = False, ignore: int = IGNORE, name: str = "dice", **options):
        super().__init__(from_logits, ignore, name=name, **options)

    def call(self, y_true, y_pred):
        labels, valid = self.split(y_true)
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
    """`Crossentropy` + `Dice`, the loss of nnU-Net (Isensee et al. 2021)."""

    def __init__(self, from_logits: bool = False, ignore: int = IGNORE, name: str = "crossentropy_dice", **options):
        super().__init__(from_logits, ignore, name=name, **options)
        self.parts = (Crossentropy(from_logits, ignore), Dice(from_logits, ignore))

    def call(self, y_true, y_pred):
        return self.parts[0].call(y_true, y_pred) + self.parts[1].call(y_true, y_pred)
