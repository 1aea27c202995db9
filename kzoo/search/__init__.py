"""Hyperparameter search with keras-tuner: spaces, their X-ray, trials as MLflow runs, and what was found."""

from .feasibility import Judge, Verdict
from .loading import SpaceError, load_space, shipped_spaces
from .space import Space
from .suits import Advice, check_tuner
from .xray import XRay, xray

__all__ = ["Advice", "Judge", "Space", "SpaceError", "Verdict", "XRay", "check_tuner", "load_space", "shipped_spaces", "xray"]
