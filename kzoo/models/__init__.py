"""Builders: functions from hyperparameters to uncompiled `keras.Model`s, one file per family."""

from .cnn import build_cnn
from .registry import BUILDERS
from .unet import build_unet

__all__ = ["BUILDERS", "build_cnn", "build_unet"]
