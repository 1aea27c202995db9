"""Runs, parameters, metrics and artifacts, in MLflow: the one room that knows it."""

from .run import Run
from .store import Record, Store, serve

__all__ = ["Record", "Run", "Store", "serve"]
