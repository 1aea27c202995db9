"""Builders: functions from hyperparameters to uncompiled `keras.Model`s, one file per family."""

from . import resnet_presets, unet_presets  # noqa: F401
from .alexnet import build_alexnet
from .cnn import build_cnn
from .convnext import build_convnext
from .convolutionize import convolutionize
from .deep_supervision import DeeplySupervised, main_output
from .densenet import build_densenet
from .googlenet import build_googlenet
from .identity import Description, build, configuration, describe, load, remember, save
from .inception_v3 import build_inception_v3
from .lenet import build_lenet
from .mobilenet import build_mobilenet
from .mobilenet_v2 import build_mobilenet_v2
from .nin import build_nin
from .presets import PRESETS, Preset, build_model, build_preset, find_preset, list_models, list_presets
from .registry import BUILDERS
from .resnet import build_resnet
from .shufflenet_v2 import build_shufflenet_v2
from .squeezenet import build_squeezenet
from .trunk import Tap, taps
from .unet import build_unet
from .vgg import build_vgg
from .weights import load_weights
from .xception import build_xception
from .zfnet import build_zfnet

__all__ = [
    "BUILDERS",
    "PRESETS",
    "DeeplySupervised",
    "Description",
    "Preset",
    "Tap",
    "build",
    "build_alexnet",
    "build_cnn",
    "build_convnext",
    "build_densenet",
    "build_googlenet",
    "build_inception_v3",
    "build_lenet",
    "build_mobilenet",
    "build_mobilenet_v2",
    "build_model",
    "build_nin",
    "build_preset",
    "build_resnet",
    "build_shufflenet_v2",
    "build_squeezenet",
    "build_unet",
    "build_vgg",
    "build_xception",
    "build_zfnet",
    "configuration",
    "convolutionize",
    "describe",
    "find_preset",
    "list_models",
    "list_presets",
    "load",
    "load_weights",
    "main_output",
    "remember",
    "save",
    "taps",
]
