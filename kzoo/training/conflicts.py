"""What the settings of a training cannot say together, found before any data are read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from ..errors import ArgumentError, did_you_mean
from ..objects import default, is_word, parse
from .optimization import rate_conflicts
from .settings import Metric

Direction = Literal["max", "min"]
"""Whether a high score is good, or a low one."""


def conflicts(values: Mapping[str, Any]) -> list[ArgumentError]:
    """All that contradicts itself in checked settings, by argument."""
    return [*rate_conflicts(values), *_monitor_conflicts(values)]


def metric_name(metric: str | Mapping[str, Any]) -> str:
    """What a metric is called: its word; the `name` that a named one is given or has by default; else its class in snake case.

    >>> metric_name("mean_iou"), metric_name({"keras.metrics.MeanIoU": {"num_classes": 2, "name": "iou"}})
    ('mean_iou', 'iou')
    >>> metric_name("keras.metrics.SparseCategoricalAccuracy")
    'sparse_categorical_accuracy'
    """
    if is_word(metric):
        return str(metric)
    own = default(metric, "name")
    name = parse(metric)[0].rpartition(".")[2]
    return own if isinstance(own, str) else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def direction_of(values: Mapping[str, Any], name: str) -> Direction:
    """Whether a high or a low value of a metric is best.

    Raises:
        ArgumentError: the settings of the training do not say it of a named metric.
    """
    if name not in _named(values):
        return "min" if name == "loss" else "max"
    if values.get("direction") is None or name != _monitored(values):
        raise _unsaid(name)
    return values["direction"]


def _unsaid(name: str) -> ArgumentError:
    return ArgumentError("direction", f"missing; expected max or min, whether a high or a low {name} is best, with monitor: {name}.")


def _named(values: Mapping[str, Any]) -> list[str]:
    """What the named metrics are called."""
    return [metric_name(metric) for metric in values.get("metrics") or () if not is_word(metric)]


def _monitored(values: Mapping[str, Any]) -> str | None:
    """The metric that chooses the best epoch, where it does not depend on the data."""
    metrics: Sequence = values.get("metrics") or ()
    return values.get("monitor") or next(map(metric_name, metrics), None)


def _monitor_conflicts(values: Mapping[str, Any]) -> list[ArgumentError]:
    named, name, direction = _named(values), _monitored(values), values.get("direction")
    known = list(dict.fromkeys((*get_args(Metric), "loss", *named)))
    if name is not None and name not in known:
        return [ArgumentError("monitor", f"expected one of {', '.join(known)}. Received: {name}.{did_you_mean(name, known)}")]
    if name in named:
        return [] if direction else [_unsaid(name)]
    right = "min" if name == "loss" else "max"
    if direction in (None, right):
        return []
    return [ArgumentError("direction", f"expected {right} or null for {name or 'the metrics of kzoo'}. Received: {direction}.")]
