"""Blocks that the builders compose, and the few Keras layers that Keras lacks."""

from .borders import CropTo, PadToMultiple
from .icnr import ICNR
from .layer_scale import LayerScale
from .resampling import BlurPool, LinearUpsampling, PixelShuffle
from .stochastic_depth import StochasticDepth
from .unpooling import MaxUnpooling

__all__ = [
    "ICNR",
    "BlurPool",
    "CropTo",
    "LayerScale",
    "LinearUpsampling",
    "MaxUnpooling",
    "PadToMultiple",
    "PixelShuffle",
    "StochasticDepth",
]
