"""A project folder that has moved: its database names the artifacts by their old place, which is mended here."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..errors import InputError
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


@dataclass(frozen=True)
class Relocated:
    """What `relocate` has changed.

    Attributes:
        roots: the old places of the store.
        rows: how many rows were changed, by `table.column`.
    """

    roots: tuple[Path, ...]
    rows: dict[str, int]


def relocate(store: "Store") -> Relocated:
    """Makes the database of a local store point to where its artifacts are now, in one transaction; done twice, it changes nothing.

    Raises:
        InputError: the store is not a local one.
    """
    if not store.local:
        raise InputError(f"relocate: expected the local store under mlruns/. Received: {store.where}. Unset MLFLOW_TRACKING_URI.")
    with closing(sqlite3.connect(store.root / "mlflow.db", timeout=20)) as database, database:
        old = old_roots(database, store.root)
        rows: dict[str, int] = {}
        for root in old:
            for table, column in _present(database):
                changed = _replace(database, table, column, f"{root.as_uri()}/", f"{store.root.as_uri()}/")
                rows[f"{table}.{column}"] = rows.get(f"{table}.{column}", 0) + changed
            query = "UPDATE tags SET value = ? || substr(value, ?) WHERE key = 'kzoo.state' AND substr(value, 1, ?) = ?"
            before = f"{root}/"
            rows["tags.value"] = database.execute(query, (f"{store.root}/", len(before) + 1, len(before), before)).rowcount
    return Relocated(tuple(old), {place: count for place, count in rows.items() if count})


def old_roots(database: sqlite3.Connection, root: Path) -> list[Path]:
    """The places from which a store has moved: where experiments say their artifacts are, though their folder is here or no more there."""
    found = []
    for (location,) in database.execute("SELECT artifact_location FROM experiments WHERE artifact_location LIKE 'file:///%/artifacts/%'"):
        place = Path(unquote(urlsplit(location).path))
        old = place.parents[1]
        if place.parent.name == "artifacts" and old != root and ((root / "artifacts" / place.name).exists() or not place.exists()):
            found.append(old)
    return sorted(set(found))


def notice_move(root: Path) -> None:
    """Says so if the store was made in another place."""
    try:
        with closing(sqlite3.connect(f"{(root / 'mlflow.db').as_uri()}?mode=ro", uri=True, timeout=1)) as database:
            old = old_roots(database, root)
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
