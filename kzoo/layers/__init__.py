"""Blocks that the builders compose, and the few Keras layers that Keras lacks."""

from .resampling import BlurPool, LinearUpsampling, PixelShuffle

__all__ = ["BlurPool", "LinearUpsampling", "PixelShuffle"]
