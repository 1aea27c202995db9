"""What is found in a script: a name of tensorflow-addons, at a line."""

from dataclasses import dataclass
from typing import Literal

from ..errors import did_you_mean
from .table import Successor, find, packages, successors

Kind = Literal["equal", "similar", "none", "unknown", "unfollowed", "unread"]


@dataclass(frozen=True)
class Finding:
    """A use of tensorflow-addons.

    Args:
        file: as it was given, or below the folder that was.
        line: from 1; in a notebook within the cell.
        name: within addons, as in `layers.GELU`; the line of code where a use cannot be followed.
        kind: `equal`, `similar` or `none` for how far the successor's results are the same; `unknown` for a name that addons does not
            have; `unfollowed` for a use whose names are seen only when it runs; `unread` for a file that is not what its name says.
        successor: the row of the table; None for the last three kinds.
        advice: what to write or to know, in a line or a few.
        cell: of a notebook, from 1.
    """

    file: str
    line: int
    name: str
    kind: Kind
    successor: Successor | None = None
    advice: str = ""
    cell: int | None = None

    @property
    def place(self) -> str:
        """The line, or the cell of a notebook and the line in it: `12`, or `3:12`."""
        return str(self.line) if self.cell is None else f"{self.cell}:{self.line}"


def named(file: str, line: int, path: str, cell: int | None = None) -> Finding:
    """The finding for a path below `tensorflow_addons`, with whatever attributes follow the name.

    >>> named("train.py", 3, "layers.GELU.from_config").name
    'layers.GELU'
    >>> named("train.py", 3, "layers.InstanceNorm").advice
    'tensorflow-addons has no such name. Did you mean layers.InstanceNormalization?'
    """
    name = _name(path)
    if name is None:
        return Finding(file, line, path or "tensorflow_addons", "unfollowed", None, "used as a whole: look for names of it by eye", cell)
    row = find(name)
    if row is None:
        names = [known for known in successors() if not known.endswith("*")]
        advice = f"tensorflow-addons has no such name.{did_you_mean(name, names)}"
        return Finding(file, line, name, "unknown", None, advice, cell)
    known = name if row.name.endswith(".*") else row.name
    return Finding(file, line, known, row.results, row, "\n".join(text for text in (row.write, row.note) if text), cell)


def _name(path: str) -> str | None:
    """The name that a path begins with; None where it is that of a part or module and no more."""
    words = path.split(".")
    for count in range(1, len(words) + 1):
        name, longer = ".".join(words[:count]), ".".join(words[: count + 1])
        if name in successors() and (longer == name or find(longer) is None):
            return name
        if name not in packages() and path:
            return name
    return None
