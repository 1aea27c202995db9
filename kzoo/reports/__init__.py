"""Comparison of runs, and what there is to build, as tables."""

from .comparison import comparison_table, runs_table
from .presets import presets_table

__all__ = ["comparison_table", "presets_table", "runs_table"]
