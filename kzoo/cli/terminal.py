"""What commands do to the terminal: tables, addresses, and silence while Keras loads."""

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path


def load_keras_quietly() -> None:
    """Imports Keras without what TensorFlow writes to the error stream: its search for GPUs, its advice on retracing.

    Errors are raised as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def print_table(table) -> None:
    """Prints a rich table: as wide as the terminal, or as it needs to be where there is none."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160).print(table)


def print_pages(pages: Mapping[str, str]) -> None:
    """Addresses, each on a line of its own, on which a terminal lets one click."""
    longest = max(map(len, pages), default=0)
    for what, address in pages.items():
        print(f"  {what:{longest}}  {address}", flush=True)


def program() -> str:
    """How this program was called, for the commands that it recommends."""
    called = Path(sys.argv[0])
    return "kzoo" if called.name != "kzoo" or _on_path(called) else os.path.relpath(called)


def _on_path(program: Path) -> bool:
    import shutil

    found = shutil.which("kzoo")
    return found is not None and Path(found).resolve() == program.resolve()
