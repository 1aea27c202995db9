"""A model as a figure, in four steps: its graph, the scene of boxes and arrows, their places on paper, paint."""

from .figure import draw
from .save import save_figure

__all__ = ["draw", "save_figure"]
