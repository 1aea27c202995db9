"""Blocks that the builders compose, and the few Keras layers that Keras lacks."""

from .borders import CropTo, PadToMultiple
from .icnr import ICNR
from .layer_scale import LayerScale
from .lenet import ConnectedConv, RadialBasis, ScaledTanh, TrainableSubsampling
from .local_response import LocalResponseNormalization
from .resampling import BlurPool, LinearUpsampling, PixelShuffle
from .stochastic_depth import StochasticDepth
from .unpooling import MaxUnpooling

__all__ = [
    "ICNR",
    "BlurPool",
    "ConnectedConv",
    "CropTo",
    "LayerScale",
    "LinearUpsampling",
    "LocalResponseNormalization",
    "MaxUnpooling",
    "PadToMultiple",
    "PixelShuffle",
    "RadialBasis",
    "ScaledTanh",
    "StochasticDepth",
    "TrainableSubsampling",
]
