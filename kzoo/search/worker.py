"""A worker of a search: asks the chief for trials, trains them, and shows in a thread of its own that it is alive."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_client

from ..errors import InputError, TrainingError
from ..tracking import Store
from .leases import worker_name
from .outcome import Outcome
from .plan import PLAN, SEARCHES, Plan, told_plan
from .tuner import Tuner, make_oracle
from .wire import Line, Message

JOINING, ABSENCE = 30.0, 600.0
"""Seconds in which a chief must answer who joins, and for which one that is being restarted is waited for."""
TICK = 1.0
"""Seconds between two looks at whether something is to be done."""
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
"""What gRPC says of a chief that is gone."""


def work(address: str, *, at_most: int | None = None, parent: int | None = None) -> bool:
    """Trains trials of a search that another process leads.

    Args:
        address: `HOST:PORT` of the chief.
        at_most: trials after which to return; None for as many as there are.
        parent: process id without which this one ends too; None for none.

    Returns:
        Whether the search is over; False after `at_most` trials.

    Raises:
        InputError: nobody answers, or the data of this machine are others than the chief's.
        TrainingError: the chief has been away for ten minutes.
    """
    line = Line(address)
    name = worker_name()
    try:
        told = line.call("Join", JOINING, worker=name)
    except ConnectionError as error:
        raise InputError(f"--join: expected a search at {address}. Received: no answer in {JOINING:.0f} s. Is it over?") from error
    _name_chief(line, name)
    with Beats(line, name, told["lease"] / 4, parent) as beats:
        plan = _plan(told)
        tuner = Tuner(plan, make_oracle(plan, resume=False), beats.begin, beats.rest, beats.explain, at_most, name)
        tuner.oracle.stub = protos.get_service_grpc().OracleStub(line.channel)
        tuner.oracle = _Patient(tuner.oracle)
        try:
            over = tuner.search()
        except Exception as error:
            raise _explained(error, address) from error
    return over


class Beats:
    """Signs of life, sent from a thread, since a first epoch may take longer than a lease."""

    def __init__(self, line: Line, name: str, seconds: float, parent: int | None):
        self.line, self.name, self.seconds, self.parent = line, name, seconds, parent
        self.trial: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="beats", daemon=True)

    def begin(self, trial: str, values: Mapping[str, Any]) -> None:  # noqa: ARG002
        """A trial has begun."""
        self.trial = trial

    def rest(self, outcome: Outcome) -> None:  # noqa: ARG002
        """It is over."""
        self.trial = None

    def explain(self, trial: str, reason: str) -> None:
        """It has failed."""
        _again(self.line.call)("Reason", ABSENCE, trial=trial, reason=reason)

    def __enter__(self) -> "Beats":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        with contextlib.suppress(ConnectionError):
            self.line.call("Leave", 2.0, worker=self.name)
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
                if not self.line.call("Beat", self.seconds, wait=False, worker=self.name, trial=self.trial)["yours"]:
                    self._give_up()
                due = time.monotonic() + self.seconds

    def _give_up(self) -> None:
        """The trial was given to another worker, which writes to its run and its folder now: nothing more may come from here."""
        print(f"error: worker {self.name}: trial {self.trial} was given to another one, since this one was silent.", file=sys.stderr)
        os._exit(1)


class _Patient:
    """keras-tuner's client of the chief, which asks again while a chief that was lost is being started anew."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name: str):
        found = getattr(self._client, name)
        return _again(found) if callable(found) else found


def _again(request: Callable) -> Callable:
    def asked(*arguments, **options):
        until = time.monotonic() + ABSENCE
        while True:
            try:
                return request(*arguments, **options)
            except (grpc.RpcError, ConnectionError) as error:
                away = isinstance(error, ConnectionError) or error.code() in AWAY  # type: ignore[attr-defined]
                if not away or time.monotonic() > until:
                    raise
                time.sleep(TICK)

    return asked


def _plan(told: Message) -> Plan:
    """The chief's plan; its folder where this machine shares it, else one of its own."""
    root = Path(told["root"])
    store = Store(told["uri"], root=root if (root / SEARCHES / told["name"] / PLAN).exists() else None)
    plan = told_plan(told, store)
    if (plan.space.digest(), plan.dataset.fingerprint) != (told["digest"], told["fingerprint"]):
        raise InputError(f"search {told['name']}: expected the chief's data and version of kzoo. Received: other ones on this machine.")
    return plan


def _name_chief(line: Line, name: str) -> None:
    """keras-tuner finds its chief by these variables."""
    os.environ["KERASTUNER_ORACLE_IP"], os.environ["KERASTUNER_ORACLE_PORT"] = line.host, str(line.port)
    os.environ["KERASTUNER_TUNER_ID"] = name
    oracle_client.TIMEOUT = ABSENCE


def _explained(error: Exception, address: str) -> Exception:
    """gRPC's errors in a line; any other as it is."""
    if isinstance(error, grpc.RpcError):
        return TrainingError(f"chief {address}: expected an answer. Received: {error.code().name}, {error.details()}.")  # type: ignore[attr-defined]
    return error
