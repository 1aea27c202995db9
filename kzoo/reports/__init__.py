"""Tables of runs; that of presets, in `presets.py`, is imported by itself, since it needs Keras."""

from .comparison import comparison_table, runs_table

__all__ = ["comparison_table", "runs_table"]
