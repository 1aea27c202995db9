"""Callbacks of kzoo."""

from .averaging import SWA

__all__ = ["SWA"]
