"""Blocks that the builders compose, and the few Keras layers that Keras lacks."""

from .borders import CropTo, PadToMultiple
from .icnr import ICNR
from .lenet import ConnectedConv, RadialBasis, ScaledTanh, TrainableSubsampling
from .local_response import LocalResponseNormalization
from .resampling import BlurPool, LinearUpsampling, PixelShuffle
from .unpooling import MaxUnpooling

__all__ = [
    "ICNR",
    "BlurPool",
    "ConnectedConv",
    "CropTo",
    "LinearUpsampling",
    "LocalResponseNormalization",
    "MaxUnpooling",
    "PadToMultiple",
    "PixelShuffle",
    "RadialBasis",
    "ScaledTanh",
    "TrainableSubsampling",
]
