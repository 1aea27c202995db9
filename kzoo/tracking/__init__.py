"""Runs, parameters, metrics and artifacts, in MLflow: the one room that knows it."""

from .records import Record
from .relocate import Relocated, relocate
from .run import Run
from .serve import serve
from .store import Store
from .sync import Synced

__all__ = ["Record", "Relocated", "Run", "Store", "Synced", "relocate", "serve"]
