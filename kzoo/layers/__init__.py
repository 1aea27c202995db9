"""Blocks that the builders compose, and the few Keras layers that Keras lacks."""

from .borders import CropTo, PadToMultiple
from .channels import ChannelShuffle, ChannelSlice, PadChannels
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
    "ChannelShuffle",
    "ChannelSlice",
    "ConnectedConv",
    "CropTo",
    "LayerScale",
    "LinearUpsampling",
    "LocalResponseNormalization",
    "MaxUnpooling",
    "PadChannels",
    "PadToMultiple",
    "PixelShuffle",
    "RadialBasis",
    "ScaledTanh",
    "StochasticDepth",
    "TrainableSubsampling",
]
