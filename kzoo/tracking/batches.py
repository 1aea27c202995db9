"""Events, put together into as few requests as MLflow allows."""

from collections.abc import Iterator, Mapping

from .journal import Event

BATCHABLE = ("parameters", "metrics", "tags")

BATCH, BATCH_BYTES = 1000, 400_000
"""Values and characters per request; MLflow takes 1000 and 1 MB."""


def groups(events: list[Event]) -> Iterator[list[Event]]:
    """Consecutive events that fit into one request."""
    group: list[Event] = []
    values = size = 0
    for event in events:
        count, length = len(event.get("values", "")), len(str(event))
        fits = event["kind"] in BATCHABLE and values + count <= BATCH and size + length <= BATCH_BYTES
        if group and not (fits and group[0]["kind"] in BATCHABLE):
            yield group
            group, values, size = [], 0, 0
        group.append(event)
        values, size = values + count, size + length
    if group:
        yield group


def items(events: list[Event], tags: Mapping[str, str]) -> list[tuple]:
    """The values of some events, each once; a tag only if it has that value still."""
    found: dict[tuple, tuple] = {}
    for event in events:
        for key, value in event["values"].items():
            if event["kind"] == "metrics":
                found["metric", key, value, event["at"], event["step"]] = ("metric", key, value, event["at"], event["step"])
            elif event["kind"] == "parameters":
                found["parameter", key, value] = ("parameter", key, value, 0, 0)
            elif tags.get(key) == value:
                found["tag", key] = ("tag", key, value, 0, 0)
    return list(found.values())


def title(event: Event) -> str:
    """An event as people call it."""
    return f"{event['kind']} {event.get('name') or event.get('status')}"
