"""Processes of `kzoo` that start at once, since a process that has imported everything forks them; each is killed like any other."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

REPOSITORY = Path(__file__).parents[1]
LIMIT = 150
"""Seconds that no process of these tests may take."""


class Forks:
    """Processes of `kzoo` that need not import anything.

    Args:
        folder: for what they print.
        hooks: a folder whose `sitecustomize.py` all of them load.
    """

    def __init__(self, folder: Path, hooks: Path | None = None):
        self.folder = folder
        self.begun: list[Process] = []
        self.environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
        paths = [*filter(None, [hooks, REPOSITORY, self.environment.get("PYTHONPATH")])]
        self.environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
        command = [sys.executable, str(Path(__file__).parent / "forkserver.py")]
        self.server = subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "ready\n"

    def start(self, folder: Path, arguments: list[str], environment: Mapping[str, str] = MappingProxyType({})) -> "Process":
        files = {name: str(self.folder / f"{len(self.begun)}.{name}") for name in ("output", "pid", "status")}
        every = {**self.environment, **environment}
        self.server.stdin.write(json.dumps({**files, "folder": str(folder), "arguments": arguments, "environment": every}) + "\n")
        self.server.stdin.flush()
        self.begun.append(Process(**{name: Path(file) for name, file in files.items()}))
        return self.begun[-1]

    def stop(self) -> None:
        """Nothing outlives the tests."""
        for process in self.begun:
            process.kill()
        self.server.kill()
        self.server.communicate()


class Process:
    """One of them."""

    def __init__(self, output: Path, pid: Path, status: Path):
        self.output, self.status = output, status
        self.id = int(wait(pid, LIMIT).read_text())

    def send(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.id, number)

    @property
    def said(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def end(self, limit: float = LIMIT) -> tuple[int, str]:
        """Its exit status and what it printed."""
        return int(wait(self.status, limit, self).read_text()), self.said

    @property
    def ended(self) -> float:
        """The moment of its end."""
        return self.status.stat().st_mtime

    def kill(self) -> None:
        if not self.status.exists():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.id, signal.SIGKILL)


def wait(file: Path, limit: float, process: Process | None = None) -> Path:
    end = time.monotonic() + limit
    while not file.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{file.name}: not there after {limit} s. {process.said[-2000:] if process else ''}")
        time.sleep(0.05)
    return file
