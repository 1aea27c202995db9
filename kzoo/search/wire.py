"""What a chief and its workers say to each other beside keras-tuner's own requests: JSON over the same gRPC port."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import grpc

from ..errors import InputError

SERVICE = "kzoo.Search"

CHANNEL = [("grpc.initial_reconnect_backoff_ms", 500), ("grpc.max_reconnect_backoff_ms", 2000), ("grpc.enable_http_proxy", 0)]
"""A chief that was started anew is found again within two seconds, and not by way of a proxy."""
Message = Mapping[str, Any]


def handlers(methods: Mapping[str, Callable[[Message], Message]]) -> grpc.GenericRpcHandler:
    """The chief's side: functions from a message to the answer, by name."""

    def wrapped(method):
        return grpc.unary_unary_rpc_method_handler(lambda message, _: method(message), _decode, _encode)

    return grpc.method_handlers_generic_handler(SERVICE, {name: wrapped(method) for name, method in methods.items()})


class Line:
    """The worker's side: calls the chief's functions by name.

    Args:
        address: `HOST:PORT` of the chief.
    """

    def __init__(self, address: str):
        host, colon, port = address.rpartition(":")
        if not colon or not host or not port.isdigit():
            raise InputError(f"--join: expected HOST:PORT of a search, as `kzoo tune --workers` prints it. Received: {address}.")
        self.host, self.port = host, int(port)
        self.address = address
        self.channel = grpc.insecure_channel(address, CHANNEL)

    def call(self, method: str, timeout: float, wait: bool = True, **message: Any) -> Message:
        """The chief's answer.

        Args:
            method: what it is asked.
            timeout: seconds in which it must answer.
            wait: whether to wait that long for one that is not there.
            message: what it is told.

        Raises:
            ConnectionError: it does not answer in time, or could not do what it was asked.
        """
        ask = self.channel.unary_unary(f"/{SERVICE}/{method}", _encode, _decode)
        try:
            return ask(message, timeout=timeout, wait_for_ready=wait)
        except grpc.RpcError as error:
            raise ConnectionError(f"{self.address}: {error.code().name}") from error  # type: ignore[attr-defined]

    def close(self) -> None:
        self.channel.close()


def _encode(message: Message) -> bytes:
    return json.dumps(message, default=str).encode()


def _decode(data: bytes) -> Message:
    return json.loads(data)
