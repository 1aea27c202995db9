"""Where runs are kept: `MLFLOW_TRACKING_URI` if set, else an SQLite database and artifacts under `mlruns/` in the current folder."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, did_you_mean, one_line
from .run import Run, owner

ROOT = "mlruns"

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
"""Unless set otherwise, MLflow sends no usage telemetry, starts no workers for jobs that kzoo has not, and keeps its notes to itself."""


KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Makes MLflow show an experiment's pages for model training, not those for language models."""


@dataclass(frozen=True)
class Record:
    """A run as it stands in the store."""

    id: str
    name: str
    experiment: str
    status: str
    start: int
    """Milliseconds since 1970."""
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


class Store:
    """The runs of one tracking store; an SQLite store is made at its first use.

    Args:
        uri: an MLflow tracking URI. None: `MLFLOW_TRACKING_URI` if set, else `sqlite:///mlruns/mlflow.db` in the current folder.
        root: folder for artifacts and for the states of unfinished runs, `mlruns` unless told.
        create: whether to make an SQLite store that is not there; False for commands that only read.

    Raises:
        InputError: the store cannot be reached, or is not there.
    """

    def __init__(self, uri: str | None = None, root: Path | None = None, create: bool = True):
        for key, value in QUIET.items():
            os.environ.setdefault(key, value)
        self.root = (root or Path(ROOT)).resolve()
        chosen = uri or os.environ.get("MLFLOW_TRACKING_URI")
        self.local = not chosen
        self.uri = chosen or f"sqlite:///{self.root / 'mlflow.db'}"
        if self.local and not create and not (self.root / "mlflow.db").exists():
            raise InputError(f"{self.root}: holds no runs yet. Go to the folder in which you trained, or set MLFLOW_TRACKING_URI.")
        self._client = self._open()

    def start(self, experiment: str, name: str, tags: Mapping[str, str] | None = None) -> Run:
        """Opens a new run; use it in a `with` statement, which ends it."""
        from mlflow.tracking.context.registry import resolve_tags

        self._end_dead_runs()
        experiment_id = self._experiment_id(experiment)
        made = self._client.create_run(experiment_id, run_name=name, tags={**resolve_tags(), **owner(), **(tags or {})})
        return self._run(made.info.run_id)

    def resume(self, run_id: str, force: bool = False) -> Run:
        """Opens a run again that was interrupted or has failed.

        Args:
            run_id: of the run.
            force: also if it counts as running, on another machine or in a process that cannot be asked.

        Raises:
            InputError: there is no such run, it is finished, or it is still being trained.
        """
        record = self.get(run_id)
        if record.status == "FINISHED":
            raise InputError(f"run {run_id}: is finished; only an interrupted or failed run can be resumed. Start a new one.")
        if record.status == "RUNNING" and not _is_dead(record) and not force:
            raise InputError(
                f"run {run_id}: is still being trained by process {record.tags.get('kzoo.pid', '?')} "
                f"on {record.tags.get('kzoo.host', '?')}. Stop it first; if it is dead, add --force (force=True)."
            )
        return self._run(run_id)

    def get(self, run_id: str) -> Record:
        """One run by its id."""
        try:
            run = self._client.get_run(run_id)
            experiment = self._client.get_experiment(run.info.experiment_id).name
        except Exception as error:
            raise InputError(f"run {run_id}: not found in {self.uri}. `kzoo runs` lists the runs.") from error
        return _record(run, experiment)

    def download(self, run_id: str, name: str, folder: Path) -> Path:
        """Copies an artifact of a run into a folder and returns its path there.

        Raises:
            InputError: the run has no such artifact.
        """
        try:
            return Path(self._client.download_artifacts(run_id, name, str(folder)))
        except Exception as error:
            raise InputError(f"run {run_id}: has no artifact {name} ({one_line(error)}). Was it made by kzoo train?") from error

    def runs(self, experiment: str | None = None) -> list[Record]:
        """All runs, or those of one experiment, newest first."""
        names = {e.experiment_id: e.name for e in self._client.search_experiments()}
        if experiment is not None:
            names = {key: name for key, name in names.items() if name == experiment}
            if not names:
                known = [e.name for e in self._client.search_experiments()]
                raise InputError(
                    f"experiment {experiment}: not found in {self.uri}, which holds {', '.join(sorted(known))}."
                    f"{did_you_mean(experiment, known)}"
                )
        return self._search(names)

    def find(self, experiment: str, tags: Mapping[str, str], status: str | None = None) -> list[Record]:
        """The runs of an experiment with these tags, newest first; none where the experiment does not exist."""
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            return []
        conditions = [f"tags.`{key}` = '{value}'" for key, value in tags.items()]
        conditions += [f"attributes.status = '{status}'"] if status else []
        return self._search({found.experiment_id: experiment}, " and ".join(conditions))

    def _search(self, names: Mapping[str, str], query: str = "") -> list[Record]:
        """All runs of the experiments, given by id and name, that match a query."""
        records: list[Record] = []
        token = None
        while True:
            page = self._client.search_runs(list(names), query, max_results=1000, page_token=token)
            records += [_record(run, names[run.info.experiment_id]) for run in page]
            token = page.token
            if not token:
                return records

    def _open(self):
        try:
            from mlflow import MlflowClient
        except ModuleNotFoundError as error:
            raise InputError("mlflow: not installed, but a training is tracked with it: pip install mlflow.") from error
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            if not self.local:
                return _reached(MlflowClient(self.uri))
            from filelock import FileLock

            # Fresh databases break when several processes migrate them at once.
            with FileLock(self.root / ".lock"):
                return _reached(MlflowClient(self.uri))
        except Exception as error:
            raise InputError(
                f"tracking store {self.uri}: cannot be opened ({one_line(error)[:200]}). Expected MLFLOW_TRACKING_URI as sqlite:///PATH, "
                "http://HOST:PORT or another database; without it, runs are kept in mlruns/."
            ) from error

    def _experiment_id(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                self._client.restore_experiment(found.experiment_id)
            return found.experiment_id
        location = (self.root / "artifacts" / _folder_name(name)).as_uri() if self.local else None
        try:
            return self._client.create_experiment(name, artifact_location=location, tags=KIND)
        except Exception:
            made_meanwhile = self._client.get_experiment_by_name(name)
            if made_meanwhile is None:
                raise
            return made_meanwhile.experiment_id

    def _run(self, run_id: str) -> Run:
        return Run(self._client, run_id, self.root / "unfinished" / run_id)

    def _end_dead_runs(self) -> None:
        """Runs of this machine whose process died without a word (kill -9, power) are marked KILLED; they can be resumed."""
        names = {e.experiment_id: e.name for e in self._client.search_experiments()}
        host = socket.gethostname()
        for record in self._search(names, f"attributes.status = 'RUNNING' and tags.`kzoo.host` = '{host}'"):
            if _is_dead(record):
                self._client.set_terminated(record.id, "KILLED")


def serve(store: Store, port: int = 5000) -> int:
    """Serves MLflow's pages for a store on 127.0.0.1 until interrupted; returns the exit status of the server.

    Raises:
        InputError: the port is taken, or the runs are kept by a server that has pages of its own.
    """
    if store.uri.startswith("http"):
        raise InputError(f"the runs are kept by {store.uri}, which shows them itself.")
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


def _folder_name(experiment: str) -> str:
    """An experiment's name as that of a folder, whatever characters it holds."""
    return re.sub(r"[^\w-]+", "_", experiment)


def _reached(client):
    """The client, after a first request has shown that the store answers (and has made its tables)."""
    client.search_experiments(max_results=1)
    return client


def _record(run, experiment: str) -> Record:
    return Record(
        id=run.info.run_id,
        name=run.info.run_name,
        experiment=experiment,
        status=run.info.status,
        start=run.info.start_time,
        parameters=run.data.params,
        metrics=run.data.metrics,
        tags=run.data.tags,
    )


def _is_dead(record: Record) -> bool:
    """Whether a run belongs to a process of this machine that is no more."""
    pid = record.tags.get("kzoo.pid")
    if pid is None or record.tags.get("kzoo.host") != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
