"""The Python of notebooks, and what only a notebook understands."""

import json
import re
from pathlib import Path

from ..errors import InputError
from .scope import LIBRARY

OPTIONS = r"(?:[ \t]+-(?:[nplsTD][ \t]*[\w.:]+|r[ \t]*\d+|-?[\w-]+)(?!\S))*"
TIMED = re.compile(rf"^(\s*(?:\w+\s*=\s*)?)%%?(?:timeit|time|prun)\b{OPTIONS}[ \t]*", re.M)
"""Magic words before a statement, with their options: `%time`, `norm = %timeit -n 10 -o`."""

MAGIC = re.compile(r"^(\s*)(?:[%!?].*|\w+\s*=\s*[%!].*|[\w.]+\?+\s*)$", re.M)
"""What only a notebook understands: `%matplotlib inline`, `!pip install`, `files = !ls`, `help?`."""

FOREIGN = re.compile(r"%%(?!(?:timeit|time|prun|capture)\b)")
INSTALLED = re.compile(r"\b(?:pip3?|conda|mamba|uv)\b")


def cells(file: Path) -> list[tuple[int, str]]:
    """The cells of code by number.

    Raises:
        InputError: the file is no notebook.
    """
    try:
        found = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: expected a notebook of format 4. Received: {type(error).__name__}: {error}.") from error
    return [(number, text) for number, (kind, text) in enumerate(found, start=1) if kind == "code"]


def python(cell: str) -> str:
    """The cell without its magic, line by line; nothing of a cell that is not Python, as below `%%bash`.

    >>> python("%matplotlib inline\\n%time x = f()\\n%timeit -n 10 g(x)")
    'pass\\nx = f()\\ng(x)'
    """
    return "" if FOREIGN.match(cell) else MAGIC.sub(r"\1pass", TIMED.sub(r"\1", cell))


def unfollowed(cell: str, names: set[str]) -> list[tuple[int, str]]:
    """The lines of magic that mention addons, or one of the names that it has in this notebook; not those that install it.

    >>> unfollowed("!pip install tensorflow_addons\\n%lprun -f f tfa.layers.GELU()", {"tfa"})
    [(2, '%lprun -f f tfa.layers.GELU()')]
    """
    if FOREIGN.match(cell):
        return [(1, cell.splitlines()[0])] if _mentions(cell, set()) else []
    lines = enumerate(TIMED.sub(r"\1", cell).splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if MAGIC.match(line) and _mentions(line, names)]


def _mentions(text: str, names: set[str]) -> bool:
    """Whether addons or a part of one of its names stands in what is not Python; a shell knows no names."""
    words = [rf"{LIBRARY}\b", *(rf"{re.escape(name)}\." for name in names if "!" not in text)]
    return bool(re.search(rf"\b(?:{'|'.join(words)})", text)) and not INSTALLED.search(text)
