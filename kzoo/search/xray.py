"""The X-ray of a space before the sweep: its size, what is infeasible and why, what networks cost, how long it takes, which tuner suits."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data import Dataset
from ..errors import InputError
from ..training.prepare import load_data
from ..training.recipe import Recipe
from .feasibility import Judge, Verdict
from .points import Point, weight
from .space import Space, objective_of
from .suits import Advice, brackets, check_tuner, hyperband_epochs
from .timing import Timing, measure

QUANTITIES = ("parameters", "macs", "memory")
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Reason:
    """Why points are infeasible: how many of those that were judged, and one of them in words."""

    kind: str
    count: int
    example: str


@dataclass(frozen=True)
class Duration:
    """How long a search takes if no trial is ended early, in seconds.

    Attributes:
        total: of the whole search.
        trial: of the shortest, the mean and the longest trial, all epochs and executions included.
        networks: how many networks were timed for it on this machine.
    """

    total: float
    trial: tuple[float, float, float]
    networks: int


@dataclass(frozen=True)
class XRay:
    """What `xray` found.

    Attributes:
        space: that was looked at.
        objective: the metric that trials are compared by.
        points: how many there are; None where they are not finite.
        judged: how many were judged: all points, or draws at random.
        exact: whether all points were judged.
        infeasible: the share of the judged ones that cannot be built or break a constraint.
        interval: the 95 % confidence interval of that share (Wilson); equal ends where all points were judged.
        feasible_count: how many points are feasible, counted or estimated; None where they are not finite.
        reasons: why points are infeasible, the most frequent first.
        spread: minimum, quartiles and maximum of `parameters`, `macs` and `memory` over the feasible ones.
        duration: None without timing.
        advice: the tuner that suits; None where the space cannot be searched as it is.
        refusal: why it cannot be.
    """

    space: Space
    objective: str
    points: int | None
    judged: int
    exact: bool
    infeasible: float
    interval: tuple[float, float]
    feasible_count: int | None
    reasons: tuple[Reason, ...]
    spread: Mapping[str, tuple[float, ...]]
    duration: Duration | None
    advice: Advice | None
    refusal: str | None

    def table(self) -> Any:
        """A `rich.table.Table` of the dimensions."""
        from .xray_text import dimension_table

        return dimension_table(self)

    def summary(self) -> str:
        """What was found as text of at most 80 columns."""
        from .xray_text import summary

        return summary(self)


def xray(
    space: Space,
    dataset: Dataset | None = None,
    samples: int = 200,
    walked: int = 200,
    seed: int = 0,
    timing: bool = True,
    judge: Judge | None = None,
) -> XRay:
    """Looks through a space before anything is trained.

    A space of at most `walked` points is walked, and what is said of it is exact; of a larger one, points are drawn at random.

    Args:
        space: from `load_space`.
        dataset: of its recipe; read unless given.
        samples: int, how many points are drawn.
        walked: int, points up to which all are judged.
        seed: int, of the points that are drawn.
        timing: bool, whether a few networks are trained for some steps, to predict how long the search takes.
        judge: of the space; what it has judged it need not judge again. A new one unless given.

    Returns:
        An `XRay`.

    Raises:
        InputError: the data cannot be read, or the objective is not measured on them.

    >>> from kzoo.search import load_space
    >>> space = load_space("unet_grid", {"data.scenes": 4, "data.validation_scenes": 2})
    >>> found = xray(space, timing=False)
    >>> found.points, found.exact, found.feasible_count, found.reasons[0].kind
    (30, True, 25, 'model.upsampling')
    """
    dataset = load_data(space.recipe) if dataset is None else dataset
    objective, _ = objective_of(space, dataset)
    count = space.cardinality()
    exact = count is not None and count <= walked
    judge = judge or Judge(space, dataset)
    points = list(space.points()) if exact else _drawn(space, samples, seed)
    verdicts = [judge.judge(point) for point in points]
    feasible = [(point, verdict) for point, verdict in zip(points, verdicts, strict=True) if verdict.feasible]
    estimate = _feasible_count(space, points, verdicts, exact) if count is not None else None
    advice, refusal = _advice(space, len(feasible), len(points), exact)
    timed = _timed(space, feasible, dataset) if timing and feasible and advice else None
    return XRay(
        space=space,
        objective=objective,
        points=count,
        judged=len(points),
        exact=exact,
        infeasible=(len(points) - len(feasible)) / len(points),
        interval=_interval(len(points) - len(feasible), len(points), exact),
        feasible_count=estimate,
        reasons=_reasons(verdicts),
        spread=_spread([verdict for _, verdict in feasible]),
        duration=_duration(space, feasible, timed, advice, estimate) if timed and advice else None,
        advice=advice,
        refusal=refusal,
    )


def _drawn(space: Space, samples: int, seed: int) -> list[Point]:
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(samples)]


def _feasible_count(space: Space, points: Sequence[Point], verdicts: Sequence[Verdict], exact: bool) -> int:
    """Counted, or the mean of what every feasible draw stands for."""
    stand = [(1 if exact else weight(space.dimensions, point)) * verdict.feasible for point, verdict in zip(points, verdicts, strict=True)]
    return sum(stand) if exact else round(sum(stand) / len(stand))


def _advice(space: Space, feasible: int, judged: int, exact: bool) -> tuple[Advice | None, str | None]:
    try:
        advice = check_tuner(space, feasible if exact else None)
    except InputError as error:
        return None, str(error)
    if feasible:
        return advice, None
    caution = f"None of {judged} points drawn at random is feasible: the search may find none."
    return replace(advice, message=" ".join(filter(None, [advice.message, caution]))), None


def _interval(infeasible: int, judged: int, exact: bool) -> tuple[float, float]:
    from scipy.stats import binomtest

    if exact:
        return infeasible / judged, infeasible / judged
    found = binomtest(infeasible, judged).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def _reasons(verdicts: Iterable[Verdict]) -> tuple[Reason, ...]:
    refused = [verdict for verdict in verdicts if not verdict.feasible]
    examples = {verdict.kind: verdict.reason for verdict in reversed(refused)}
    counts = Counter(verdict.kind for verdict in refused).most_common()
    return tuple(Reason(str(kind), count, str(examples[kind])) for kind, count in counts)


def _spread(verdicts: Sequence[Verdict]) -> dict[str, tuple[float, ...]]:
    found = {}
    for quantity in QUANTITIES:
        values = [value for verdict in verdicts if (value := verdict.costs[quantity]) is not None]
        if values:
            found[quantity] = tuple(float(value) for value in np.percentile(values, (0, 25, 50, 75, 100)))
    return found


def _timed(space: Space, feasible: Sequence[tuple[Point, Verdict]], dataset: Dataset) -> tuple[Timing, list[Recipe]] | None:
    recipes = [space.recipe_of(point) for point, _ in feasible]
    timing = measure(list(zip(recipes, (verdict for _, verdict in feasible), strict=True)), dataset)
    return None if timing is None else (timing, recipes)


def _duration(
    space: Space, feasible: Sequence[tuple[Point, Verdict]], timed: tuple[Timing, list[Recipe]], advice: Advice, count: int | None
) -> Duration:
    """All trials at the mean of the points that were judged."""
    timing, recipes = timed
    executions = space.search.executions
    pairs = list(zip(recipes, (verdict for _, verdict in feasible), strict=True))
    each = [executions * timing.seconds(verdict, recipe.training.batch_size, recipe.training.epochs) for recipe, verdict in pairs]
    if advice.tuner == "hyperband":
        epochs, trials = hyperband_epochs(space), _hyperband_trials(space)
        total = executions * float(np.mean([timing.seconds(v, r.training.batch_size, epochs, trials) for r, v in pairs]))
    else:
        trials = min(advice.trials or count or 0, count or advice.trials or 0)
        total = trials * float(np.mean(each))
    return Duration(total, (min(each), float(np.mean(each)), max(each)), len(timing.probes))


def _hyperband_trials(space: Space) -> int:
    return sum(trials for rounds in brackets(space) for trials, _ in rounds) * space.search.hyperband.iterations
