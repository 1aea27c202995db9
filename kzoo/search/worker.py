"""A worker of a search: asks the chief for trials, trains them, and shows in a thread of its own that it is alive."""

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

from ..errors import InputError, TrainingError
from ..tracking import Store
from .kept import kept
from .leases import worker_name
from .plan import PLAN, SEARCHES, Plan, folder_of, told_plan
from .remote import RemoteOracle
from .tuner import Tuner
from .wire import TICK, Line, Message

JOINING = 30.0
"""Seconds in which a chief must answer who joins."""


def work(address: str, *, token: str = "", at_most: int | None = None, parent: int | None = None) -> bool:
    """Trains trials of a search that another process leads.

    Args:
        address: `HOST:PORT` of the chief.
        token: of the search, which the chief prints.
        at_most: trials after which to return; None for as many as there are.
        parent: process id without which this one ends too; None for none.

    Returns:
        Whether the search is over; False after `at_most` trials.

    Raises:
        InputError: nobody answers, or this machine lacks the chief's store, its data or its version of kzoo.
        TrainingError: the chief has been away for ten minutes, leads another search now, or has another token.
    """
    line = Line(address, worker_name(), token)
    try:
        told = line.call("Join", JOINING)
    except ConnectionError as error:
        raise InputError(f"--join: expected a search at {address}. Received: no answer in {JOINING:.0f} s. Is it over?") from error
    line.search = told["id"]
    with Beats(line, told["lease"] / 4, parent) as beats:
        plan = joined_plan(told)
        over = Tuner(plan, RemoteOracle(plan, line, beats), at_most=at_most, name=line.worker).search()
        beats.recycled = not over
    return over


class Beats:
    """Signs of life, sent from a thread, since a first epoch may take longer than a lease.

    Args:
        line: to the chief.
        seconds: float, between two of them.
        parent: process id without which this process ends; None for none.
    """

    def __init__(self, line: Line, seconds: float, parent: int | None = None):
        self.line, self.seconds, self.parent = line, seconds, parent
        self.trial: str | None = None
        self.recycled = False
        """Whether another process comes in the place of this one."""
        self._asking = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="beats", daemon=True)

    def begin(self, trial: str) -> None:
        """A trial has begun."""
        self.trial = trial

    def rest(self) -> None:
        """It has ended, and no sign of life that speaks of it is under way."""
        with self._asking:
            self.trial = None

    def __enter__(self) -> "Beats":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        with contextlib.suppress(ConnectionError, TrainingError):
            self.line.call("Leave", 2.0, recycled=self.recycled)
        self.line.close()

    def _beat(self) -> None:
        due = 0.0
        while not self._ended.wait(min(TICK, self.seconds)):
            if self.parent is not None and os.getppid() != self.parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if time.monotonic() < due:
                continue
            with contextlib.suppress(ConnectionError):
                self._show()
                due = time.monotonic() + self.seconds

    def _show(self) -> None:
        """A sign of life; where the trial was given away, another worker writes to its run and folder: nothing more may come from here."""
        with self._asking:
            refusal = self._refusal()
            if refusal is not None and not self._ended.is_set():
                print(f"error: worker {self.line.worker}: {refusal}", file=sys.stderr, flush=True)
                os._exit(1)

    def _refusal(self) -> str | None:
        """Why the chief wants nothing more from this worker's trial; None where it does."""
        try:
            yours = self.line.call("Beat", self.seconds, wait=False, trial=self.trial)["yours"]
        except TrainingError as error:
            return str(error)
        return None if yours else f"trial {self.trial} was given to another one, since this one was silent."


def joined_plan(told: Message) -> Plan:
    """The chief's plan; in its folder where this machine shares it, else in one of its own, which bears the search's id.

    Raises:
        InputError: the runs are kept where this machine cannot reach them, or its data or its version of kzoo are other ones.
    """
    name, root = told["name"], Path(told["root"])
    shared = (kept(root / SEARCHES / name / PLAN) or {}).get("id") == told["id"]
    if not (shared or told["uri"]):
        raise InputError(
            f"search {name}: expected its folder on this machine too, since its runs are kept in it. Received: no such search in {root}. "
            "Set MLFLOW_TRACKING_URI to a server's address where the search is led."
        )
    store = Store(told["uri"], root=root if shared else None)
    plan = told_plan(told, store, None if shared else folder_of(store, f"{name}-{told['id']}"))
    if (plan.space.digest(), plan.dataset.fingerprint) != (told["digest"], told["fingerprint"]):
        raise InputError(f"search {name}: expected the chief's data and version of kzoo. Received: other ones on this machine.")
    return plan
