"""The chief of a search in many processes: hands out the trials, takes back those of workers that are gone, and ends."""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import replace
from typing import Any

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from ..errors import InputError, TrainingError
from .leases import Leases, has_died
from .outcome import Outcome, Status, read_outcome
from .plan import Plan
from .sound import LOST, Sound
from .tuner import nothing, own_values
from .wire import Message, handlers

THREADS = 8
TICK = 0.25
"""Seconds between two looks at the leases."""
NOBODY, ABANDONED = 600.0, 20.0
"""Seconds for which a search without workers waits for the first one, and for another one after the last has gone."""
FAREWELL = 10.0
"""Seconds in which workers may still ask and be told that the search is over."""


class Chief:
    """Serves keras-tuner's requests for one search, on one port.

    Args:
        plan: of the search.
        oracle: of the search.
        host, port: where to listen; port 0 takes a free one.
        lease: seconds after which a worker that says nothing counts as gone.
        ended: told of each outcome, in the thread of `run`.
    """

    def __init__(
        self,
        plan: Plan,
        oracle: Sound,
        host: str = "127.0.0.1",
        port: int = 0,
        lease: float = 60.0,
        ended: Callable[[Outcome], None] = nothing,
    ):
        self.plan, self.oracle, self.ended = plan, oracle, ended
        self.leases = Leases(lease)
        self.lock = threading.RLock()
        """Held while the oracle is asked or told anything."""
        self.over: list[str] = []
        """Trials that ended and were not told of yet."""
        self.server = grpc.server(futures.ThreadPoolExecutor(THREADS), options=[("grpc.so_reuseport", 0)])
        protos.get_service_grpc().add_OracleServicer_to_server(_Servicer(self), self.server)
        own = {"Join": self._join, "Beat": self._beat, "Reason": self._reason, "Leave": self._leave}
        self.server.add_generic_rpc_handlers([handlers(own)])
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
        alone_since, patience = time.monotonic(), NOBODY
        try:
            while not self.is_over():
                time.sleep(TICK)
                here = tend()
                self._take_back()
                self._tell()
                if self.leases.holders:
                    patience = ABANDONED
                if self.leases.holders or here:
                    alone_since = time.monotonic()
                elif time.monotonic() - alone_since > patience:
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
        for worker, trial in self.oracle.left.items():
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
            outcome = read_outcome(self.plan.trial_folder(trial.trial_id))
            if trial.message == LOST:
                outcome = self._bury(outcome or _from_afar(trial))
            elif outcome is None:
                outcome = _from_afar(trial)
                outcome.write(self.plan.trial_folder(trial.trial_id))
            self.ended(outcome)

    def _bury(self, outcome: Outcome) -> Outcome:
        """Ends the run of a trial whose workers were lost twice."""
        outcome = replace(outcome, status="failed", reason=LOST)
        outcome.write(self.plan.trial_folder(outcome.trial))
        with contextlib.suppress(InputError, TrainingError):
            run = self.plan.store.start(self.plan.experiment, outcome.trial, key=self.plan.key(outcome.trial), parent=self.plan.key())
            with run:
                raise TrainingError(LOST)
        return outcome

    def _join(self, message: Message) -> Message:
        self.leases.renew(message["worker"])
        plan = self.plan
        return {
            "name": plan.space.name,
            "space": plan.space.resolved(),
            "id": plan.id,
            "tuner": plan.advice.tuner,
            "trials": plan.advice.trials,
            "fingerprint": plan.dataset.fingerprint,
            "digest": plan.space.digest(),
            "root": str(plan.store.root),
            "uri": None if plan.store.local else plan.store.uri,
            "lease": self.leases.seconds,
        }

    def _beat(self, message: Message) -> Message:
        """A sign of life; the answer says whether the trial is still that worker's."""
        self.leases.renew(message["worker"])
        with self.lock:
            return {"yours": message["trial"] is None or self.oracle.adopt(message["worker"], message["trial"])}

    def _reason(self, message: Message) -> Message:
        with self.lock:
            self.oracle.reasons[message["trial"]] = message["reason"]
        return {}

    def _leave(self, message: Message) -> Message:
        self.leases.end(message["worker"])
        with self.lock:
            self.oracle.take_back(message["worker"], lost=False)
        return {}


def _from_afar(trial: Trial) -> Outcome:
    """The outcome of a trial that was trained on a machine which does not share this folder."""
    status: Status = "failed" if trial.status == "FAILED" else "completed"
    return Outcome(trial.trial_id, own_values(trial), status, trial.score, reason=trial.message)


class _Servicer(OracleServicer):
    """keras-tuner's requests, one at a time; what goes wrong is told to the worker instead of leaving it to wait."""

    def __init__(self, chief: Chief):
        super().__init__(chief.oracle)
        self.chief = chief

    def CreateTrial(self, request, context):  # noqa: N802
        self.chief.leases.renew(request.tuner_id)
        return self._guarded(super().CreateTrial, request, context)

    def EndTrial(self, request, context):  # noqa: N802
        answer = self._guarded(super().EndTrial, request, context)
        trial = request.trial.trial_id
        if self.oracle.is_over(trial):
            self.chief.over.append(trial)
        return answer

    def UpdateTrial(self, request, context):  # noqa: N802
        return self._guarded(super().UpdateTrial, request, context)

    def GetTrial(self, request, context):  # noqa: N802
        return self._guarded(super().GetTrial, request, context)

    def _guarded(self, method: Callable[[Any, Any], Any], request, context):
        try:
            with self.chief.lock:
                return method(request, context)
        except Exception as error:
            context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
