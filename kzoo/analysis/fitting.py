"""A table that fits the terminal without cutting a name or a number."""

import copy
from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table

LEAST = 24
"""The narrowest that a column of folding text becomes before another column is left out for it."""


class FittingTable(Table):
    """A `rich.table.Table` that leaves out whole columns where the terminal is too narrow for all, and says which.

    Args:
        spare: headings of the columns that may be left out, the first to go first.
        folding: heading of a column whose text may continue on the next line.
        title: above the table.
        legend: lines below it.
    """

    def __init__(self, *, spare: Sequence[str], folding: str | None = None, title: str | None = None, legend: Sequence[str] = ()):
        super().__init__(title=title, title_justify="left", caption="\n".join(legend) or None, caption_justify="left")
        self.spare, self.folding, self.legend = tuple(spare), folding, tuple(legend)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from Table.__rich_console__(self.fitted(options.max_width), console, options)

    def fitted(self, width: int) -> "FittingTable":
        """The table with as many columns as fit; what is too wide even without the spare ones goes on in the next line."""
        columns, left_out = list(self.columns), []
        for heading in self.spare:
            if self._width(columns) <= width:
                break
            columns = [column for column in columns if column.header != heading]
            left_out.append(heading)
        fits = self._width(columns) <= width
        table = copy.copy(self)
        table.columns = [replace(column, overflow="fold", no_wrap=fits and column.header != self.folding) for column in columns]
        notes = [f"left out for want of width: {', '.join(left_out)}"] if left_out else []
        table.caption = "\n".join([*self.legend, *notes]) or None
        return table

    def _width(self, columns: Sequence[Column]) -> int:
        """With a bar before every column and behind the last, and a space at either side of a text."""
        return 1 + sum(3 + self._text_width(column) for column in columns)

    def _text_width(self, column: Column) -> int:
        widest = max(cell_len(line) for text in (column.header, *column.cells) for line in str(text).split("\n"))
        return min(widest, LEAST) if column.header == self.folding else widest
