"""The presets as a table for the terminal."""

import re
from fnmatch import fnmatch

from rich.markup import escape

from ..analysis.fitting import FittingTable
from ..analysis.words import short, sizes
from ..errors import InputError, did_you_mean
from ..models import PRESETS, Preset


def presets_table(pattern: str = "*") -> FittingTable:
    """One row per preset, a rule between builders: paper, parameters, MACs, input, builder, and which network of the paper it is.

    Args:
        pattern: with `*` and `?` as in file names; or the name of a builder, for all of its presets.

    Raises:
        InputError: no preset has such a name.
    """
    found = [preset for preset in PRESETS.values() if preset.builder == pattern or fnmatch(preset.name, pattern)]
    if not found:
        hint = did_you_mean(pattern, [*PRESETS, *(preset.builder for preset in PRESETS.values())])
        raise InputError(f'{pattern}: expected a preset, a builder that has presets, or a pattern, as in "resnet*"; none fits.{hint}')
    table = FittingTable(spare=("variant", "builder", "input"), folding="variant")
    for heading in ("preset", "paper"):
        table.add_column(heading)
    for heading in ("parameters", "MACs", "input"):
        table.add_column(heading, justify="right")
    for heading in ("builder", "variant"):
        table.add_column(heading)
    for builder in dict.fromkeys(sorted(preset.builder for preset in found)):
        for preset in sorted((each for each in found if each.builder == builder), key=_order):
            shape = sizes(preset.arguments["input_shape"])
            cells = (preset.name, _cited(preset), f"{preset.total:,}", short(preset.macs), shape, builder, preset.variant)
            table.add_row(*map(escape, cells))
        table.add_section()
    return table


def _order(preset: Preset) -> list[str | int]:
    """`resnet18` before `resnet101`: words and numbers by turns."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", preset.name)]


def _cited(preset: Preset) -> str:
    """The first author and the year."""
    return f"{re.split('[ ,:]', preset.paper)[0]} {preset.year}"
