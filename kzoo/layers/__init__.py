"""Blocks that the builders compose, and the few Keras layers that Keras lacks."""

from .borders import CropTo, PadToMultiple
from .icnr import ICNR
from .resampling import BlurPool, LinearUpsampling, PixelShuffle
from .unpooling import MaxUnpooling

__all__ = ["ICNR", "BlurPool", "CropTo", "LinearUpsampling", "MaxUnpooling", "PadToMultiple", "PixelShuffle"]
