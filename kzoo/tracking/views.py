"""Saved views: which runs, columns and charts MLflow's pages of an experiment show, kept in a tag of the experiment.

MLflow 3.17 offers them in the list of saved views; an address opens one by its key. It takes none of this from the address itself but the
filter and the order, and those only where the address names no view.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

TAG = "mlflow.sharedViewState."
TRAINING = "workflowType=machine_learning"
"""In an address: the pages for model training. MLflow shows those for language models otherwise, whatever the experiment's kind."""

Mode = Literal["table", "charts"]

NAME_WIDTH, LETTER, MARGIN = 190, 7, 40
"""Pixels: of the column of the runs' names, of a letter in another column's heading, and of what stands around it."""

LINES_HEIGHT, GRID_HEIGHT, PICTURE_HEIGHT = 420, 155, 147
"""Pixels: of the parallel coordinates; of the image grid without its rows, and of one of those."""

OPEN, CLOSED = ("val", "train"), ("best", "cost", "hp", "predictions", "search", "speed")
"""Sections of charts that MLflow makes by itself, one chart per metric: those that it shows, and those that a click opens."""


@dataclass(frozen=True)
class View:
    """Some runs of an experiment as a table, as parallel coordinates and with their pictures side by side.

    Columns and axes are named as in MLflow's filters: `metric("search/score")`, `parameter("filters_0")`.

    Args:
        key: by which an address names it.
        name: in the list of saved views.
        query: which runs, an MLflow filter.
        order_by: the column that sorts them.
        ascending: whether the lowest comes first.
        columns: of the table, after the run's name.
        axes: of the parallel coordinates, parameters first; the last one colours the lines. All runs are drawn that have every axis.
        pictures: keys of the pictures that the ten first runs show.
        step: at which the pictures are shown first.
    """

    key: str
    name: str
    query: str
    order_by: str
    ascending: bool = False
    columns: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    step: int = 0

    def tag(self, at: int) -> tuple[str, str]:
        """Name and value of the experiment's tag; `at` in milliseconds since 1970."""
        value = {"name": self.name, "createdAt": at, "updatedAt": at, "state": json.dumps(self._state(), separators=(",", ":"))}
        return TAG + self.key, json.dumps(value)

    def _state(self) -> dict[str, Any]:
        order = ["attributes.`Run Name`", *self.columns, "duration", "runDateAndNestInfo"]
        return {
            "searchFilter": self.query,
            "orderByKey": self.order_by,
            "orderByAsc": self.ascending,
            "selectedColumns": list(self.columns),
            "columnOrder": order,
            "columnWidths": {order[0]: NAME_WIDTH, **{column: _width(column) for column in self.columns}},
            "compareRunSections": self._sections(),
            "compareRunCharts": [_chart("PARALLEL", **self._lines()), _chart("IMAGE", **self._grid())],
            "isAccordionReordered": True,
            "runsHiddenMode": "FIRST_10_RUNS",
        }

    def _sections(self) -> list[dict[str, Any]]:
        own = [
            {**_section("PARALLEL", "Hyperparameters and score"), "columns": 1, "cardHeight": LINES_HEIGHT},
            {
                **_section("IMAGE", "Predictions of the ten best (the best on the right)"),
                "columns": 1,
                "cardHeight": GRID_HEIGHT + PICTURE_HEIGHT * len(self.pictures),
            },
        ]
        return own + [_section(name, name, shown=name in OPEN) for name in OPEN + CLOSED]

    def _lines(self) -> dict[str, Any]:
        named: dict[str, list[str]] = {"params": [], "metrics": []}
        for kind, name in map(_parts, self.axes):
            named[kind].append(name)
        return {"selectedParams": named["params"], "selectedMetrics": named["metrics"], "showAllRuns": True}

    def _grid(self) -> dict[str, Any]:
        return {"imageKeys": list(self.pictures), "step": self.step, "showRunParams": False}


def metric(name: str) -> str:
    """A metric as a column.

    >>> metric("search/score")
    'metrics.`search/score`'
    """
    return f"metrics.`{name}`"


def parameter(name: str) -> str:
    """A parameter as a column.

    >>> parameter("filters_0")
    'params.`filters_0`'
    """
    return f"params.`{name}`"


def runs_page(experiment_id: str, view: str | None = None, mode: Mode = "table") -> str:
    """The address, within MLflow's pages, of an experiment's runs, as a view shows them where one is named.

    >>> runs_page("1", "mine", "charts")
    '#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=mine&compareRunsMode=CHART'
    """
    chosen = {"viewStateShareKey": view} if view else {}
    shown = {"compareRunsMode": "CHART"} if mode == "charts" else {}
    return "&".join([f"#/experiments/{experiment_id}/runs?{TRAINING}", *filter(None, [urlencode({**chosen, **shown})])])


def run_page(experiment_id: str, run_id: str) -> str:
    """The address of a run within MLflow's pages.

    >>> run_page("1", "ab12")
    '#/experiments/1/runs/ab12?workflowType=machine_learning'
    """
    return f"#/experiments/{experiment_id}/runs/{run_id}?{TRAINING}"


def _parts(column: str) -> tuple[str, str]:
    kind, name = column.split(".", 1)
    return kind, name.strip("`")


def _width(column: str) -> int:
    return LETTER * len(_parts(column)[1]) + MARGIN


def _section(uuid: str, name: str, shown: bool = True) -> dict[str, Any]:
    return {"uuid": uuid, "name": name, "display": shown, "isReordered": True, "deleted": False, "isGenerated": uuid == name}


def _chart(kind: str, **settings: Any) -> dict[str, Any]:
    return {"type": kind, "uuid": f"{kind}-chart", "metricSectionId": kind, "deleted": False, "isGenerated": False, **settings}
