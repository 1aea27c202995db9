"""What a network costs and what it sees, before anything is trained."""

from . import rules
from .facts import Facts, rule
from .moves import Interpolation, Move, Repeat, Transposed, Window
from .sight import Misalignment, input_window
from .sizes import LegalSizes, legal_sizes

__all__ = [
    "Facts",
    "Interpolation",
    "LegalSizes",
    "Misalignment",
    "Move",
    "Repeat",
    "Transposed",
    "Window",
    "input_window",
    "legal_sizes",
    "rule",
    "rules",
]
