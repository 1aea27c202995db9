"""The public names of tensorflow-addons with their successors: what `docs/addons.md` shows and `kzoo migrate` reports.

The table is data, in the YAML files of `successors/` beside this file. The tests hold its names against those that tensorflow-addons
0.23 exports, and what it calls equal against what addons gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

FOLDER = Path(__file__).parent / "successors"
PARTS = ("activations", "callbacks", "image", "layers", "losses", "metrics", "optimizers")
"""The parts of addons that concern images; a file each."""

Results = Literal["equal", "similar", "none"]


@dataclass(frozen=True)
class Successor:
    """What follows a public name of tensorflow-addons.

    Args:
        name: within the library, as in `layers.GELU`; `rnn.*` stands for all of a part.
        path: import path of the successor, of Keras, kzoo or a library that kzoo needs anyway; None where there is none.
        results: `equal` where `write` gives what addons does (tests check it), `similar` where it does the same job, or `none`.
        write: the Python that takes the place of a call, in terms of that call's arguments.
        note: what else to know, in Markdown.
        since: the first version of Keras that has it, where kzoo runs with older ones too.
    """

    name: str
    path: str | None = None
    results: Results = "none"
    write: str = ""
    note: str = ""
    since: str = ""


@cache
def successors() -> dict[str, Successor]:
    """The table: all names of addons, each with its successor.

    >>> successors()["activations.gelu"].write
    'keras.activations.gelu(x, approximate=True)'
    """
    return {name: _row(name, **row) for name, row in _read(*PARTS, "inner", "others")}


@cache
def modules() -> frozenset[str]:
    """The modules below the parts: names may be written with them, as in `layers.gelu.GELU`.

    >>> "layers.gelu" in modules()
    True
    """
    return frozenset(f"{part}.{module}" for part, names in _read("modules") for module in names.split())


@cache
def packages() -> frozenset[str]:
    """What can be imported but is no name: the parts of addons and the modules below them.

    >>> sorted(packages() - modules())[:3]
    ['activations', 'callbacks', 'image']
    """
    names = successors()
    return modules() | {name.partition(".")[0] for name in names if "." in name} | {name[:-2] for name in names if name.endswith(".*")}


def find(name: str) -> Successor | None:
    """The row of a name, or that of the part which it belongs to; None where addons has no such name.

    >>> find("layers.normalizations.InstanceNormalization").path
    'keras.layers.GroupNormalization'
    >>> find("rnn.NASCell").note
    'Cells of recurrent networks. They do not concern images.'
    >>> find("layers.InstanceNorm") is None
    True
    """
    table = successors()
    above, _, last = name.rpartition(".")
    if name in table:
        return table[name]
    if above in modules() and f"{above.partition('.')[0]}.{last}" in table:
        return table[f"{above.partition('.')[0]}.{last}"]
    words = above.split(".")
    prefixes = (".".join([*words[:count], "*"]) for count in range(len(words), 0, -1))
    return next((table[prefix] for prefix in prefixes if prefix in table), None)


def _read(*files: str) -> Iterator[tuple[str, Any]]:
    for file in files:
        yield from yaml.safe_load((FOLDER / f"{file}.yaml").read_text(encoding="utf-8")).items()


def _row(name: str, successor: str | None = None, **row: Any) -> Successor:
    return Successor(name, successor, **row)
