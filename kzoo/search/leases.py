"""Leases: a worker counts as alive for some seconds after each sign of life; then its trial is given to another one."""

import threading
import time


class Leases:
    """Who was heard of, and when.

    Args:
        seconds: float, after which a worker that says nothing counts as gone.

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
        """The workers that were heard of no more; they are forgotten."""
        with self._lock:
            gone = [worker for worker, until in self._until.items() if until < time.monotonic()]
            for worker in gone:
                del self._until[worker]
        return gone

    @property
    def holders(self) -> set[str]:
        """The workers that count as alive."""
        with self._lock:
            return set(self._until)
