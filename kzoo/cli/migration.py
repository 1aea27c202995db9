"""`kzoo migrate`: where scripts use tensorflow-addons, and what follows it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError

if TYPE_CHECKING:
    from ..migration import Finding

WIDTH = 100
"""Columns of the report, where the terminal has as many."""


def migrate(
    paths: Annotated[list[Path], typer.Argument(metavar="SCRIPT...", help="Python files, notebooks, recipes, or folders of them.")],
) -> None:
    """Report the names of tensorflow-addons in scripts, with their Keras 3 or kzoo successors; nothing is run or changed.

    Exit status: 0 where there are none, 1 where there are some, 2 for a file that cannot be read.
    """
    findings, errors = _read(paths)
    if findings:
        _report(findings)
    if errors:
        raise InputError("\n".join(errors))
    if findings:
        raise typer.Exit(1)
    print("no use of tensorflow-addons")


def _read(paths: list[Path]) -> tuple[list["Finding"], list[str]]:
    """What is found, and what is wrong with files that cannot be read: they do not hide the others."""
    from ..migration import migrate

    findings, errors = [], []
    for path in paths:
        try:
            findings += migrate(path)
        except InputError as error:
            errors.append(str(error))
        except OSError as error:
            errors.append(f"{path}: expected a file that can be read. Received: {error.strerror}.")
    return findings, errors


def _report(findings: list["Finding"]) -> None:
    from rich.console import Console

    from ..migration.report import summary, tables

    terminal = Console()
    console = Console(width=min(terminal.width, WIDTH) if sys.stdout.isatty() else WIDTH, highlight=False)
    for table in tables(findings):
        console.print(table)
    print(summary(findings), flush=True)
