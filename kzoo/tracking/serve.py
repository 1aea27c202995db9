"""MLflow's pages."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

from ..errors import InputError, one_line
from .address import is_server
from .store import Store
from .views import TRAINING, runs_page

PORT = 5000

START = 60.0
"""Seconds that a server is given until its pages are announced."""


def pages_address(store: Store, port: int = PORT) -> str:
    """Where a browser finds MLflow's pages of a store: at the server that keeps the runs, or on this machine once they are served."""
    return store.where.rstrip("/") if is_server(store.uri) else f"http://127.0.0.1:{port}"


def serve(store: Store, port: int = PORT, ready: Callable[[dict[str, str]], None] | None = None) -> int:
    """Serves MLflow's pages for a store on 127.0.0.1 until interrupted; returns the exit status of the server.

    Args:
        store: whose runs are shown.
        port: on 127.0.0.1.
        ready: called once the pages can be opened, with their addresses by what they show: the list of experiments, and each of them.

    Raises:
        InputError: the port is taken, or the runs are kept by a server that has pages of its own.
    """
    if is_server(store.uri):
        raise InputError(f"the runs are kept by {store.where}, which shows them itself.")
    _check_free(port)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    if store.local:
        command += ["--default-artifact-root", (store.root / "artifacts").as_uri()]
    # The address may hold a password, which a command line would show to everybody on this machine.
    server = subprocess.Popen(command, env={"PYTHONWARNINGS": "ignore", **os.environ, "MLFLOW_BACKEND_STORE_URI": store.uri})
    try:
        if ready is not None and _answers(server, port):
            ready(_addresses(store, port))
        return server.wait()
    finally:
        server.terminate()
        server.wait()


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(f"--port: expected a free port. Received: {port} ({one_line(error)}). Choose another one.") from error


def _answers(server: subprocess.Popen, port: int) -> bool:
    """Waits until the server can be asked; False if it ends, or takes too long."""
    end = time.monotonic() + START
    while server.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1)
            return True
        except OSError:
            time.sleep(0.2)
    return False


def _addresses(store: Store, port: int) -> dict[str, str]:
    """The pages for model training: MLflow would begin with those for language models."""
    address = pages_address(store, port)
    used = {key: name for key, name in store.experiments().items() if key != "0" or store.runs(name)}
    pages = {name: f"{address}/{runs_page(key)}" for key, name in used.items()}
    return {"experiments": f"{address}/#/experiments?{TRAINING}", **pages}
