"""Where runs are kept: `MLFLOW_TRACKING_URI` if set, else an SQLite database and artifacts under `mlruns/` in the current folder."""

import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from ..errors import ArgumentError, InputError, did_you_mean, one_line
from .address import EXPECTED, check_uri, without_password
from .delivery import Delivery, delivery_of, finish, start_delivery
from .janitor import end_dead_runs, journals
from .journal import BusyError, Identity, Journal, Sent
from .owner import is_dead, owner
from .records import Record, experiment_names, make_record, search
from .relocate import notice_move
from .run import Run
from .sender import KEY, Sender
from .sync import Synced, sync
from .views import run_page

ROOT = "mlruns"

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0.2",
}
"""Unless set otherwise, MLflow sends no usage telemetry, starts no workers for jobs that kzoo has not, keeps its notes to itself and gives
up soon."""

START_WAIT = 3.0
"""Seconds that a new run waits for its MLflow id; training goes on without it."""

BUSY_WAIT = 5.0
"""Seconds that a run waits for another process to let go of its journal."""

LOCK_WAIT = 120.0
"""Seconds that a process waits for others to make or migrate the database."""

READ_WAIT = 5.0
"""Seconds that a question to the store waits for what this process has logged before."""


class Store:
    """The runs of one tracking store; an SQLite store is made at its first use.

    A run is started whether or not the store answers: its journal is kept under the root and sent by a thread of its own. Questions need an
    answer.

    Args:
        uri: an MLflow tracking URI. None: `MLFLOW_TRACKING_URI` if set, else `sqlite:///mlruns/mlflow.db` in the current folder.
        root: folder for artifacts, journals and the states of unfinished runs, `mlruns` unless told.
        create: whether to make an SQLite store that is not there; False for commands that only read, which need a store that answers.

    Raises:
        InputError: the store can never be reached, or is not there.
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
        if find_spec("mlflow") is None:
            raise InputError("mlflow: not installed, but a training is tracked with it: pip install mlflow.")
        check_uri(self.uri)
        self._made = None
        if not create or self.uri.startswith("sqlite"):
            self._open()
        if self.local:
            notice_move(self.root)

    @property
    def where(self) -> str:
        """The store's address as it may be shown."""
        return without_password(self.uri)

    def start(
        self,
        experiment: str,
        name: str,
        tags: Mapping[str, str] | None = None,
        *,
        key: str | None = None,
        parent: str | None = None,
    ) -> Run:
        """Opens a run; use it in a `with` statement, which ends it. A store that does not answer is no error.

        Args:
            experiment: name of an MLflow experiment, made where there is none.
            name: of the run.
            tags: text to find it by.
            key: the run's identity: the same key in the same experiment opens the same run again, from any process or machine. A new one
                unless given.
            parent: the key of the run above it, in the same experiment.

        Raises:
            ArgumentError: the key holds other characters than letters, digits, `_`, `-` and `.`, or names a run of another experiment.
            InputError: another process writes the run.
        """
        from mlflow.tracking.context.registry import resolve_tags

        key = uuid.uuid4().hex if key is None else key
        if not re.fullmatch(r"\w[\w.-]{0,99}", key):
            raise ArgumentError("key", f"expected letters, digits, _, - and ., at most 100. Received: {key}.")
        every = {k: str(v) for k, v in {**resolve_tags(), **owner(), **(tags or {})}.items()}
        identity = Identity(key, experiment, name, every, parent, int(time.time() * 1000), self._origin)
        return self._run(identity)

    def resume(self, run_id: str, force: bool = False) -> Run:
        """Opens a run again that was interrupted or has failed; its journal on this machine is asked first, then the store.

        Args:
            run_id: of the run, or its key.
            force: also if it counts as running, on another machine or in a process that cannot be asked.

        Raises:
            InputError: there is no such run, it is finished, or it is still being trained.
        """
        kept = self._kept(run_id)
        if kept is not None:
            _check_resumable(run_id, kept.status, {**kept.identity.tags, **kept.tags}, force)
            return self._run(kept.identity)
        record = self.get(run_id)
        _check_resumable(run_id, record.status, record.tags, force)
        key = record.tags.get(KEY, record.id)
        identity = Identity(key, record.experiment, record.name, record.tags, None, record.start, self._origin)
        with self._asking():
            experiment = self._open().get_run(record.id).info.experiment_id
        return self._run(identity, Sent(run_id=record.id, experiment_id=experiment, linked=True), record.status)

    def link(self, run: Run) -> str | None:
        """Where MLflow's pages show a run: an address within them, `#/experiments/1/runs/...`; None until the store has told its id."""
        place = self.place(run)
        return None if place is None else run_page(*place)

    def place(self, run: Run) -> tuple[str, str] | None:
        """MLflow's ids of a run's experiment and of the run; None until the store has told them."""
        sent = run._journal.sent
        return (sent.experiment_id, sent.run_id) if sent.run_id and sent.experiment_id else None

    def experiments(self) -> dict[str, str]:
        """The names of all experiments by their ids."""
        client = self._client
        with self._asking():
            return experiment_names(client)

    def flush(self, timeout: float = 60.0) -> bool:
        """Waits until the store has what this process has logged; at once False if it does not answer."""
        delivery = delivery_of(self.uri, self.root)
        return delivery is None or delivery.flush(timeout)

    def sync(self) -> Synced:
        """Sends what was kept in journals while the store did not answer; sending again changes nothing.

        Raises:
            InputError: the store does not answer.
        """
        self._open()
        self.flush()
        return sync(Sender(self._connect, self._location, attempts=1), self.root, self._origin)

    def get(self, run_id: str) -> Record:
        """One run by its id, or by its key."""
        client = self._client
        try:
            run = client.get_run(run_id)
            return make_record(run, client.get_experiment(run.info.experiment_id).name)
        except Exception as error:
            plain = re.fullmatch(r"[\w.-]+", run_id)
            with self._asking():
                found = list(search(client, experiment_names(client), f"tags.`{KEY}` = '{run_id}'")) if plain else []
            if not found:
                raise InputError(f"run {run_id}: not found in {self.where}. `kzoo runs` lists the runs.") from error
            return found[0]

    def download(self, run_id: str, name: str, folder: Path) -> Path:
        """Copies an artifact of a run into a folder and returns its path there.

        Raises:
            InputError: the run has no such artifact.
        """
        client = self._client
        try:
            return Path(client.download_artifacts(run_id, name, str(folder)))
        except Exception as error:
            raise InputError(f"run {run_id}: has no artifact {name} ({one_line(error)}). Was it made by kzoo train?") from error

    def runs(self, experiment: str | None = None) -> list[Record]:
        """All runs, or those of one experiment, newest first."""
        client, known = self._client, self.experiments()
        names = {key: name for key, name in known.items() if experiment in (None, name)}
        if experiment is not None and not names:
            raise InputError(
                f"experiment {experiment}: not found in {self.where}, which holds {', '.join(sorted(known.values()))}."
                f"{did_you_mean(experiment, known.values())}"
            )
        with self._asking():
            return list(search(client, names))

    def find(self, experiment: str, tags: Mapping[str, str], status: str | None = None) -> list[Record]:
        """The runs of an experiment with these tags, newest first; none where the experiment does not exist."""
        client = self._client
        conditions = [f"tags.`{key}` = '{value}'" for key, value in tags.items()]
        conditions += [f"attributes.status = '{status}'"] if status else []
        with self._asking():
            found = client.get_experiment_by_name(experiment)
            return list(search(client, {found.experiment_id: experiment}, " and ".join(conditions))) if found else []

    @property
    def _client(self):
        """MLflow's client for questions, which also see what this process has logged before."""
        self.flush(READ_WAIT)
        return self._open()

    @property
    def _origin(self) -> str | None:
        """The address that a journal names; none for the store beside it, which may move with it."""
        return None if self.local else self.where

    def _open(self):
        """The client, after a first request has shown that the store answers (and has made its tables)."""
        if self._made is None:
            with self._asking():
                client = self._connect()
                client.search_experiments(max_results=1)
            self._made = client
        return self._made

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """An error in a question becomes an `InputError`."""
        try:
            yield
        except Exception as error:
            raise InputError(f"tracking store {self.where}: cannot be opened ({one_line(error)[:200]}). {EXPECTED}") from error

    def _connect(self):
        from mlflow import MlflowClient

        if not self.uri.startswith("sqlite"):
            return MlflowClient(self.uri)
        self.root.mkdir(parents=True, exist_ok=True)
        # Fresh databases break when several processes migrate them at once.
        with FileLock(self.root / ".lock", timeout=LOCK_WAIT):
            client = MlflowClient(self.uri)
            client.search_experiments(max_results=1)
        return client

    def _location(self, experiment: str) -> str | None:
        """The place of an experiment's artifacts, whatever characters its name holds."""
        return (self.root / "artifacts" / re.sub(r"[^\w-]+", "_", experiment)).as_uri() if self.local else None

    def _delivery(self) -> Delivery:
        delivery = delivery_of(self.uri, self.root)
        if delivery is None:
            delivery = start_delivery(self.uri, self.root, Sender(self._connect, self._location), self.where)
        return delivery

    def _left_behind(self) -> list[Path]:
        mine = (journal for journal in journals(self.root) if journal.identity.uri == self._origin)
        return [journal.folder for journal in mine if journal.pending or not journal.settled]

    def _run(self, identity: Identity, known: Sent | None = None, status: str = "RUNNING") -> Run:
        first, delivery = delivery_of(self.uri, self.root) is None, self._delivery()
        journal = self._journal(delivery, self.root / "journal" / identity.key, identity)
        if known is not None and journal.run_id is None:
            journal.sent = known
            journal.append("tags", values={KEY: identity.key})
            journal.append("status", status=status)
        delivery.do(end_dead_runs)
        delivery.add(journal)
        if first:
            delivery.later(self._left_behind())
        if not delivery.broken:
            delivery.flush(START_WAIT, until=lambda: journal.run_id is not None)
        return Run(journal, delivery, self.root / "unfinished" / identity.key)

    def _journal(self, delivery: Delivery, folder: Path, identity: Identity) -> Journal:
        journal = delivery.held(folder)
        try:
            if journal is None:
                journal = Journal(folder, identity, wait=BUSY_WAIT)
                if journal.identity is not identity:
                    finish(journal)
            theirs = journal.identity
            if (theirs.experiment, theirs.uri) != (identity.experiment, identity.uri):
                place = f"experiment {theirs.experiment} of {theirs.uri or 'the local store'}"
                raise ArgumentError("key", f"expected one of its own. Received: {identity.key}, which is a run in {place}.")
            if theirs != identity:
                journal.append("tags", values=identity.tags)
            return journal
        except BusyError as error:
            raise InputError(f"run {identity.key}: is being written by another process. Stop it first, or wait for it.") from error

    def _kept(self, run_id: str) -> Journal | None:
        """The journal of a run on this machine, by the run's id or key."""
        mine = (journal for journal in journals(self.root) if journal.identity.uri == self._origin)
        return next((journal for journal in mine if run_id in (journal.run_id, journal.key)), None)


def _check_resumable(run_id: str, status: str, tags: Mapping[str, str], force: bool) -> None:
    if status == "FINISHED":
        raise InputError(f"run {run_id}: is finished; only an interrupted or failed run can be resumed. Start a new one.")
    if status == "RUNNING" and not is_dead(tags) and not force:
        raise InputError(
            f"run {run_id}: is still being trained by process {tags.get('kzoo.pid', '?')} "
            f"on {tags.get('kzoo.host', '?')}. Stop it first; if it is dead, add --force (force=True)."
        )
