"""What tracking one epoch of 10 metrics costs the training thread: on SQLite, on a server, on a dead server, on one that never answers.

The training is a stand-in: NumPy products for a few milliseconds between the epochs, so that the thread that sends competes for cores and
for the interpreter as it does beside a real training. Counted is the time of `Run.log_metrics`, for each epoch.

    python benchmarks/tracking_overhead.py [--epochs 500]
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from machine import write_result

from kzoo import Store

METRICS = 10

PICTURES, SIDE = 4, 128
"""Of an epoch that shows some, as three of a trial do, and the pixels of their sides."""

LIMIT = 1.0
"""Milliseconds that an epoch may cost, the median."""


def epochs(store: Store, count: int, seconds: float, pictures: int = 0) -> list[float]:
    """Milliseconds of each epoch's tracking, so many pictures included; an epoch is a stand-in of so many seconds."""
    costs, picture = [], np.random.default_rng(0).random((SIDE, SIDE, 3))
    with store.start("overhead", "x") as run:
        for epoch in range(count):
            work(seconds)
            row = {f"train/metric_{i}": epoch / (i + 1) for i in range(METRICS)}
            began = time.perf_counter()
            run.log_metrics(row, step=epoch)
            for number in range(pictures):
                run.log_image(picture, f"predictions/sample_{number}", step=epoch)
            costs.append((time.perf_counter() - began) * 1e3)
    store.flush(30)
    return costs


def work(seconds: float) -> None:
    """Computes for a while, in NumPy and in Python."""
    matrix = np.ones((128, 128), np.float32)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        matrix = matrix @ matrix / 128
        sum(range(500))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of an MLflow server that runs meanwhile."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/server.db", "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "served"), "--port", str(port)]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    nowhere = subprocess.DEVNULL
    server = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=nowhere, stderr=nowhere, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_for(address: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


@contextmanager
def black_hole() -> Iterator[str]:
    """The address of a socket that accepts and never answers."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(64)
        yield f"http://127.0.0.1:{hole.getsockname()[1]}"


def row(name: str, costs: list[float], limit: float | None = LIMIT) -> str:
    ordered = sorted(costs)
    median, late = statistics.median(ordered), ordered[int(0.99 * len(ordered))]
    verdict = "none" if limit is None else f"{limit}: {'met' if median <= limit else 'not met'}"
    return f"| {name} | {median:.3f} | {late:.3f} | {ordered[-1]:.3f} | {verdict} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=0.02, help="of the stand-in for an epoch's training")
    options = parser.parse_args()
    rows = []

    def measure(name: str, uri: str | None, folder: Path, count: int = options.epochs, pictures: int = 0) -> None:
        costs = epochs(Store(uri, root=folder / name.replace(" ", "-")), count, options.seconds, pictures)
        rows.append(row(name, costs, None if pictures else LIMIT))

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        measure("SQLite", None, folder)
        measure(f"SQLite, {PICTURES} pictures as well", None, folder, min(options.epochs, 100), PICTURES)
        with served(folder) as uri:
            measure("server", uri, folder)
        measure("dead server", f"http://127.0.0.1:{free_port()}", folder)
        with black_hole() as uri:
            measure("server that never answers", uri, folder)
    head = ["| store | median, ms per epoch | 99th percentile | longest | limit for the median |", "|---|---|---|---|---|"]
    body = "\n".join([*head, *rows]) + f"\n\n{options.epochs} epochs of {METRICS} metrics and {options.seconds * 1e3:.0f} ms each, "
    body += "one process; the thread that sends runs beside it. A real epoch is longer, so that less of it meets the sending."
    command = f"python benchmarks/tracking_overhead.py --epochs {options.epochs} --seconds {options.seconds}"
    write_result("tracking_overhead", "Cost of tracking an epoch", command, body)


if __name__ == "__main__":
    main()
