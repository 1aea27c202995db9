"""Runs whose process died without a word (kill -9, power) are found and marked; they can be resumed."""

import socket
from pathlib import Path

from .journal import Journal
from .owner import is_dead
from .records import experiment_names, search
from .sender import Sender


def end_dead_runs(sender: Sender) -> None:
    """Marks the runs of this machine KILLED that count as running though their process is no more."""
    client = sender.client
    query = f"attributes.status = 'RUNNING' and tags.`kzoo.host` = '{socket.gethostname()}'"
    for record in search(client, experiment_names(client), query):
        if is_dead(record.tags):
            client.set_terminated(record.id, "KILLED")


def journals(root: Path) -> list[Journal]:
    """All journals under a root, only to be read, in the order in which their runs began."""
    found = []
    for folder in (root / "journal").glob("*/"):
        try:
            found.append(Journal(folder, lock=False))
        except (OSError, ValueError, TypeError):
            continue
    return sorted(found, key=lambda journal: (journal.identity.at, journal.key))
