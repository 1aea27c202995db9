"""What a chief and its workers say to each other: JSON over gRPC."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc

from ..errors import InputError, TrainingError, one_line

SERVICE = "kzoo.Search"

CHANNEL = [("grpc.initial_reconnect_backoff_ms", 500), ("grpc.max_reconnect_backoff_ms", 2000), ("grpc.enable_http_proxy", 0)]
"""A chief that was started anew is found again within two seconds, and not by way of a proxy."""
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)
"""What gRPC says of a chief that is gone."""
ABSENCE = 600.0
"""Seconds for which a chief that is being restarted is waited for."""
TICK = 1.0
Message = Mapping[str, Any]


def handlers(methods: Mapping[str, Callable[[Message], Message]]) -> grpc.GenericRpcHandler:
    """The chief's side: functions from a message to the answer, by name; what goes wrong in them is told to the worker."""

    def wrapped(method):
        def answer(message: Message, context: grpc.ServicerContext) -> Message:
            try:
                return method(message)
            except Exception as error:
                return context.abort(grpc.StatusCode.INTERNAL, str(error) if isinstance(error, InputError) else one_line(error))

        return grpc.unary_unary_rpc_method_handler(answer, _decode, _encode)

    return grpc.method_handlers_generic_handler(SERVICE, {name: wrapped(method) for name, method in methods.items()})


class Line:
    """The worker's side: calls the chief's functions by name.

    Args:
        address: `HOST:PORT` of the chief.
        worker: name of the worker, which every message bears.
        token: of the search, likewise.
    """

    def __init__(self, address: str, worker: str, token: str = ""):
        if host_and_port(address) is None:
            raise InputError(f"--join: expected HOST:PORT of a search, as `kzoo tune --workers` prints it. Received: {address}.")
        self.address, self.worker, self.token = address, worker, token
        self.search: str | None = None
        """The search's id, which every message bears once it is known."""
        self.channel = grpc.insecure_channel(address, CHANNEL)

    def call(self, method: str, timeout: float, wait: bool = True, **message: Any) -> Message:
        """The chief's answer.

        Args:
            method: what it is asked.
            timeout: seconds in which it must answer.
            wait: whether to wait that long for one that is not there.
            message: what it is told.

        Raises:
            ConnectionError: it does not answer in time.
            TrainingError: it could not do what it was asked.
        """
        ask = self.channel.unary_unary(f"/{SERVICE}/{method}", _encode, _decode)
        try:
            signed = {"worker": self.worker, "token": self.token, "search": self.search, **message}
            return ask(signed, timeout=timeout, wait_for_ready=wait)
        except grpc.RpcError as error:
            if error.code() in AWAY:  # type: ignore[attr-defined]
                raise ConnectionError(f"{self.address}: {error.code().name}") from error  # type: ignore[attr-defined]
            raise TrainingError(f"chief {self.address}: {error.details()}") from error  # type: ignore[attr-defined]

    def insist(self, method: str, **message: Any) -> Message:
        """The answer of a chief that may be away while it is started anew.

        Raises:
            TrainingError: it has been away for ten minutes, or could not do what it was asked.
        """
        until = time.monotonic() + ABSENCE
        while True:
            try:
                return self.call(method, ABSENCE, **message)
            except ConnectionError as error:
                if time.monotonic() > until:
                    raise TrainingError(f"chief {error}: expected an answer. Received: none in {ABSENCE:.0f} s.") from error
                time.sleep(TICK)

    def close(self) -> None:
        self.channel.close()


def host_and_port(address: str) -> tuple[str, int] | None:
    """The parts of `HOST:PORT`; None for anything else.

    >>> host_and_port("127.0.0.1:0"), host_and_port("localhost")
    (('127.0.0.1', 0), None)
    """
    host, _, port = address.rpartition(":")
    return (host, int(port)) if host and port.isdigit() else None


def _encode(message: Message) -> bytes:
    return json.dumps(message, default=str).encode()


def _decode(data: bytes) -> Message:
    return json.loads(data)
