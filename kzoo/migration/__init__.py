"""The way off tensorflow-addons: its names with their successors, and where a script uses them."""

from .finding import Finding
from .migrate import migrate
from .table import Successor, successors

__all__ = ["Finding", "Successor", "migrate", "successors"]
