"""Comparison of runs."""

from .comparison import comparison_table, runs_table

__all__ = ["comparison_table", "runs_table"]
