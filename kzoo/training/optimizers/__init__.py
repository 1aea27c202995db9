"""Optimizers of tensorflow-addons that Keras lacks."""

from .lookahead import Lookahead
from .rectified_adam import RectifiedAdam

__all__ = ["Lookahead", "RectifiedAdam"]
