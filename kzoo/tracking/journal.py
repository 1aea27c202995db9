"""What a run has to say, on disk before it is sent: one folder per run, appended to by the training, read by whoever sends it.

`run.json` says which run it is, `events.jsonl` holds one numbered event per line, `files/` the artifacts, `sent.json` how far the store has
got them. A line that a crash has cut off is dropped; whatever else is there can be sent by any process that holds the lock.
"""

import contextlib
import json
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import one_line
from ..files import write_atomically
from .notice import warn

IDENTITY, EVENTS, SENT, FILES, LOCK = "run.json", "events.jsonl", "sent.json", "files", ".lock"

Event = dict[str, Any]


class BusyError(RuntimeError):
    """Another process writes or sends this journal."""


@dataclass(frozen=True)
class Identity:
    """Which run a journal tells of.

    Attributes:
        key: the run's identity within its experiment.
        experiment, name: as in MLflow.
        tags: that it begins with.
        parent: key of the run above it.
        at: milliseconds since 1970 at which it began.
        uri: of the store that it belongs to, without a password; None for the store under the same root.
    """

    key: str
    experiment: str
    name: str
    tags: Mapping[str, str]
    parent: str | None
    at: int
    uri: str | None


@dataclass
class Sent:
    """How far a journal has been sent.

    Attributes:
        number: of the last event that needs no more sending.
        run_id, experiment_id: of the run, in the store.
        created: whether the run was made from this journal, which then holds all that was ever logged.
        linked: whether the store knows the parent.
        refused: what the store will never take: number of the event, name, reason.
        left: numbers of events that failed again and again, and are tried again by the next one who opens the journal.
    """

    number: int = 0
    run_id: str | None = None
    experiment_id: str | None = None
    created: bool = False
    linked: bool = False
    refused: list[list] = field(default_factory=list)
    left: list[int] = field(default_factory=list)


class Journal:
    """The journal of one run.

    Args:
        folder: where it lies; its name is the run's key.
        identity: of the run, for a journal that is not there yet.
        wait: seconds for another process to let go of it.
        lock: False only reads: nothing is repaired, and nothing may be appended.

    Raises:
        BusyError: another process holds it.
        OSError, ValueError: there is none, or it tells of no run.
    """

    def __init__(self, folder: Path, identity: Identity | None = None, *, wait: float = 0.0, lock: bool = True):
        self.folder = folder
        self._mutex = threading.RLock()
        self._lock = FileLock(folder / LOCK, thread_local=False)
        self._file: int | None = None
        self._torn = False
        self._dirty = False
        self.pending: deque[Event] = deque()
        self.steps: dict[str, set[int]] = {}
        self.tags: dict[str, str] = {}
        self.status = "RUNNING"
        self.last = 0
        self.last_at = 0
        if lock:
            self._take(wait, make=identity is not None)
        try:
            self.identity = self._read_identity(identity)
            self.sent = self._read_sent()
            self._read_events(repair=lock)
            if lock:
                self._open_file()
        except BaseException:
            if lock and not (folder / IDENTITY).exists():
                shutil.rmtree(folder, ignore_errors=True)
            self._lock.release()
            raise

    @property
    def key(self) -> str:
        """The run's identity within its experiment."""
        return self.identity.key

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the run, once the store has told it."""
        return self.sent.run_id

    @property
    def settled(self) -> bool:
        """Whether the run has ended and the store knows all of it."""
        unlinked = self.identity.parent is not None and not self.sent.linked
        return self.status != "RUNNING" and not self.pending and self.run_id is not None and not unlinked

    def append(self, kind: str, **values: Any) -> None:
        """Writes one event and hands it to the operating system; a disk that is full loses the line, not the event."""
        with self._mutex:
            self.reopen(5.0, make=True)
            self.last += 1
            event = {"n": self.last, "at": int(time.time() * 1000), "kind": kind, **values}
            self._write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
            self.pending.append(event)
            self._learn(event)

    def place(self, name: str) -> Path:
        """A new path in the journal for an artifact of this name, to be filled before its event is appended."""
        with self._mutex:
            path = self.folder / FILES / f"{self.last + 1}-{time.time_ns()}" / Path(name).name
            path.parent.mkdir(parents=True, exist_ok=True)
            return path

    def unsent(self) -> list[Event]:
        """The events that wait, in their order."""
        with self._mutex:
            return list(self.pending)

    def mark_sent(self, number: int, left: Collection[int] = ()) -> None:
        """Notes that all events up to this number need no more sending, but those that are left for another time."""
        with self._mutex:
            tried = set()
            while self.pending and self.pending[0]["n"] <= number:
                tried.add(self.pending.popleft()["n"])
            self.sent.number = max(self.sent.number, number)
            self.sent.left = sorted((set(self.sent.left) - tried) | set(left))
        self.save_sent()

    def save_sent(self) -> None:
        """Writes how far the journal has been sent; if that fails, some events are sent again, which does no harm."""
        try:
            write_atomically(self.folder / SENT, json.dumps(asdict(self.sent)))
        except OSError as error:
            warn("journal", f"tracking: {self.folder} cannot be written ({one_line(error)}). What is logged is sent from memory.")

    def forget(self) -> None:
        """Back to the beginning: the store has lost the run."""
        with self._mutex:
            self.sent = Sent()
            self.save_sent()
            self.pending.clear()
            self._read_events(repair=False)

    def sync(self) -> None:
        """Makes the operating system write the events to the disk."""
        if self._dirty and self._file is not None:
            self._dirty = False
            try:
                os.fsync(self._file)
            except OSError:
                self._dirty = True

    def close(self, keep: bool = True, anyway: bool = True) -> bool:
        """Lets go of the journal; returns whether it did.

        Args:
            keep: on disk, though all is sent. What is not sent, or was refused, is kept in any case, with its files.
            anyway: let go of it also if something is left to send.
        """
        with self._mutex:
            if not (self.settled or anyway):
                return False
            if self.settled and not self.sent.refused and not self.sent.left:
                if keep:
                    shutil.rmtree(self.folder / FILES, ignore_errors=True)
                else:
                    self._remove()
            self.doze()
            return True

    def doze(self) -> None:
        """Gives file and lock back, for anybody else to send what is left."""
        with self._mutex:
            if self._file is not None:
                os.close(self._file)
                self._file = None
            self._lock.release()

    def reopen(self, wait: float = 0.0, make: bool = False) -> None:
        """Takes a journal again that was given back, with what others have sent of it meanwhile.

        Args:
            wait: seconds for another process to let go of it.
            make: it anew if it was removed, since all of it was sent.

        Raises:
            BusyError: another process holds it.
            FileNotFoundError: it was removed.
        """
        with self._mutex:
            if self._file is not None:
                return
            self._take(wait, make)
            if (self.folder / IDENTITY).exists():
                self.sent = self._read_sent()
                self.pending = deque(event for event in self.pending if event["n"] > self.sent.number)
            else:
                self.pending.clear()
                write_atomically(self.folder / IDENTITY, json.dumps(asdict(self.identity)))
                self.sent.created = False
                self.save_sent()
            self._open_file()

    def _remove(self) -> None:
        """Away at once: who opens the run again meanwhile begins a folder of its own, of which nothing is removed."""
        gone = self.folder.with_name(f"{self.folder.name}.{os.getpid()}-{time.monotonic_ns()}")
        with contextlib.suppress(OSError):
            self.folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _take(self, wait: float, make: bool) -> None:
        """Holds the lock of a folder that is there: its last owner may have removed it meanwhile."""
        for _ in range(20):
            if not make and not self.folder.is_dir():
                raise FileNotFoundError(self.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=wait)
            except Timeout as error:
                raise BusyError(f"{self.folder} is held by another process") from error
            except FileNotFoundError:
                continue
            if (self.folder / LOCK).exists():
                return
            self._lock.release()
        raise BusyError(f"{self.folder} comes and goes")

    def _read_identity(self, given: Identity | None) -> Identity:
        path = self.folder / IDENTITY
        try:
            return Identity(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            if given is None:
                raise
        write_atomically(path, json.dumps(asdict(given)))
        return given

    def _read_sent(self) -> Sent:
        try:
            return Sent(**json.loads((self.folder / SENT).read_text()))
        except (OSError, ValueError, TypeError):
            return Sent()

    def _read_events(self, repair: bool) -> None:
        """All events that can be read; with `repair`, what a crash has left of a last line is cut off."""
        path = self.folder / EVENTS
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if repair and len(whole) < len(content):
            os.truncate(path, len(whole))
        self.last = self.sent.number
        for line in whole.splitlines():
            try:
                event = json.loads(line)
                number = event["n"]
            except (ValueError, KeyError, TypeError):
                continue
            self.last = max(self.last, number)
            self._learn(event)
            if number > self.sent.number or number in self.sent.left:
                self.pending.append(event)

    def _learn(self, event: Event) -> None:
        """Keeps what questions about the run are answered from."""
        self.last_at = event["at"]
        if event["kind"] == "metrics":
            for key in event["values"]:
                self.steps.setdefault(key, set()).add(event["step"])
        elif event["kind"] == "tags":
            self.tags |= event["values"]
        elif event["kind"] == "status":
            self.status = event["status"]

    def _open_file(self) -> None:
        self._file = os.open(self.folder / EVENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def _write(self, line: bytes) -> None:
        if self._file is None:
            return
        whole = b"\n" + line if self._torn else line
        try:
            self._torn = os.write(self._file, whole) < len(whole)
            self._dirty = True
        except OSError as error:
            self._torn = True
            warn("journal", f"tracking: {self.folder} cannot be written ({one_line(error)}). What is logged is sent from memory.")
