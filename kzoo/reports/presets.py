"""The presets as a table for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..analysis.words import short, sizes
from ..models import PRESETS, list_presets


def presets_table(pattern: str = "*") -> Table:
    """One row per preset: builder, paper, input, parameters, MACs, and which network of the paper it is.

    Args:
        pattern: with `*` and `?` as in file names.
    """
    table = Table(box=SIMPLE_HEAD)
    for heading in ("preset", "builder", "paper"):
        table.add_column(heading, no_wrap=True)
    for heading in ("input", "parameters", "MACs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("variant", overflow="fold")
    for preset in (PRESETS[name] for name in list_presets(pattern)):
        paper = f"{preset.paper.split(':')[0]} {preset.year}"
        shape = sizes(preset.arguments["input_shape"])
        table.add_row(*map(Text, (preset.name, preset.builder, paper, shape, f"{preset.total:,}", short(preset.macs), preset.variant)))
    return table
