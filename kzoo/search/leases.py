"""Leases: a worker counts as alive for some seconds after each sign of life; then its trial is given to another one."""

import os
import socket
import threading
import time
import uuid

from ..tracking.owner import is_dead


def worker_name() -> str:
    """A new name for a worker that is this process; others on this machine can tell from it whether it is still there."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


def has_died(worker: str) -> bool:
    """Whether a worker was a process of this machine that is no more; one of another machine only its lease can tell of."""
    host, _, pid = worker.rpartition("-")[0].rpartition("-")
    return is_dead({"kzoo.host": host, "kzoo.pid": pid})


class Leases:
    """Who was heard of, and when.

    Args:
        seconds: float, after which a worker that says nothing counts as gone; one that has died on this machine does so at once.

    >>> leases = Leases(60)
    >>> leases.renew("worker1")
    >>> leases.expired(), leases.holders
    ([], {'worker1'})
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def renew(self, worker: str) -> None:
        """Enters a sign of life."""
        with self._lock:
            self._until[worker] = time.monotonic() + self.seconds

    def end(self, worker: str) -> None:
        """Enters that a worker has left."""
        with self._lock:
            self._until.pop(worker, None)

    def expired(self) -> list[str]:
        """The workers that are gone; they are forgotten."""
        with self._lock:
            gone = [worker for worker, until in self._until.items() if until < time.monotonic() or has_died(worker)]
            for worker in gone:
                del self._until[worker]
        return gone

    @property
    def holders(self) -> set[str]:
        """The workers that count as alive."""
        with self._lock:
            return set(self._until)
