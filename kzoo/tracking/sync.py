"""What the journals under a root hold is sent to the store, by any process and as often as one likes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .delivery import finish, release
from .failures import UnreachableError, plainly
from .janitor import end_dead_runs, journals
from .journal import BusyError, Journal
from .sender import Sender


@dataclass(frozen=True)
class Synced:
    """What `Store.sync` has done.

    Attributes:
        runs: of which something was sent.
        events: that were sent.
        remaining: events that are not sent yet.
        busy: runs that another process writes, and sends itself.
        elsewhere: runs that belong to other stores, by the store's address.
        refused: what MLflow does not take, in words.
        problem: what the store could not do.
    """

    runs: int = 0
    events: int = 0
    remaining: int = 0
    busy: int = 0
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    problem: str | None = None


def sync(sender: Sender, root: Path, origin: str | None) -> Synced:
    """Sends the journals under a root that belong to a store, oldest runs first, so that parents come before children."""
    every = journals(root)
    mine = [journal.folder for journal in every if journal.identity.uri == origin]
    elsewhere = Counter(journal.identity.uri or "the local store" for journal in every if journal.identity.uri != origin)
    counts = []
    busy = remaining = 0
    refused: list[str] = []
    problem, silent = None, False
    for folder in mine:
        try:
            journal = Journal(folder)
        except BusyError:
            busy += 1
            continue
        except (OSError, ValueError, TypeError):
            continue
        try:
            finish(journal)
            if not silent:
                counts.append(_send(sender, journal))
        except UnreachableError as error:
            problem, silent = str(error), error.silent
        finally:
            remaining += len({event["n"] for event in journal.pending}.union(journal.sent.left))
            refused += [f"run {journal.run_id or journal.key}: {what}: {reason}" for _, what, reason in journal.sent.refused]
            release(journal, anyway=True)
    try:
        end_dead_runs(sender)
    except Exception as error:
        problem = problem or plainly(error)
    runs = sum(count > 0 for count in counts)
    return Synced(runs, sum(counts), remaining, busy, dict(elsewhere), tuple(refused), problem)


def _send(sender: Sender, journal: Journal) -> int:
    """The number of events that were sent; a run that was made or linked counts as one."""
    before = (journal.run_id, journal.sent.linked)
    return sender.send(journal) + ((journal.run_id, journal.sent.linked) != before)
