"""The thread that sends journals while others train: one per store and process, which waits for nobody and keeps nobody waiting."""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import one_line
from .failures import UnreachableError
from .journal import BusyError, Journal
from .notice import warn
from .owner import is_here
from .sender import KEPT, Sender

RETRY = 30.0
"""Seconds for which a store that did not answer is left in peace."""

LINGER = 0.2
"""Seconds in which events gather before they are sent, unless somebody waits for them."""

EXIT_WAIT = 5.0
"""Seconds that the end of the process waits for what is not sent yet."""

QUICK = 1.0
"""Seconds within which a failure is cheap enough to try again before a run ends."""


class Delivery:
    """Sends the open journals of one store from a thread of its own.

    Args:
        sender: of the store.
        where: the store's address, for people.
    """

    def __init__(self, sender: Sender, where: str):
        self._sender = sender
        self._where = where
        self._change = threading.Condition()
        self._journals: dict[Path, Journal] = {}
        self._tasks: deque[Callable[[Sender], None]] = deque()
        self._later: deque[Path] = deque()
        self._postponed: dict[Path, float] = {}
        self._closed_until = 0.0
        self._cost = 0.0
        self._broken = False
        self._releasing = False
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        atexit.register(self._at_exit)

    @property
    def broken(self) -> bool:
        """Whether the last attempt has failed."""
        return self._broken

    def add(self, journal: Journal) -> None:
        """Sends a journal from now on; to be called again whenever something has been appended."""
        with self._change:
            self._journals[journal.folder] = journal
            self._wake()

    def held(self, folder: Path) -> Journal | None:
        """The journal of this process that lies in a folder."""
        return self._journals.get(folder)

    def do(self, task: Callable[[Sender], None]) -> None:
        """Runs something in the thread, after what is there has been sent; an error in it, or a store that does not answer, drops it."""
        with self._change:
            self._tasks.append(task)
            self._wake()

    def later(self, folders: list[Path]) -> None:
        """Journals that other processes have left behind: sent when nobody waits."""
        with self._change:
            self._later.extend(folder for folder in folders if folder not in self._later)
            self._wake()

    def flush(self, timeout: float, until: Callable[[], bool] | None = None) -> bool:
        """Waits until everything that is there now is sent, or until something else is so; at once False where the store does not answer.

        Args:
            timeout: seconds to wait at most.
            until: what to wait for instead.

        Returns:
            whether it is so.
        """
        targets = [(journal, journal.last) for journal in list(self._journals.values())]
        done = until or (lambda: not self._tasks and not self._releasing and all(self._is_done(*target) for target in targets))
        end = time.monotonic() + timeout
        with self._change:
            if self._broken and self._cost < QUICK:
                self._closed_until, self._broken = 0.0, False
            self._waiting += 1
            self._change.notify_all()
            try:
                while not done() and not self._broken and time.monotonic() < end:
                    self._change.wait(max(0.0, end - time.monotonic()))
            finally:
                self._waiting -= 1
            return done() and not self._postponed

    def _is_done(self, journal: Journal, number: int) -> bool:
        if journal.folder in self._postponed or self._journals.get(journal.folder) is not journal:
            return True
        return journal.run_id is not None and journal.sent.number >= number and not journal.settled

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="kzoo tracking", daemon=True)
            self._thread.start()
        self._change.notify_all()

    def _work(self) -> None:
        while True:
            ready = self._wait()
            for journal in list(self._journals.values()):
                journal.sync()
            if ready:
                self._attempt()
            self._give_back()

    def _give_back(self) -> None:
        """Runs that have ended and cannot be sent now hold no files: there may be hundreds before the store is back."""
        for folder, journal in list(self._journals.items()):
            if journal.status != "RUNNING" and (self._broken or folder in self._postponed):
                journal.doze()

    def _wait(self) -> bool:
        """Until something may be sent, or has been appended that can only be saved on disk."""
        with self._change:
            if not self._is_ready():
                self._change.wait(self._rest())
                if not self._waiting and not self._tasks:
                    self._change.wait_for(lambda: self._waiting > 0, LINGER)
            return self._is_ready()

    def _is_ready(self) -> bool:
        now = time.monotonic()
        self._postponed = {folder: until for folder, until in self._postponed.items() if until > now}
        unsent = any(self._has_work(journal) for journal in self._journals.values())
        return now >= self._closed_until and bool(self._tasks or self._later or unsent)

    def _has_work(self, journal: Journal) -> bool:
        return journal.folder not in self._postponed and (journal.run_id is None or bool(journal.pending) or journal.settled)

    def _rest(self) -> float | None:
        """Seconds until something may be tried again that has failed."""
        moments = [*self._postponed.values(), *([self._closed_until] if self._broken else [])]
        return max(0.01, min(moments) - time.monotonic()) if moments else None

    def _attempt(self) -> None:
        began = time.monotonic()
        try:
            self._round()
        except Exception as error:
            self._fail(error, time.monotonic() - began)
        else:
            with self._change:
                self._broken = False
                self._change.notify_all()

    def _round(self) -> None:
        """Everything that is there to do, once; tasks see all that was logged before them."""
        tasks = len(self._tasks)
        for folder, journal in list(self._journals.items()):
            if self._has_work(journal):
                self._send(folder, journal)
            self._let_go(folder, journal)
            with self._change:
                self._change.notify_all()
        for _ in range(tasks):
            with suppress(Exception):
                self._tasks[0](self._sender)
            self._tasks.popleft()
        if self._later and not self._waiting:
            self._send_left_behind(self._later.popleft())

    def _send(self, folder: Path, journal: Journal) -> None:
        """Sends one journal; if only this one is to blame for a failure, the others go on."""
        try:
            journal.reopen()
            self._sender.send(journal)
        except FileNotFoundError:
            self._journals.pop(folder, None)
        except (BusyError, OSError, UnreachableError) as error:
            if isinstance(error, UnreachableError) and error.silent:
                raise
            self._postponed[folder] = time.monotonic() + RETRY
            warn(f"postponed {folder}", f"tracking: run {journal.key} cannot be sent now ({error}). {KEPT}")

    def _let_go(self, folder: Path, journal: Journal) -> None:
        if not journal.settled:
            return
        with self._change:
            self._journals.pop(folder, None)
            self._releasing = True
        if not release(journal):
            self.add(journal)
        self._releasing = False

    def _send_left_behind(self, folder: Path) -> None:
        if folder in self._journals:
            return
        try:
            journal = Journal(folder)
        except (BusyError, OSError, ValueError, TypeError):
            return
        try:
            finish(journal)
            self._sender.send(journal)
        except UnreachableError as error:
            if error.silent:
                raise
        finally:
            release(journal, anyway=True)

    def _fail(self, error: Exception, cost: float) -> None:
        self._say(f"{self._where} does not answer ({error if isinstance(error, UnreachableError) else one_line(error)})")
        with self._change:
            self._cost = cost
            self._closed_until = time.monotonic() + RETRY
            self._tasks.clear()
            self._broken = True
            self._change.notify_all()

    def _say(self, what: str) -> None:
        kept = next(iter(self._journals.values()), None)
        if kept is not None:
            warn(f"broken {self._where}", f"tracking: {what}. Runs are kept in {kept.folder.parent}; `kzoo sync` sends them later.")

    def _at_exit(self) -> None:
        """The process ends: what is not sent yet gets a last moment."""
        if os.getpid() != self._pid or self._thread is None:
            return
        if not self.flush(EXIT_WAIT):
            self._say(f"not all is sent to {self._where}")
        for journal in list(self._journals.values()):
            journal.sync()


def finish(journal: Journal) -> None:
    """Ends a run that was left behind by a process that died without a word (kill -9, power): KILLED; it can be resumed.

    Its process is dead if it is one of this machine, for this one holds the lock of the journal now.
    """
    if journal.status == "RUNNING" and is_here({**journal.identity.tags, **journal.tags}):
        journal.append("status", status="KILLED")


def release(journal: Journal, anyway: bool = False) -> bool:
    """Lets go of a journal of which nothing is left to send; that of a run which may be resumed is kept on disk, and knows its steps then.

    Args:
        journal: to let go of.
        anyway: also if something is left, which another process may then send.

    Returns:
        whether it was let go of.
    """
    return journal.close(keep=journal.status != "FINISHED", anyway=anyway)


_deliveries: dict[tuple[str, Path], Delivery] = {}


def delivery_of(uri: str, root: Path) -> Delivery | None:
    """This process's delivery for a store, if there is one."""
    return _deliveries.get((uri, root))


def start_delivery(uri: str, root: Path, sender: Sender, where: str) -> Delivery:
    """This process's delivery for a store."""
    return _deliveries.setdefault((uri, root), Delivery(sender, where))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_deliveries.clear)
