"""A real MLflow server on 127.0.0.1 that tests may kill and start again, and what a store holds, to be compared value by value."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from mlflow import MlflowClient

START = 90


class Server:
    """An `mlflow server` over an SQLite file; it keeps its port and its data when it is started again."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self) -> "Server":
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{self.folder}/server.db"]
        command += ["--artifacts-destination", str(self.folder / "served"), "--port", str(self.port), "--workers", "1"]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, **quiet}, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + START
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=1)
                return self
            except OSError:
                time.sleep(0.1)
        raise TimeoutError((self.folder / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        """As `kill -9`, of the server and its workers."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
            self.process = None

    def content(self, experiment: str) -> dict[str, dict]:
        """All that the server holds of the runs of an experiment, by their names."""
        return content(MlflowClient(self.uri), experiment)


def content(client: MlflowClient, experiment: str) -> dict[str, dict]:
    """Parameters, tags, metrics with their whole history, data sets and artifacts, byte by byte."""
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id]) if found else []
    names = [run.info.run_name for run in runs]
    assert len(set(names)) == len(names)
    return {run.info.run_name: _run(client, run) for run in runs}


def _run(client, run) -> dict:
    run_id = run.info.run_id
    points = {key: client.get_metric_history(run_id, key) for key in run.data.metrics}
    return {
        "id": run_id,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "parameters": dict(run.data.params),
        "tags": dict(run.data.tags),
        "metrics": {key: sorted((p.step, p.value, p.timestamp) for p in history) for key, history in points.items()},
        "datasets": sorted((i.dataset.name, i.dataset.digest, i.tags[0].value) for i in run.inputs.dataset_inputs),
        "artifacts": {name: _bytes(client, run_id, name) for name in _names(client, run_id)},
    }


def _names(client, run_id: str, folder: str | None = None):
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            yield from _names(client, run_id, entry.path)
        else:
            yield entry.path


def _bytes(client, run_id: str, name: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return Path(client.download_artifacts(run_id, name, folder)).read_bytes()


def values(run: dict, metric: str) -> list[tuple[int, float]]:
    """The steps of a metric and their values."""
    return [(step, value) for step, value, _ in run["metrics"][metric]]
