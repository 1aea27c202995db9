"""What the profile knows: one file per kind of layer, each entering its rules when it is imported."""

from . import attention, convolution, merging, pointwise, pooling, resampling, shaping

__all__ = ["attention", "convolution", "merging", "pointwise", "pooling", "resampling", "shaping"]
