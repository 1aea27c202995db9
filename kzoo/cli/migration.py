"""`kzoo migrate`: where scripts use tensorflow-addons, and what follows it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

WIDTH = 100
"""Columns of the report, where the terminal has as many."""


def migrate(
    paths: Annotated[list[Path], typer.Argument(metavar="SCRIPT...", help="Python files, notebooks, recipes, or folders of them.")],
) -> None:
    """Report the names of tensorflow-addons in scripts, with their Keras 3 or kzoo successors; nothing is run or changed.

    Exit status: 0 where there are none, 1 where there are some, 2 for a file that cannot be read.
    """
    from rich.console import Console

    from ..migration import migrate
    from ..migration.report import summary, tables

    findings = [finding for path in paths for finding in migrate(path)]
    if not findings:
        print("no use of tensorflow-addons")
        return
    terminal = Console()
    console = Console(width=min(terminal.width, WIDTH) if sys.stdout.isatty() else WIDTH, highlight=False)
    for table in tables(findings):
        console.print(table)
    print(summary(findings))
    raise typer.Exit(1)
