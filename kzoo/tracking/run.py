"""One MLflow run: what is logged to it, and how it ends."""

import math
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import TrainingError, one_line

BATCH = 100
"""Parameters and tags per request, MLflow's limit."""

LONGEST_VALUE = 6000
"""Characters of a parameter's value, MLflow's limit."""


def owner() -> dict[str, str]:
    """The tags that say which process trains a run."""
    return {"kzoo.host": socket.gethostname(), "kzoo.pid": str(os.getpid())}


class Run:
    """An open run, as a context manager: it ends FINISHED, FAILED with the reason after an exception, KILLED after an interruption.

    After an `InputError` the run says FAILED as well; inputs are best checked before a run is opened.
    """

    def __init__(self, client, run_id: str, folder: Path):
        self._client = client
        self.id = run_id
        self.folder = folder
        """Where the training keeps the state from which the run can be resumed."""

    def __enter__(self) -> "Run":
        self.set_tags(owner())
        self._client.update_run(self.id, status="RUNNING")
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error is None:
            self._client.set_terminated(self.id, "FINISHED")
            return
        failed = isinstance(error, Exception)
        # A training that failed by itself would fail again in the same way.
        if not isinstance(error, TrainingError):
            error.add_note(f"Run {self.id} keeps what was logged; it continues with: kzoo train --resume {self.id}")
        self.set_tags({"kzoo.error": one_line(error) if failed else f"interrupted ({kind.__name__})"})
        self._client.set_terminated(self.id, "FAILED" if failed else "KILLED")

    def log_parameters(self, values: Mapping[str, Any]) -> None:
        """Flat hyperparameters, stored as text."""
        from mlflow.entities import Param

        params = [Param(key, str(value)[:LONGEST_VALUE]) for key, value in values.items()]
        for start in range(0, len(params), BATCH):
            self._client.log_batch(self.id, params=params[start : start + BATCH])

    def log_metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Numbers of one step. What is not finite would ruin the charts: it is left out, and the step named in a tag."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        finite = {key: float(value) for key, value in values.items() if math.isfinite(value)}
        if finite:
            self._client.log_batch(self.id, metrics=[Metric(k, v, now, step) for k, v in finite.items()])
        if len(finite) < len(values):
            self.set_tags({"kzoo.nonfinite": f"{', '.join(sorted(set(values) - set(finite)))} at step {step}"})

    def logged_steps(self, metric: str) -> set[int]:
        """The steps at which a metric has been logged."""
        return {point.step for point in self._client.get_metric_history(self.id, metric)}

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Text that may change."""
        from mlflow.entities import RunTag

        every = [RunTag(key, str(value)) for key, value in tags.items()]
        for start in range(0, len(every), BATCH):
            self._client.log_batch(self.id, tags=every[start : start + BATCH])

    def log_dataset(self, name: str, digest: str, source: str, context: str) -> None:
        """Enters a data set by its name and our own fingerprint (MLflow's own digests read the data or ignore most of it)."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(name=name, digest=digest, source_type="kzoo", source=source)
        entry = DatasetInput(dataset, tags=[InputTag("mlflow.data.context", context)])
        self._client.log_inputs(self.id, [entry])

    def log_text(self, text: str, name: str) -> None:
        """An artifact from text."""
        self._client.log_text(self.id, text, name)

    def log_file(self, path: Path) -> None:
        """An artifact from a file, under the file's name."""
        self._client.log_artifact(self.id, str(path))

    def log_figure(self, figure, name: str) -> None:
        """An artifact from a matplotlib figure."""
        self._client.log_figure(self.id, figure, name)
