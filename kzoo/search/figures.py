"""The figures of a search: the best score so far, what mattered, and the score against what it costs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .importance import Importances
from .outcome import Direction, Outcome, has_score, points_once, sign_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, RED, GREY = "#1f6fb4", "#d9731a", "#c0392b", "#777777"


def best_so_far(outcomes: Sequence[Outcome], objective: str, direction: Direction) -> "Figure":
    """Every trial's score in the order in which the trials began, and the best one until then as a line; failed trials at the foot."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axis = figure.subplots()
    trials = list(enumerate(sorted(outcomes, key=lambda o: o.trial), 1))
    scored = [(place, o) for place, o in trials if has_score(o)]
    if scored:
        _draw_scores(axis, scored)
        _draw_best(axis, scored, direction, len(trials))
    failed = [place for place, o in trials if o.status == "failed"]
    if failed:
        foot = axis.get_xaxis_transform()
        axis.plot(failed, [0.02] * len(failed), "x", color=RED, transform=foot, label=f"failed ({len(failed)})", clip_on=False)
    axis.set(xlabel="trial", ylabel=objective, xlim=(0.5, max(len(trials), 1) + 0.5))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(figure, axis, "no trial has a score yet" if not scored else None)
    return figure


def importance_figure(importances: Importances) -> "Figure":
    """The share of each hyperparameter with its 95 % interval, the clear ones in colour; or why nothing can be concluded."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    found = importances.found[::-1]
    figure = Figure(figsize=(7.2, 1.5 + 0.34 * max(len(found), 3)), layout="constrained")
    axis = figure.subplots()
    if importances.doubt is not None:
        axis.axis("off")
        words = f"Nothing can be concluded, since\n{_broken(importances.doubt)}."
        axis.text(0.5, 0.5, words, ha="center", va="center", transform=axis.transAxes)
        return figure
    shares = np.array([i.share for i in found])
    whiskers = [shares - [i.low for i in found], [i.high for i in found] - shares]
    axis.barh(range(len(found)), shares, height=0.62, color=[BLUE if i.matters else "#c9c9c9" for i in found])
    axis.errorbar(shares, range(len(found)), xerr=whiskers, fmt="none", ecolor="black", elinewidth=1, capsize=3)
    axis.set_yticks(range(len(found)), [_shortened(i.name) for i in found])
    axis.set(xlim=(0, 1.02), ylim=(-0.6, len(found) - 0.4), xlabel="share of what the hyperparameters explain, with 95 % intervals")
    axis.xaxis.set_major_formatter(PercentFormatter(1))
    axis.set_title(f"{importances.trials} trials, R² {importances.explained:.2f}; grey: not told apart from nothing", fontsize=10)
    axis.grid(alpha=0.25, axis="x")
    return figure


def pareto_figure(outcomes: Sequence[Outcome], objective: str, direction: Direction) -> "Figure":
    """The score against MACs and against the seconds of training; the Pareto front is drawn, its trials named.

    Of trials that continue one another the last is drawn, with the seconds of all of them.
    Pruned trials are drawn but belong to no front, since their seconds are not those of a whole training.
    """
    from matplotlib.figure import Figure

    outcomes = points_once(outcomes)
    figure = Figure(figsize=(10.4, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    fronts = [
        _pareto(left, outcomes, lambda o: o.macs, direction, "MACs"),
        _pareto(right, outcomes, lambda o: o.seconds or None, direction, "seconds of training"),
    ]
    left.set_ylabel(objective)
    handles, labels = left.get_legend_handles_labels() if left.has_data() else right.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles), frameon=False)
    for axis, front in zip((left, right), fronts, strict=True):
        _name(figure, axis, front, direction)
    return figure


def pareto_front(costs: Sequence[float], scores: Sequence[float], direction: Direction) -> list[int]:
    """The places of those that nothing else equals or beats in cost and score at once, the cheapest first; of equals the first.

    >>> pareto_front([1, 2, 3, 2], [0.5, 0.9, 0.8, 0.9], "max")
    [0, 1]
    """
    sign = sign_of(direction)
    front: list[int] = []
    for place in sorted(range(len(costs)), key=lambda i: (costs[i], sign * scores[i], i)):
        if not front or sign * scores[place] < sign * scores[front[-1]]:
            front.append(place)
    return front


def _draw_scores(axis: "Axes", scored: Sequence[tuple[int, Outcome]]) -> None:
    for place, outcome in scored:
        if outcome.spread is not None:
            axis.errorbar(place, outcome.score or 0.0, outcome.spread, fmt="none", ecolor=GREY, elinewidth=1, zorder=1)
    for status, face in (("completed", BLUE), ("pruned", "white")):
        points = [(place, o.score) for place, o in scored if o.status == status]
        if points:
            label = f"{status} ({len(points)})"
            axis.plot(*zip(*points, strict=True), "o", markersize=5, color=BLUE, markerfacecolor=face, label=label)


def _draw_best(axis: "Axes", scored: Sequence[tuple[int, Outcome]], direction: Direction, last: int) -> None:
    """The best score so far as steps, from the first trial that has one to the last trial; the best trial is named."""
    places, scores = [place for place, _ in scored], [o.score or 0.0 for _, o in scored]
    best = (np.maximum if direction == "max" else np.minimum).accumulate(scores)
    axis.step([*places, last], [*best, best[-1]], where="post", color=ORANGE, label="best so far", zorder=0)
    winner = int(np.flatnonzero(np.array(scores) == best[-1])[0])
    axis.plot(places[winner], scores[winner], "o", markersize=11, markerfacecolor="none", color=ORANGE)
    above = direction == "max"
    at, right = (places[winner], scores[winner]), places[winner] < 0.7 * last
    words = f"trial {scored[winner][1].trial}"
    offset = (0, 10 if above else -10)
    align: dict[str, Any] = {"ha": "left" if right else "right", "va": "bottom" if above else "top"}
    axis.annotate(words, at, offset, textcoords="offset points", color=ORANGE, **align)
    axis.margins(y=0.16)


def _pareto(axis: "Axes", outcomes: Sequence[Outcome], cost: Callable, direction: Direction, label: str) -> list[tuple]:
    """One panel; returns trial, cost and score of the Pareto front."""
    known = [o for o in outcomes if has_score(o) and cost(o) is not None]
    full = [o for o in known if o.status == "completed"]
    for status, face in (("completed", BLUE), ("pruned", "white")):
        points = [(cost(o), o.score) for o in known if o.status == status]
        if points:
            axis.plot(*zip(*points, strict=True), "o", markersize=4.5, color=BLUE, markerfacecolor=face, alpha=0.75, label=status)
    front = [full[place] for place in pareto_front([cost(o) for o in full], [o.score or 0.0 for o in full], direction)]
    if front:
        line = [(cost(o), o.score) for o in front]
        steps: dict[str, Any] = {"drawstyle": "steps-post", "color": ORANGE, "marker": "o", "markersize": 6}
        axis.plot(*zip(*line, strict=True), label="Pareto front", **steps)
    costs = [cost(o) for o in known]
    _scale(axis, logarithmic=bool(costs) and max(costs) >= 10 * min(costs))
    axis.set_xlabel(label)
    axis.margins(x=0.08, y=0.12)
    axis.grid(alpha=0.25)
    if not known:
        axis.set(xticks=[], yticks=[])
        axis.text(0.5, 0.5, f"no trial has a score and {label}", ha="center", va="center", transform=axis.transAxes, color=GREY)
    return [(o.trial, cost(o), o.score) for o in front]


def _scale(axis: "Axes", logarithmic: bool) -> None:
    """Ticks as 20 M and 5 G, at 1, 2 and 5 of a decade where the axis is logarithmic and spans few."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    if logarithmic:
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
        axis.xaxis.set_minor_formatter(NullFormatter())
    axis.xaxis.set_major_formatter(EngFormatter())


def _name(figure: "Figure", axis: "Axes", points: Sequence[tuple], direction: Direction) -> None:
    """Names points of a front, on the side where no point of it lies; one that would cover the one before is left out."""
    figure.draw_without_rendering()
    above = direction == "max"
    taken: list[np.ndarray] = []
    for trial, cost, score in sorted(points, key=lambda p: p[2], reverse=above):
        at = axis.transData.transform((cost, score))
        if any(abs(at[0] - other[0]) < 34 and abs(at[1] - other[1]) < 15 for other in taken):
            continue
        taken.append(at)
        align: dict[str, Any] = {"ha": "right", "va": "bottom" if above else "top", "fontsize": 8, "color": ORANGE}
        axis.annotate(trial, (cost, score), (-3, 4 if above else -4), textcoords="offset points", **align)


def _finish(figure: "Figure", axis: "Axes", nothing: str | None) -> None:
    axis.grid(alpha=0.25)
    if nothing is not None:
        axis.set_yticks([])
        axis.text(0.5, 0.5, nothing, ha="center", va="center", transform=axis.transAxes, color=GREY)
    handles, labels = axis.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles), frameon=False)


def _broken(text: str, width: int = 60) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def _shortened(name: str, most: int = 32) -> str:
    return name if len(name) <= most else "…" + name[1 - most :]
