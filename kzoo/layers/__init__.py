"""Blocks that the builders compose, and the few Keras layers that Keras lacks."""

from .argmax_pooling import MaxPoolingWithArgmax2D, MaxUnpooling2D, MaxUnpooling2DV2
from .borders import CropTo, PadToMultiple
from .channels import ChannelShuffle, ChannelSlice, PadChannels
from .icnr import ICNR
from .layer_scale import LayerScale
from .lenet import ConnectedConv, RadialBasis, ScaledTanh, TrainableSubsampling
from .local_response import LocalResponseNormalization
from .pyramid_pooling import SpatialPyramidPooling2D
from .resampling import BlurPool, LinearUpsampling, PixelShuffle
from .stochastic_depth import StochasticDepth, StochasticDepthAdd
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
    "MaxPoolingWithArgmax2D",
    "MaxUnpooling",
    "MaxUnpooling2D",
    "MaxUnpooling2DV2",
    "PadChannels",
    "PadToMultiple",
    "PixelShuffle",
    "RadialBasis",
    "ScaledTanh",
    "SpatialPyramidPooling2D",
    "StochasticDepth",
    "StochasticDepthAdd",
    "TrainableSubsampling",
]
