"""Searches in processes of their own that die when a test wants them to, and what they leave behind."""

import json
import time
from collections import Counter
from pathlib import Path

import yaml

from kzoo import Store
from tests.forks import Forks, Process

SMALL = {
    "recipe": "digits",
    "settings": {"training.epochs": 3, "model.blocks": 1},
    "domains": {"model.filters": [[2, 2], [2, 4], [4, 4], [4, 8]], "model.kernel_size": [1, 3], "model.activation": ["relu", "elu"]},
}
"""16 points."""


class Search:
    """A space and a store in a folder of their own.

    Args:
        forks: where processes come from.
        folder: empty.
        settings: of the space, beside those that make its trials small.
        domains: of the space.
        search: its section `search`.
    """

    def __init__(self, forks: Forks, folder: Path, settings: dict | None = None, domains: dict | None = None, **search):
        self.forks, self.folder = forks, folder
        folder.mkdir(parents=True, exist_ok=True)
        changed = {"settings": {**SMALL["settings"], **(settings or {})}, "domains": domains or SMALL["domains"]}
        self.space = {**SMALL, **changed, "search": search}
        (folder / "small.yaml").write_text(yaml.safe_dump(self.space))
        self.begun: list[Process] = []

    def start(self, *arguments: str, uri: str | None = None, **plan) -> Process:
        """A process of `kzoo`, and what shall happen in it and in those that it starts."""
        environment = {"KZOO_TEST": json.dumps({"folder": str(self.folder), **plan})}
        process = self.forks.start(self.folder, list(arguments), environment | ({"MLFLOW_TRACKING_URI": uri} if uri else {}))
        self.begun.append(process)
        return process

    def run(self, *arguments: str, **plan) -> tuple[int, str]:
        """Its exit status and what it printed."""
        return self.start(*arguments, **plan).end()

    def __enter__(self) -> "Search":
        return self

    def __exit__(self, *_) -> None:
        """Nothing outlives its test."""
        for process in self.begun:
            process.kill()

    @property
    def log(self) -> list[dict]:
        """What all processes have noted, in order."""
        file = self.folder / "log.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def wait_for(self, limit: float = 90, **values) -> dict:
        """The first line of the log with these values."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            found = next((line for line in self.log if values.items() <= line.items()), None)
            if found:
                return found
            time.sleep(0.1)
        raise TimeoutError(f"{values} in {self.log[-5:]}")

    def idle_since(self, moment: float) -> float:
        """Seconds from a moment to the end of the last process in which nobody was at a trial, however fast the machine trains."""
        idle, reached = 0.0, moment
        for begin, end in sorted(self._at_trials):
            idle += max(0.0, begin - reached)
            reached = max(reached, end)
        return idle + max(0.0, max(process.ended for process in self.begun) - reached)

    @property
    def _at_trials(self) -> list[tuple[float, float]]:
        """When a process was at a trial; one that was killed, until the last that it noted."""
        spans: dict[tuple, list[float]] = {}
        for line in self.log:
            if "trial" in line:
                spans.setdefault((line["pid"], line["trial"]), []).append(line["time"])
        return [(min(times), max(times)) for times in spans.values()]

    @property
    def trained(self) -> Counter:
        """How often each epoch of each trial was trained to its end."""
        return Counter((line["trial"], line["epoch"]) for line in self.log if line["word"] == "epoch")

    @property
    def path(self) -> Path:
        return self.folder / "mlruns" / "searches" / "small"

    @property
    def outcomes(self) -> dict[str, dict]:
        found = sorted(self.path.glob("trials/*/outcome.json"))
        return {file.parent.name: json.loads(file.read_text()) for file in found}

    @property
    def points(self) -> list[tuple]:
        """What was tried, in order."""
        return [tuple(map(str, outcome["values"].values())) for outcome in self.outcomes.values()]


class Kept:
    """What a store holds of a search, read by MLflow's own client."""

    def __init__(self, search: Search, uri: str | None = None):
        from mlflow import MlflowClient

        self.client = MlflowClient(uri or Store(root=search.folder / "mlruns").uri)
        experiments = [e.experiment_id for e in self.client.search_experiments()]
        every = self.client.search_runs(experiments)
        key = f"search-{json.loads((search.path / 'search.json').read_text())['id']}"
        runs = [run for run in every if run.data.tags.get("kzoo.key", "").startswith(key)]
        self.trials = {run.data.tags["kzoo.trial"]: run for run in runs if "kzoo.trial" in run.data.tags}
        self.parents = [run for run in runs if "kzoo.trial" not in run.data.tags]
        assert len(self.trials) + len(self.parents) == len(runs)

    def points(self, run) -> dict[str, list]:
        """Steps and values of each metric."""
        return {key: sorted((p.step, p.value) for p in self.client.get_metric_history(run.info.run_id, key)) for key in run.data.metrics}

    def assert_whole(self, epochs: dict[str, int]) -> None:
        """One parent that has finished, a child for each trial below it, one point per step and metric."""
        (parent,) = self.parents
        assert parent.info.status == "FINISHED"
        assert sorted(self.trials) == sorted(epochs)
        for trial, run in self.trials.items():
            assert run.info.status == "FINISHED"
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
            points = self.points(run)
            for key, values in points.items():
                steps = [step for step, _ in values]
                assert len(set(steps)) == len(steps), (trial, key, values)
            assert [step for step, _ in points["train/loss"]] == list(range(1, epochs[trial] + 1))
