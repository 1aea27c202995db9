"""MLflow's pages."""

import os
import socket
import subprocess
import sys

from ..errors import InputError, one_line
from .address import is_server
from .store import Store


def serve(store: Store, port: int = 5000) -> int:
    """Serves MLflow's pages for a store on 127.0.0.1 until interrupted; returns the exit status of the server.

    Raises:
        InputError: the port is taken, or the runs are kept by a server that has pages of its own.
    """
    if is_server(store.uri):
        raise InputError(f"the runs are kept by {store.where}, which shows them itself.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(f"--port: expected a free port. Received: {port} ({one_line(error)}). Choose another one.") from error
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store.uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    if store.local:
        command += ["--default-artifact-root", (store.root / "artifacts").as_uri()]
    server = subprocess.Popen(command, env={**os.environ})
    try:
        return server.wait()
    finally:
        server.terminate()
        server.wait()
