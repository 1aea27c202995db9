"""Optimizers of tensorflow-addons that Keras lacks."""

from ...stack import needs_keras_3

needs_keras_3("kzoo.training.optimizers", "Take the originals: tensorflow_addons.optimizers.RectifiedAdam and Lookahead.")

from .lookahead import Lookahead  # noqa: E402
from .rectified_adam import RectifiedAdam  # noqa: E402

__all__ = ["Lookahead", "RectifiedAdam"]
