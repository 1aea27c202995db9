"""What a network costs and what it sees, before anything is trained."""

from . import rules
from .facts import Facts, rule
from .layers import Layer, ReceptiveField
from .moves import Interpolation, Move, Repeat, Transposed, Window
from .profile import Profile, profile
from .sight import Misalignment, input_window
from .sizes import LegalSizes, legal_sizes

__all__ = [
    "Facts",
    "Interpolation",
    "Layer",
    "LegalSizes",
    "Misalignment",
    "Move",
    "Profile",
    "ReceptiveField",
    "Repeat",
    "Transposed",
    "Window",
    "input_window",
    "legal_sizes",
    "profile",
    "rule",
    "rules",
]
