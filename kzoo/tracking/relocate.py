"""A project folder that has moved: its database names the artifacts by their old place, which is mended here."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..errors import InputError, one_line
from .notice import warn

if TYPE_CHECKING:
    from .store import Store

COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("datasets", "dataset_source"),
)
"""Where MLflow keeps places of files; columns that a version of it does not have are passed over."""


LOCATIONS = """
    SELECT artifact_location, EXISTS (SELECT 1 FROM runs WHERE runs.experiment_id = experiments.experiment_id)
    FROM experiments WHERE artifact_location LIKE 'file:///%/artifacts/%'
"""


@dataclass(frozen=True)
class Relocated:
    """What `relocate` has changed.

    Attributes:
        roots: the old places of the store.
        rows: how many rows were changed, by `table.column`.
        missing: places of artifacts that are neither there nor here; nothing was changed for them.
    """

    roots: tuple[Path, ...]
    rows: dict[str, int]
    missing: tuple[Path, ...] = ()


def relocate(store: "Store") -> Relocated:
    """Makes the database of a local store point to where its artifacts are now, in one transaction; done twice, it changes nothing.

    Raises:
        InputError: the store is not a local one, or its database is no database or locked.
    """
    if not store.local:
        raise InputError(f"relocate: expected the local store under mlruns/. Received: {store.where}. Unset MLFLOW_TRACKING_URI.")
    try:
        with closing(sqlite3.connect(store.root / "mlflow.db", timeout=20)) as database, database:
            return _relocate(store, database)
    except sqlite3.Error as error:
        raise InputError(f"{store.root / 'mlflow.db'}: cannot be changed ({one_line(error)}). End what uses it, and try again.") from error


def _relocate(store: "Store", database: sqlite3.Connection) -> Relocated:
    old, missing = old_roots(database, store.root)
    rows: Counter[str] = Counter()
    for root in old:
        for table, column in _present(database):
            rows[f"{table}.{column}"] += _replace(database, table, column, f"{root.as_uri()}/", f"{store.root.as_uri()}/")
        query = "UPDATE tags SET value = ? || substr(value, ?) WHERE key = 'kzoo.state' AND substr(value, 1, ?) = ?"
        before = f"{root}/"
        rows["tags.value"] += database.execute(query, (f"{store.root}/", len(before) + 1, len(before), before)).rowcount
    return Relocated(tuple(old), {place: count for place, count in rows.items() if count}, tuple(missing))


def old_roots(database: sqlite3.Connection, root: Path) -> tuple[list[Path], list[Path]]:
    """The places from which a store has moved, and those of which nobody knows where they are.

    A place has moved if the folder of one of its experiments is here, or if none of its experiments has runs.
    """
    signs: dict[Path, list[bool]] = {}
    for location, used in database.execute(LOCATIONS):
        place = Path(unquote(urlsplit(location).path))
        here = (root / "artifacts" / place.name).exists()
        if place.parent.name == "artifacts" and place.parents[1] != root and (here or not place.exists()):
            signs.setdefault(place.parents[1], []).extend([here] if here or used else [])
    moved = [old for old, seen in sorted(signs.items()) if any(seen) or not seen]
    return moved, [old for old in sorted(signs) if old not in moved]


def notice_move(root: Path) -> None:
    """Says so if the store was made in another place."""
    try:
        with closing(sqlite3.connect(f"{(root / 'mlflow.db').as_uri()}?mode=ro", uri=True, timeout=1)) as database:
            old, _ = old_roots(database, root)
    except sqlite3.Error:
        return
    if old:
        warn(
            f"moved {root}", f"tracking: {root} was made as {old[0]}, where its runs still look for their artifacts. Mend it: kzoo relocate"
        )


def _present(database: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for table, column in COLUMNS:
        if column in {row[1] for row in database.execute(f"PRAGMA table_info({table})")}:
            yield table, column


def _replace(database: sqlite3.Connection, table: str, column: str, before: str, after: str) -> int:
    query = f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"
    return database.execute(query, (after, len(before) + 1, len(before), before)).rowcount
