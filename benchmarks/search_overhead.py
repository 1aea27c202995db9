"""What a trial of `kzoo.tune` costs beside the same trial of bare keras-tuner: tracking, journal, pictures and model included.

Pairs in one process, in alternating order: keras-tuner's own `GridSearch` over `kzoo.HyperModel`, with its checkpoints, and `kzoo.tune` with
the tuner `grid`, which try the same points in the same order. A first pair warms up and is not counted.

    python benchmarks/search_overhead.py [--pairs 5] [--trials 8] [--epochs 4]
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_tuner
from machine import write_result

import kzoo
from kzoo.search import Space, load_space
from kzoo.search.progress import SearchProgress
from kzoo.search.space import objective_of
from kzoo.search.tuner import own_values

LIMIT = 0.5
"""Seconds per trial."""

POINTS = 8
"""Of the space below: two widths for each of three stages."""

SPACE = {
    "recipe": "digit_scenes",
    "settings": {"model.depth": 2, "data.scenes": 128, "data.validation_scenes": 64},
    "domains": {"model.filters": {"per_stage": [8, 16], "stages": 3}},
    "search": {"tuner": "grid", "stop_hopeless": False},
}


@dataclass(frozen=True)
class Times:
    """Seconds of one search: before its first trial, of each trial until the next one begins, and after its last one."""

    before: float
    trials: tuple[float, ...]
    after: float


class Clock(SearchProgress):
    """Notes when a search begins, when each trial begins, and when the last one has ended."""

    def __init__(self):
        self.start, self.begun, self.over = time.perf_counter(), [], 0.0
        self.values = []

    def began(self, trial, values):  # noqa: ARG002
        self.begun.append(time.perf_counter())
        self.values.append(dict(values))

    def ended(self, outcome):  # noqa: ARG002
        self.over = time.perf_counter()

    def times(self) -> Times:
        now = time.perf_counter()
        steps = (later - earlier for earlier, later in itertools.pairwise([*self.begun, self.over]))
        return Times(self.begun[0] - self.start, tuple(steps), now - self.over)


class Bare(keras_tuner.GridSearch):
    """keras-tuner's grid search, timed; with TensorFlow its own callbacks need `tensorboard`, which they have no use for here."""

    def __init__(self, clock: Clock, **options):
        self.clock = clock
        super().__init__(**options)

    def _configure_tensorboard_dir(self, callbacks, trial, execution=0):
        """Nothing."""

    def on_trial_begin(self, trial):
        super().on_trial_begin(trial)
        self.clock.began(trial.trial_id, own_values(trial))

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        self.clock.ended(trial)


def bare(space: Space, folder: Path) -> Clock:
    """A search by keras-tuner alone, with the data and the networks of the space."""
    clock = Clock()
    model = kzoo.HyperModel(space)
    name, direction = objective_of(space, model.dataset)
    objective = keras_tuner.Objective(f"val_{name}", direction)
    tuner = Bare(clock, hypermodel=model, objective=objective, max_trials=space.search.trials, directory=folder, project_name=space.name)
    tuner.search(verbose=0)
    return clock


def through_kzoo(space: Space, folder: Path) -> Clock:
    """The same search by kzoo; all searches share one store, as in a project."""
    clock = Clock()
    kzoo.tune(space, store=kzoo.Store(root=folder), progress=clock)
    return clock


def compare(space: Space, folder: Path, number: int) -> tuple[Times, Times]:
    """Both searches, bare and through kzoo; even pairs begin with kzoo."""
    order = (bare, through_kzoo) if number % 2 else (through_kzoo, bare)
    clocks, times = {}, {}
    for search in order:
        clocks[search] = search(replace(space, name=f"pair-{number}"), folder / search.__name__)
        times[search] = clocks[search].times()
    if clocks[bare].values != clocks[through_kzoo].values:
        sys.exit(f"expected the same trials. Received: {clocks[bare].values} and {clocks[through_kzoo].values}.")
    return times[bare], times[through_kzoo]


def report(pairs: list[tuple[Times, Times]], first: Times) -> tuple[str, float]:
    """The tables, and the median cost of a trial in seconds."""
    differences = [sorted(k - b for b, k in zip(plain.trials, ours.trials, strict=True)) for plain, ours in pairs]
    costs = [_cost(plain, ours) for plain, ours in pairs]
    started = [ours.before - plain.before for plain, ours in pairs]
    cost, trials = statistics.median(costs), len(first.trials)
    lines = [
        "| seconds | keras-tuner | kzoo | median difference | all differences |",
        "|---|---|---|---|---|",
        _row("before the first trial (kzoo: X-ray, database)", [p.before for p, _ in pairs], [k.before for _, k in pairs], started),
        _row(
            "a trial",
            [t for p, _ in pairs for t in p.trials],
            [t for _, k in pairs for t in k.trials],
            [d for each in differences for d in each],
        ),
        _row(
            "after the last trial (kzoo: table, figures)",
            [p.after for p, _ in pairs],
            [k.after for _, k in pairs],
            [k.after - p.after for p, k in pairs],
        ),
        "",
        f"**{cost:.2f} s per trial** (median of the pairs; {_range(costs)}), what comes after the last trial shared out among the {trials} "
        f"of a search. Limit {LIMIT} s: {'met' if cost <= LIMIT else 'not met'}. With what comes before the first one as well: "
        f"{statistics.median(c + s / trials for c, s in zip(costs, started, strict=True)):.2f} s.",
        "",
        "| pair | difference of each trial, seconds, sorted |",
        "|---|---|",
        *(f"| {number + 1} | {', '.join(f'{d:.2f}' for d in each)} |" for number, each in enumerate(differences)),
        "",
        f"The first search of a store, which warmed up, took {first.before:.1f} s before its first trial: imports and the making of the "
        "database included.",
    ]
    return "\n".join(lines), cost


def _cost(plain: Times, ours: Times) -> float:
    """What kzoo adds to a trial on average."""
    return (sum(ours.trials) + ours.after - sum(plain.trials) - plain.after) / len(plain.trials)


def _row(name: str, plain: list[float], ours: list[float], differences: list[float]) -> str:
    medians = " | ".join(f"{statistics.median(values):.2f}" for values in (plain, ours, differences))
    return f"| {name} | {medians} | {_range(differences)} |"


def _range(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--trials", type=int, default=POINTS, choices=range(1, POINTS + 1), metavar=f"1..{POINTS}")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    space = load_space(SPACE, {"settings.training.epochs": options.epochs, "search.trials": options.trials})
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.pairs + 1):
            pairs.append(compare(space, Path(folder), number))
            print(f"pair {number or 'to warm up'}: {_cost(*pairs[-1]):.2f} s per trial", flush=True)
    found, cost = report(pairs[1:], pairs[0][1])
    body = (
        f"{found}\n\n{options.pairs} pairs in one process, alternating order; {options.trials} U-Nets of two stages on scenes of 64 x 64, "
        f"{options.epochs} epochs of 16 steps each, traced anew in every trial on both sides. keras-tuner writes its checkpoints and JSON "
        "files; kzoo its state after each epoch, its journal, MLflow (SQLite), the pictures and the model. Both train the same networks "
        "with the same initial weights."
    )
    command = f"python benchmarks/search_overhead.py --pairs {options.pairs} --trials {options.trials} --epochs {options.epochs}"
    write_result("search_overhead", "Cost of a trial through kzoo", command, body)
    sys.exit(f"slower than the limit: {cost:.2f} s per trial" if cost > LIMIT else 0)


if __name__ == "__main__":
    main()
