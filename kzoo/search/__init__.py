"""Hyperparameter search with keras-tuner: spaces, their X-ray, trials as MLflow runs, and what was found."""

import lazy_loader

from .feasibility import Judge, Verdict
from .loading import SpaceError, load_space, shipped_spaces
from .space import Space
from .suits import Advice, check_tuner
from .xray import XRay, xray

__getattr__, _, _ = lazy_loader.attach(__name__, submod_attrs={"hypermodel": ["HyperModel"], "searching": ["Found", "tune"]})
"""What needs keras-tuner is imported when it is first used."""

__all__ = ["Advice", "Judge", "Space", "SpaceError", "Verdict", "XRay", "check_tuner", "load_space", "shipped_spaces", "xray"]
