"""Builders: functions from hyperparameters to uncompiled `keras.Model`s, one file per family."""

from . import unet_presets  # noqa: F401
from .classifier import Tap, taps
from .cnn import build_cnn
from .deep_supervision import DeeplySupervised, main_output
from .identity import Description, build, configuration, describe, load, remember, save
from .lenet import build_lenet
from .presets import PRESETS, Preset, build_model, build_preset, find_preset, list_models, list_presets
from .registry import BUILDERS
from .unet import build_unet
from .vgg import build_vgg

__all__ = [
    "BUILDERS",
    "PRESETS",
    "DeeplySupervised",
    "Description",
    "Preset",
    "Tap",
    "build",
    "build_cnn",
    "build_lenet",
    "build_model",
    "build_preset",
    "build_unet",
    "build_vgg",
    "configuration",
    "describe",
    "find_preset",
    "list_models",
    "list_presets",
    "load",
    "main_output",
    "remember",
    "save",
    "taps",
]
