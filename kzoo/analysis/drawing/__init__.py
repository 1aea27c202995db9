"""A model as a figure, in four steps: its nodes, the scene of boxes and arrows, their places on paper, paint.

Beside it, pictures of what a model sees and has learned.
"""

from .field import draw_receptive_field
from .figure import draw
from .save import check_file, save_figure
from .weights import plot_feature_maps, plot_filters

__all__ = ["check_file", "draw", "draw_receptive_field", "plot_feature_maps", "plot_filters", "save_figure"]
