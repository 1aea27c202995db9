"""Journals become runs in MLflow: in their order, in batches, and so that sending the same thing twice does no harm."""

import os
import posixpath
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import one_line
from .batches import BATCHABLE, groups, items, title
from .experiments import experiment_id
from .failures import BUSY, LostError, UnreachableError, is_refusal, plainly
from .journal import FILES, Event, Journal
from .notice import warn

KEY = "kzoo.key"
"""The tag by which a run is found again."""

PARENT = "mlflow.parentRunId"
ORPHAN = "kzoo.parent"
"""Key of the parent of a run that came before it."""

ATTEMPTS = 3
"""After so many failures of one request, between which the store has answered others, it is left for another time."""


KEPT = "It is kept; `kzoo sync` tries it again."
"""Said with what cannot be sent."""


class _StubbornError(Exception):
    """The store answers, but has failed at one request again and again."""


class Sender:
    """Sends journals to one store; used by one thread at a time.

    Args:
        connect: makes the MLflow client when it is first needed.
        location: an experiment's name to the place of its artifacts, or None where the store decides.
        attempts: at a request that fails though the store answers others, before what comes after it is sent.
    """

    def __init__(self, connect: Callable[[], Any], location: Callable[[str], str | None], attempts: int = ATTEMPTS):
        self._connect = connect
        self._location = location
        self._attempts = attempts
        self._client: Any = None
        self._failures: dict[tuple[str, int], int] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._steps: dict[tuple[Path, str], set[int]] = {}

    @property
    def client(self):
        """The MLflow client.

        Raises:
            UnreachableError: the store cannot be opened now.
        """
        if self._client is None:
            try:
                self._client = self._connect()
            except Exception as error:
                raise UnreachableError(plainly(error), silent=True) from error
        return self._client

    def send(self, journal: Journal) -> int:
        """Sends what a journal holds, the run's creation included; returns the number of events.

        Raises:
            UnreachableError: the store does not answer; what has been sent is noted in the journal.
        """
        with self._as_unreachable():
            self._identify(journal)
        count = 0
        for events in groups(journal.unsent()):
            left = self._deliver(journal, events)
            journal.mark_sent(events[-1]["n"], left)
            count += len(events) - len(left)
        with self._as_unreachable():
            self._link(journal)
        return count

    def probe(self) -> bool:
        """Whether the store answers at all."""
        try:
            self.client.search_experiments(max_results=1)
            return True
        except Exception:
            return False

    @contextmanager
    def _as_unreachable(self) -> Iterator[None]:
        """Any error becomes an `UnreachableError`: what cannot be done now is tried again later."""
        try:
            yield
        except UnreachableError:
            raise
        except Exception as error:
            raise UnreachableError(plainly(error), silent=not self.probe()) from error

    def _deliver(self, journal: Journal, events: list[Event]) -> list[int]:
        """One request's worth of events; the numbers of those are returned that are left for another time."""
        try:
            if events[0]["kind"] in BATCHABLE:
                self._log(journal, events[-1]["n"], items(events, journal.tags))
            else:
                self._once(journal, events[0]["n"], lambda: self._single(journal, events[0]), title(events[0]))
        except LostError:
            self._ids.clear()
            self._steps.clear()
            journal.forget()
            raise UnreachableError(f"run {journal.key} was lost by the store and is sent again from the beginning") from None
        except _StubbornError as error:
            if len(events) > 1:
                return [number for event in events for number in self._deliver(journal, [event])]
            warn(f"left {journal.key}", f"tracking: {title(events[0])} of run {journal.key} cannot be sent ({error}). {KEPT}")
            return [events[0]["n"]]
        return []

    def _log(self, journal: Journal, number: int, values: list[tuple]) -> None:
        """Values in one request; if that is refused, in halves, until the one is found that is to blame."""
        refusal = self._attempt(journal, number, lambda: self._log_batch(journal, values)) if values else None
        if refusal is None:
            return
        if len(values) == 1 or self._is_deleted(journal):
            for item in values:
                self._refuse(journal, number, f"{item[0]} {item[1]}", refusal)
            return
        middle = len(values) // 2
        for half in (values[:middle], values[middle:]):
            self._log(journal, number, half)

    def _once(self, journal: Journal, number: int, request: Callable[[], None], what: str) -> None:
        refusal = self._attempt(journal, number, request)
        if refusal is not None:
            self._refuse(journal, number, what, refusal)

    def _attempt(self, journal: Journal, number: int, request: Callable[[], None]) -> Exception | None:
        """Makes a request; returns the error if the store answers but will never take it."""
        try:
            request()
            return None
        except Exception as error:
            if not self.probe():
                raise UnreachableError(plainly(error), silent=True) from error
            code = getattr(error, "error_code", "")
            if code == "RESOURCE_DOES_NOT_EXIST" and self._is_gone(journal):
                raise LostError from error
            if is_refusal(error):
                return error
            failures = self._failures[journal.key, number] = self._failures.get((journal.key, number), 0) + 1
            if code == BUSY or failures < self._attempts:
                raise UnreachableError(plainly(error)) from error
            raise _StubbornError(plainly(error)) from error

    def _refuse(self, journal: Journal, number: int, what: str, error: Exception) -> None:
        reason = one_line(error)[:300]
        if [number, what, reason] not in journal.sent.refused:
            journal.sent.refused.append([number, what, reason])
        warn(f"refused {journal.key}", f"tracking: MLflow refuses {what} of run {journal.run_id} ({reason}). It stays in {journal.folder}.")

    def _is_gone(self, journal: Journal) -> bool:
        try:
            self.client.get_run(journal.run_id)
            return False
        except Exception as error:
            return getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"

    def _is_deleted(self, journal: Journal) -> bool:
        try:
            return self.client.get_run(journal.run_id).info.lifecycle_stage == "deleted"
        except Exception:
            return False

    def _log_batch(self, journal: Journal, values: list[tuple]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        values = [item for item in values if item[0] != "metric" or item[4] not in self._recorded(journal, item[1])]
        self.client.log_batch(
            journal.run_id,
            metrics=[Metric(key, value, at, step) for kind, key, value, at, step in values if kind == "metric"],
            params=[Param(key, value) for kind, key, value, *_ in values if kind == "parameter"],
            tags=[RunTag(key, value) for kind, key, value, *_ in values if kind == "tag"],
        )

    def _recorded(self, journal: Journal, metric: str) -> Collection[int]:
        """The steps that the store had before this journal, which tells of them only if it has made the run."""
        if journal.sent.created:
            return ()
        place = (journal.folder, metric)
        if place not in self._steps:
            history = self.client.get_metric_history(journal.run_id, metric)
            self._steps[place] = {point.step for point in history}
        return self._steps[place]

    def _single(self, journal: Journal, event: Event) -> None:
        """An event that is a request of its own."""
        if event["kind"] == "status":
            self._set_status(journal, event)
        elif event["kind"] == "dataset":
            self._log_dataset(journal, event)
        elif event["kind"] == "view":
            self.client.set_experiment_tag(journal.sent.experiment_id, event["name"], event["value"])
        elif event["kind"] == "file":
            self._log_file(journal, event)

    def _set_status(self, journal: Journal, event: Event) -> None:
        if event["status"] != journal.status:
            return
        if event["status"] == "RUNNING":
            self.client.update_run(journal.run_id, status="RUNNING")
            return
        self.client.set_terminated(journal.run_id, event["status"], end_time=event["at"])
        self._adopt(journal)
        for double in self._find(journal.sent.experiment_id, journal.key)[1:]:
            if double.info.run_id != journal.run_id and not double.data.metrics and not double.data.params:
                self.client.delete_run(double.info.run_id)

    def _log_dataset(self, journal: Journal, event: Event) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(name=event["name"], digest=event["digest"], source_type="kzoo", source=event["source"])
        self.client.log_inputs(journal.run_id, [DatasetInput(dataset, tags=[InputTag("mlflow.data.context", event["context"])])])

    def _log_file(self, journal: Journal, event: Event) -> None:
        path = journal.folder / FILES / event["file"]
        folder = posixpath.dirname(event["name"]) or None
        with _patience(path):
            self.client.log_artifact(journal.run_id, str(path), folder)

    def _identify(self, journal: Journal) -> None:
        """Finds the run by its key, or makes it: also if an earlier request made it, whose answer never came."""
        if journal.run_id is not None:
            return
        from mlflow.entities import RunTag

        identity, sent = journal.identity, journal.sent
        sent.experiment_id = experiment_id(self.client, identity.experiment, self._location(identity.experiment))
        tags = {**identity.tags, KEY: identity.key}
        parent = self._parent(journal)
        if parent is not None:
            tags[PARENT] = parent
        elif identity.parent is not None:
            tags[ORPHAN] = identity.parent
        found = self._find(sent.experiment_id, identity.key)
        if found:
            sent.run_id = found[0].info.run_id
            self.client.log_batch(sent.run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        else:
            made = self.client.create_run(sent.experiment_id, start_time=identity.at, run_name=identity.name, tags=tags)
            sent.run_id, sent.created = made.info.run_id, True
        sent.linked = parent is not None
        self._ids[sent.experiment_id, identity.key] = sent.run_id
        journal.save_sent()

    def _link(self, journal: Journal) -> None:
        """Tells the store of a parent that it did not know yet when the run was made."""
        if journal.identity.parent is None or journal.sent.linked:
            return
        parent = self._parent(journal)
        if parent is not None:
            self.client.set_tag(journal.run_id, PARENT, parent)
            journal.sent.linked = True
            journal.save_sent()

    def _adopt(self, journal: Journal) -> None:
        """Links the children that came before their parent, from other machines too: their own processes may have gone."""
        for child in self._find(journal.sent.experiment_id, journal.key, ORPHAN):
            self.client.set_tag(child.info.run_id, PARENT, journal.run_id)
            self.client.delete_tag(child.info.run_id, ORPHAN)

    def _parent(self, journal: Journal) -> str | None:
        experiment, parent = journal.sent.experiment_id, journal.identity.parent
        if parent is None or experiment is None:
            return None
        if (experiment, parent) not in self._ids:
            for run in self._find(experiment, parent)[:1]:
                self._ids[experiment, parent] = run.info.run_id
        return self._ids.get((experiment, parent))

    def _find(self, experiment: str | None, key: str, tag: str = KEY) -> list:
        """The runs with a key, the first one first; there are several where the answer to a creation was lost."""
        found = self.client.search_runs([experiment], f"tags.`{tag}` = '{key}'", max_results=1000)
        return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))


@contextmanager
def _patience(path: Path) -> Iterator[None]:
    """Large files may take longer than the short limit of other requests: a second more per megabyte."""
    name = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    before = os.environ.get(name)
    megabytes = path.stat().st_size >> 20
    if before is None or not before.isdigit() or not megabytes:
        yield
        return
    os.environ[name] = str(int(before) + megabytes)
    try:
        yield
    finally:
        os.environ[name] = before
