"""Writes the table of docs/addons.md from the data of `kzoo.migration`.

python docs/addons.py
"""

from itertools import groupby
from pathlib import Path

from kzoo.migration import Successor, successors
from kzoo.migration.table import PARTS

GUIDE = Path(__file__).parent / "addons.md"
MARK = "<!-- The rest is written by docs/addons.py from kzoo/migration/successors. -->\n"
TITLES = {"inner": "What only the modules below define", "others": "The rest"}


def guide() -> str:
    """The whole page: its text as it is, and the table anew."""
    text = GUIDE.read_text(encoding="utf-8").partition(MARK)[0]
    return "\n".join([text + MARK, *(part(title, list(rows)) for title, rows in groupby(successors().values(), section))])


def section(row: Successor) -> str:
    words = row.name.split(".")
    return TITLES["others"] if words[0] not in PARTS else TITLES["inner"] if len(words) > 2 else f"tensorflow_addons.{words[0]}"


def part(title: str, rows: list[Successor]) -> str:
    """A table, and below it the code that is longer than a line."""
    head = f"### {title}\n\n| name | successor | results | to get the same |\n|---|---|---|---|\n"
    codes = [f"`{row.name}`:\n\n```python\n{row.write}\n```\n" for row in rows if "\n" in row.write]
    return "\n".join([head + "".join(map(line, rows)), *codes])


def line(row: Successor) -> str:
    outside = row.path is not None and row.path.partition(".")[0] not in ("keras", "kzoo")
    path = f"`{row.path}`" if row.path else "none"
    path += " (none in Keras)" if outside else f" (from Keras {row.since})" if row.since else ""
    write = "The code below." if "\n" in row.write else f"`{row.write}`" if row.write else ""
    return f"| `{row.name}` | {path} | {row.results if row.path else ''} | {'<br>'.join(text for text in (write, row.note) if text)} |\n"


if __name__ == "__main__":
    GUIDE.write_text(guide(), encoding="utf-8")
    print(f"{GUIDE}: {len(successors())} names")
