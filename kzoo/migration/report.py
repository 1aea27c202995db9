"""The findings as tables for the terminal, one for each file, and what they come to."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .finding import Finding, Kind

WORDS: dict[Kind, str] = {
    "equal": "with the same results",
    "similar": "with similar results",
    "none": "without a successor",
    "unknown": "unknown to tensorflow-addons",
    "unfollowed": "not followed",
    "unread": "not read",
}
COLOURS: dict[Kind, str] = {"equal": "green", "similar": "yellow", "none": "red", "unknown": "red", "unfollowed": "red", "unread": "red"}


def tables(findings: Iterable[Finding]) -> Iterator[Table]:
    """A table for each file: the lines of a name, the name, and its successor with what to write."""
    for file, found in groupby(findings, key=lambda finding: finding.file):
        yield _table(file, list(found))


def summary(findings: list[Finding]) -> str:
    """How many names there are, and how far they are served.

    >>> from .finding import named
    >>> summary([named("a.py", 1, "layers.GELU"), named("a.py", 2, "layers.GELU"), named("b.py", 1, "layers.TLU")])
    '2 names in 3 places of 2 files: 1 with the same results, 1 without a successor'
    """
    kinds = Counter(kind for _, kind in {(finding.name, finding.kind) for finding in findings})
    files = len({finding.file for finding in findings})
    counts = ", ".join(f"{kinds[kind]} {words}" for kind, words in WORDS.items() if kinds[kind])
    return f"{_many(kinds.total(), 'name')} in {_many(len(findings), 'place')} of {_many(files, 'file')}: {counts}"


def _table(file: str, findings: list[Finding]) -> Table:
    table = Table(title=Text(file, "bold"), title_justify="left", box=SIMPLE_HEAD, expand=True)
    table.add_column("line", max_width=12)
    table.add_column("name in tensorflow_addons, its successor, and what to write", ratio=1)
    names = {finding.name: finding for finding in reversed(findings)}
    for name in sorted(names, key=lambda name: findings.index(names[name])):
        places = ", ".join(finding.place for finding in findings if finding.name == name)
        table.add_row(places, _advice(names[name]))
    return table


def _advice(finding: Finding) -> Group:
    """The name with the path of its successor, and below it what to write."""
    row = finding.successor
    path = (row.path if row else None) or ("none" if finding.kind == "none" else "")
    head = Text.assemble((finding.name, "bold"), " -> " if path else "", path, f" (from Keras {row.since})" if row and row.since else "")
    kind = "" if path == "none" else WORDS[finding.kind] if row is None else f"{finding.kind} results"
    head.append(f", {kind}" if kind else "", COLOURS[finding.kind])
    return Group(head, Padding(Text(finding.advice), (0, 0, 1, 2)))


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
