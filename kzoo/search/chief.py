"""The chief of a search in many processes: hands out the trials, takes back those of workers that are gone, and ends."""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent import futures
from hmac import compare_digest

import grpc

from ..defaults import LEASE
from ..errors import InputError, TrainingError
from ..files import write_atomically
from .leases import Leases, has_died
from .outcome import RECIPE, Outcome, told_outcome
from .plan import Plan
from .sound import LOST, Sound
from .tuner import nothing, outcome_of
from .wire import Message, handlers

THREADS = 8
TICK = 0.25
"""Seconds between two looks at the leases."""
NOBODY, ABANDONED = 600.0, 20.0
"""Seconds for which a search without workers waits for one that is expected, and for another one after the last has gone."""
FAREWELL = 10.0
"""Seconds in which workers may still ask and be told that the search is over."""
TOKEN_HINT = "`kzoo tune --workers` prints it: give it as --token, or as KZOO_TOKEN in the environment."


class Chief:
    """Answers the workers of one search, on one port.

    Args:
        plan: of the search.
        oracle: of the search.
        host, port: where to listen; port 0 takes a free one.
        lease: seconds after which a worker that says nothing counts as gone.
        ended: told of each outcome, in the thread of `run`.
        token: that every worker must know; what is said is not encrypted.
    """

    def __init__(
        self,
        plan: Plan,
        oracle: Sound,
        host: str = "127.0.0.1",
        port: int = 0,
        lease: float = LEASE,
        ended: Callable[[Outcome], None] = nothing,
        token: str = "",
    ):
        self.plan, self.oracle, self.ended, self.token = plan, oracle, ended, token
        self.leases = Leases(lease)
        self.lock = threading.RLock()
        """Held while the oracle is asked or told anything."""
        self.patience, self.alone_since = NOBODY, 0.0
        self.over: list[str] = []
        """Trials that ended and were not told of yet."""
        self.server = grpc.server(futures.ThreadPoolExecutor(THREADS), options=[("grpc.so_reuseport", 0)])
        members = {"Ask": self._ask, "End": self._end, "Beat": self._beat, "Leave": self._leave}
        guarded = {name: self._guarded(method) for name, method in members.items()}
        methods = {"Join": self._join, **guarded}
        self.server.add_generic_rpc_handlers([handlers({name: self._trusting(method) for name, method in methods.items()})])
        self.port = self._listen(host, port)

    def _listen(self, host: str, port: int) -> int:
        try:
            return self.server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:
            raise InputError(f"listen: expected a free port on {host}. Received: {port}. Choose another one, or 0 for any.") from error

    def run(self, tend: Callable[[], int] = lambda: 0) -> bool:
        """Serves until the search is over; returns False if no worker was left to go on with it.

        Args:
            tend: called some times a second, to look after the workers of this machine; returns how many there are.
        """
        self._expect()
        self.server.start()
        self.alone_since = time.monotonic()
        try:
            while not self.is_over():
                time.sleep(TICK)
                here = tend()
                self._take_back()
                self._tell()
                if self.leases.holders or here:
                    self.alone_since = time.monotonic()
                elif time.monotonic() - self.alone_since > self.patience:
                    return False
            self._tell()
            self._see_off()
            return True
        finally:
            self.server.stop(grace=1.0).wait()
            self._tell()

    def is_over(self) -> bool:
        """Whether nothing is being trained, waits to be trained again, or is left to propose."""
        with self.lock:
            return self.oracle.exhausted and not self.oracle.ongoing_trials and not self.oracle.waiting

    def _expect(self) -> None:
        """The workers of an earlier chief that may still be at their trials keep them, if they are heard of within a lease."""
        for worker, trial in list(self.oracle.left.items()):
            if not has_died(worker) and self.oracle.adopt(worker, trial):
                self.leases.renew(worker)

    def _see_off(self) -> None:
        """Answers workers that ask once more, so that none of them hangs."""
        until = time.monotonic() + FAREWELL
        while self.leases.holders and time.monotonic() < until:
            time.sleep(TICK)
            self.leases.expired()

    def _take_back(self) -> None:
        for worker in self.leases.expired():
            with self.lock:
                trial = self.oracle.take_back(worker)
                if trial is not None and self.oracle.is_over(trial):
                    self.over.append(trial)

    def _tell(self) -> None:
        """Tells of the trials that have ended, one by one, outside of any request."""
        while self.over:
            trial = self.oracle.get_trial(self.over.pop(0))
            outcome = outcome_of(self.plan, trial)
            if trial.message == LOST:
                self._bury(outcome)
            self.ended(outcome)

    def _bury(self, outcome: Outcome) -> None:
        """Ends the run of a trial whose workers were lost twice."""
        outcome.write(self.plan.trial_folder(outcome.trial))
        with contextlib.suppress(InputError, TrainingError):
            run = self.plan.store.start(self.plan.experiment, outcome.trial, key=self.plan.key(outcome.trial), parent=self.plan.key())
            with run:
                raise TrainingError(LOST)

    def _join(self, message: Message) -> Message:
        self.leases.renew(message["worker"])
        self.patience, self.alone_since = ABANDONED, time.monotonic()
        return {**self.plan.told(), "lease": self.leases.seconds}

    def _trusting(self, method: Callable[[Message], Message]) -> Callable[[Message], Message]:
        """A method for those who know the token."""

        def answer(message: Message) -> Message:
            if not compare_digest(str(message.get("token")).encode(), self.token.encode()):
                received = "another one" if message.get("token") else "none"
                raise InputError(f"expected the token of this search. Received: {received}. {TOKEN_HINT}")
            return method(message)

        return answer

    def _guarded(self, method: Callable[[Message], Message]) -> Callable[[Message], Message]:
        """A method for the workers of this search, one at a time; each message is a sign of life."""

        def answer(message: Message) -> Message:
            if message["search"] != self.plan.id:
                raise InputError("expected a worker of the search that is led here. Received: one of an earlier search. Join anew.")
            self.leases.renew(message["worker"])
            with self.lock:
                return method(message)

        return answer

    def _ask(self, message: Message) -> Message:
        trial = self.oracle.create_trial(message["worker"])
        return {"trial": trial.get_state(), "attempt": self.oracle.attempts[trial.trial_id]}

    def _end(self, message: Message) -> Message:
        """How a trial ended; told twice, or by a worker from which it was taken, it changes nothing."""
        outcome = told_outcome(message["outcome"])
        if outcome is not None and self.oracle.adopt(message["worker"], outcome.trial):
            self._keep(outcome, message["recipe"])
            trial = self.oracle.get_trial(outcome.trial)
            if message["status"] == "COMPLETED":
                self.oracle.update_trial(trial.trial_id, {"score": outcome.score})
            trial.status, trial.message = message["status"], message["reason"]
            self.oracle.end_trial(trial)
            if self.oracle.is_over(trial.trial_id):
                self.over.append(trial.trial_id)
        return {}

    def _keep(self, outcome: Outcome, recipe: str | None) -> None:
        """What a worker that does not share this folder has written into its own."""
        folder = self.plan.trial_folder(outcome.trial)
        outcome.write(folder)
        if recipe is not None:
            write_atomically(folder / RECIPE, recipe)

    def _beat(self, message: Message) -> Message:
        """A sign of life; the answer says whether the trial is still that worker's."""
        return {"yours": message["trial"] is None or self.oracle.adopt(message["worker"], message["trial"])}

    def _leave(self, message: Message) -> Message:
        self.leases.end(message["worker"])
        self.oracle.take_back(message["worker"], lost=False)
        if message["recycled"]:
            self.patience = NOBODY
        return {}
