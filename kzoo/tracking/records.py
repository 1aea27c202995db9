"""Runs as they stand in a store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


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


def make_record(run, experiment: str) -> Record:
    """A record from MLflow's run."""
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


def search(client, names: Mapping[str, str], query: str = "") -> Iterator[Record]:
    """All runs of the experiments, given by id and name, that match a query."""
    token = None
    while names:
        page = client.search_runs(list(names), query, max_results=1000, page_token=token)
        yield from (make_record(run, names[run.info.experiment_id]) for run in page)
        token = page.token
        if not token:
            return


def experiment_names(client) -> dict[str, str]:
    """The names of all experiments by their ids."""
    found: dict[str, str] = {}
    token = None
    while True:
        page = client.search_experiments(page_token=token)
        found |= {experiment.experiment_id: experiment.name for experiment in page}
        token = page.token
        if not token:
            return found
