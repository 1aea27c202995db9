"""A search in many processes, led from this one, and workers on this machine or elsewhere."""

import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..defaults import LEASE, LISTEN, TOKEN
from ..errors import ArgumentError, InputError, TrainingError
from ..files import write_atomically
from .chief import Chief
from .crew import Crew
from .kept import kept
from .outcome import Outcome
from .plan import Plan
from .progress import SearchProgress
from .sound import Sound
from .wire import host_and_port

ADDRESS = "chief.json"


@dataclass(frozen=True)
class Lead:
    """How a search is led: `workers` on this machine, the address to listen at, and the length of a lease in seconds."""

    workers: int | None = None
    listen: str = LISTEN
    lease: float = LEASE

    def __post_init__(self):
        if self.workers is not None and self.workers < 0:
            raise ArgumentError("workers", f"expected 0 or more, or none to train in this process. Received: {self.workers}.")
        if host_and_port(self.listen) is None:
            raise ArgumentError("listen", f"expected HOST:PORT, as in 127.0.0.1:0. Received: {self.listen}.")
        if not self.lease > 0:
            raise ArgumentError("lease", f"expected seconds above 0. Received: {self.lease}.")
        for name in ("listen", "lease"):
            if self.workers is None and getattr(self, name) != getattr(Lead, name):
                raise ArgumentError(name, f"expected only with workers. Received: {getattr(self, name)}. Add workers, or leave it out.")

    def search(self, plan: Plan, oracle: Sound, ended: Callable[[Outcome], None], progress: SearchProgress) -> None:
        """Leads the search to its end.

        Raises:
            TrainingError: no worker was left; the search can be resumed.
        """
        host, port = host_and_port(self.listen) or ("", 0)
        chief = self._chief(plan, oracle, ended, host, port)
        _keep(plan, {"host": host, "port": chief.port, "token": chief.token})
        everywhere = host in ("0.0.0.0", "[::]")
        progress.listening(f"{socket.gethostname() if everywhere else host}:{chief.port}", chief.token)
        address = f"{'127.0.0.1' if everywhere else host}:{chief.port}"
        crew = Crew(address, self.workers or 0, plan.folder / "workers", token=chief.token)
        try:
            over = chief.run(crew.tend)
        finally:
            crew.dismiss()
        if not over:
            raise TrainingError(f"search {plan.space.name}: no worker was left. What was trained is kept: finish it with --resume.")

    def _chief(self, plan: Plan, oracle: Sound, ended: Callable[[Outcome], None], host: str, port: int) -> Chief:
        """With the token of an earlier chief, and at its port if that is free, where workers from elsewhere may still ask."""
        before = kept(plan.folder / ADDRESS) or {}
        token = os.environ.get(TOKEN) or before.get("token") or secrets.token_hex(8)
        earlier = before.get("port", 0) if port == 0 else 0
        try:
            return Chief(plan, oracle, host, earlier or port, self.lease, ended, token)
        except InputError:
            if not earlier:
                raise
            return Chief(plan, oracle, host, port, self.lease, ended, token)


def _keep(plan: Plan, place: dict[str, Any]) -> None:
    """Where the chief is, and the token, which is nobody else's business."""
    write_atomically(plan.folder / ADDRESS, json.dumps(place))
    (plan.folder / ADDRESS).chmod(0o600)
