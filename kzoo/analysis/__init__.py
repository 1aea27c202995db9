"""What a network costs, before anything is trained."""

from .macs import count_macs, count_parameters

__all__ = ["count_macs", "count_parameters"]
