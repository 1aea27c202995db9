"""What a network costs and what it sees, before anything is trained."""

from . import rules
from .drawing import draw, draw_receptive_field, plot_feature_maps, plot_filters, save_figure
from .effective_field import effective_field
from .explain import Account, Ledger, explain
from .facts import Facts, rule
from .layers import Layer, ReceptiveField
from .match import Match, match
from .moves import Interpolation, Move, Repeat, Transposed, Window
from .profile import Profile, profile
from .shift import shift_consistency
from .sight import Misalignment, input_window
from .sizes import LegalSizes, legal_sizes

__all__ = [
    "Account",
    "Facts",
    "Interpolation",
    "Layer",
    "Ledger",
    "LegalSizes",
    "Match",
    "Misalignment",
    "Move",
    "Profile",
    "ReceptiveField",
    "Repeat",
    "Transposed",
    "Window",
    "draw",
    "draw_receptive_field",
    "effective_field",
    "explain",
    "input_window",
    "legal_sizes",
    "match",
    "plot_feature_maps",
    "plot_filters",
    "profile",
    "rule",
    "rules",
    "save_figure",
    "shift_consistency",
]
