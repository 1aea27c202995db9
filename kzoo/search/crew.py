"""The workers on this machine: started, replaced by fresh ones after some trials, restarted if they die, dismissed at the end."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..defaults import TOKEN
from ..errors import TrainingError

RECYCLED = 75
"""The exit status of a worker that wants to be replaced."""
TRIALS = 20
"""Trials after which a worker is replaced, since TensorFlow keeps some memory of each."""
DEATHS = 3
"""Deaths of workers in one place after which none is started there again."""


def visible_gpus() -> list[str]:
    """The GPUs that workers are to be pinned to: those of `CUDA_VISIBLE_DEVICES`, else all that the driver lists."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu for gpu in named.split(",") if gpu.strip() and gpu != "-1"]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True)
    return listed.stdout.split() if listed.returncode == 0 else []


class Crew:
    """Worker processes that join a chief.

    Args:
        address: `HOST:PORT` of the chief.
        count: how many; each has a GPU of its own while there are some, else its share of the cores.
        logs: folder for what they print.
        trials: after which a worker is replaced.
        token: of the search; in the environment, since everybody on a machine sees the arguments of its processes.
    """

    def __init__(self, address: str, count: int, logs: Path, trials: int = TRIALS, token: str = ""):
        self.address, self.count, self.logs, self.trials, self.token = address, count, logs, trials, token
        self.gpus = visible_gpus()
        self.deaths = [0] * count
        logs.mkdir(parents=True, exist_ok=True)
        self.workers: list[subprocess.Popen | None] = [self._start(place) for place in range(count)]

    def tend(self) -> int:
        """Puts fresh workers in the places of those that have ended, unless they die again and again; returns how many there are.

        Raises:
            TrainingError: all have died too often; with the last words of one of them.
        """
        for place, worker in enumerate(self.workers):
            status = None if worker is None else worker.poll()
            if status is None or status == 0:
                continue
            if status != RECYCLED:
                self.deaths[place] += 1
            self.workers[place] = self._start(place) if self.deaths[place] < DEATHS else None
        if self.count and not any(self.workers):
            raise TrainingError(f"workers: all {self.count} died {DEATHS} times. The last one said: {self._last_words()}")
        return sum(worker is not None and worker.poll() is None for worker in self.workers)

    def dismiss(self) -> None:
        """Ends those that are still there."""
        for worker in filter(None, self.workers):
            worker.terminate()
        for worker in filter(None, self.workers):
            try:
                worker.wait(10)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def _start(self, place: int) -> subprocess.Popen:
        with self._log(place).open("ab") as log:
            return subprocess.Popen(self._command(), env=self._environment(place), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _command(self) -> list[str]:
        own = ["--join", self.address, "--trials", str(self.trials), "--parent", str(os.getpid())]
        return [sys.executable, "-m", "kzoo.cli", "tune-worker", *own]

    def _environment(self, place: int) -> dict[str, str]:
        """A GPU of its own, or a share of the cores."""
        own = {**os.environ, TOKEN: self.token, "TF_FORCE_GPU_ALLOW_GROWTH": "true", "TF_CPP_MIN_LOG_LEVEL": "3"}
        if self.gpus:
            return {**own, "CUDA_VISIBLE_DEVICES": self.gpus[place % len(self.gpus)]}
        share = str(max(1, (os.cpu_count() or 1) // max(self.count, 1)))
        return {**own, "OMP_NUM_THREADS": share, "TF_NUM_INTRAOP_THREADS": share, "TF_NUM_INTEROP_THREADS": share}

    def _log(self, place: int) -> Path:
        return self.logs / f"worker{place}.log"

    def _last_words(self) -> str:
        lines = [line for place in range(self.count) for line in self._log(place).read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "nothing"
