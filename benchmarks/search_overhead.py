"""What a trial of `kzoo.tune` costs beside the same trial of bare keras-tuner: tracking, journal, pictures and model included.

Pairs of searches, each in a process of its own, in alternating order: keras-tuner's own `GridSearch` over `kzoo.HyperModel`, with its
checkpoints, and `kzoo.tune` with the tuner `grid`, which try the same points in the same order. The first trial of each process warms up
and is not counted. (In one process keras-tuner would pay for kzoo: it collects garbage twice a trial, the slower the more is loaded.)

    python benchmarks/search_overhead.py [--pairs 5] [--trials 8] [--epochs 4]
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_tuner
from machine import write_result

import kzoo
from kzoo.search import Space, load_space
from kzoo.search.progress import SearchProgress
from kzoo.search.space import objective_of

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


@dataclass
class Times:
    """One search: its points, and seconds before its first trial, of each trial until the next one begins, and after the last one."""

    points: list[dict] = field(default_factory=list)
    before: float = 0.0
    trials: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    after: float = 0.0

    def warm(self) -> "Times":
        """Without the first trial."""
        return replace(self, trials=self.trials[1:], processor=self.processor[1:])


class Clock(SearchProgress):
    """Notes when a search begins, when each trial begins, and when the last one has ended."""

    def __init__(self):
        self.start, self.begun, self.over, self.points = time.perf_counter(), [], (0.0, 0.0), []

    def began(self, trial, values):
        self.begun.append((time.perf_counter(), time.process_time()))
        self.points.append(dict(values))

    def ended(self, outcome):
        self.over = (time.perf_counter(), time.process_time())

    def times(self) -> Times:
        now = time.perf_counter()
        wall, processor = zip(*[*self.begun, self.over], strict=True)
        return Times(self.points, wall[0] - self.start, _steps(wall), _steps(processor), now - wall[-1])


def _steps(marks) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(marks)]


class Bare(keras_tuner.GridSearch):
    """keras-tuner's grid search, timed; with TensorFlow its own callbacks need `tensorboard`, which they have no use for here."""

    def __init__(self, clock: Clock, **options):
        self.clock = clock
        super().__init__(**options)

    def _configure_tensorboard_dir(self, callbacks, trial, execution=0):
        """Nothing."""

    def on_trial_begin(self, trial):
        super().on_trial_begin(trial)
        self.clock.began(trial.trial_id, dict(trial.hyperparameters.values))

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        self.clock.ended(trial)


def bare(space: Space, folder: Path) -> Times:
    """A search by keras-tuner alone, with the data and the networks of the space."""
    clock = Clock()
    model = kzoo.HyperModel(space)
    name, direction = objective_of(space, model.dataset)
    objective = keras_tuner.Objective(f"val_{name}", direction)
    tuner = Bare(clock, hypermodel=model, objective=objective, max_trials=space.search.trials, directory=folder, project_name=space.name)
    tuner.search(verbose=0)
    assert "mlflow" not in sys.modules
    return clock.times()


def through_kzoo(space: Space, folder: Path) -> Times:
    """The same search by kzoo; all searches share one store, as in a project."""
    clock = Clock()
    kzoo.tune(space, store=kzoo.Store(root=folder), progress=clock)
    return clock.times()


SEARCHES = {"keras-tuner": bare, "kzoo": through_kzoo}


def run(name: str, number: int, folder: Path, options: argparse.Namespace) -> Times:
    """One search in a process of its own."""
    file = folder / "times.json"
    sizes = ["--trials", str(options.trials), "--epochs", str(options.epochs)]
    one = ["--one", name, str(number), str(folder)]
    done = subprocess.run([sys.executable, __file__, *sizes, *one], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}")
    return Times(**json.loads(file.read_text()))


def compare(number: int, folder: Path, options: argparse.Namespace) -> tuple[Times, Times]:
    """Both searches, bare and through kzoo; even pairs begin with kzoo."""
    order = sorted(SEARCHES, reverse=number % 2 == 0)
    times = {name: run(name, number, folder, options) for name in order}
    plain, ours = times["keras-tuner"], times["kzoo"]
    if plain.points != ours.points or len(ours.trials) != options.trials:
        sys.exit(f"expected {options.trials} trials of the same points. Received: {plain.points} and {ours.points}.")
    return plain, ours


def report(pairs: list[tuple[Times, Times]], first: Times) -> tuple[str, float]:
    """The tables, and the median cost of a trial in seconds."""
    differences = [sorted(k - b for b, k in zip(plain.trials, ours.trials, strict=True)) for plain, ours in pairs]
    costs = [_cost(plain, ours) for plain, ours in pairs]
    started = [ours.before - plain.before for plain, ours in pairs]
    cost, trials = statistics.median(costs), len(first.trials)
    everything = statistics.median(c + s / trials for c, s in zip(costs, started, strict=True))
    lines = [
        "| seconds | keras-tuner | kzoo | median difference | all differences |",
        "|---|---|---|---|---|",
        _row("a trial", pairs, lambda times: times.trials),
        _row("a trial, of the processor", pairs, lambda times: times.processor),
        _row("before the first trial (kzoo: X-ray, store)", pairs, lambda times: [times.before]),
        _row("after the last trial (kzoo: table, figures)", pairs, lambda times: [times.after]),
        "",
        f"**{cost:.2f} s per trial** (median of the pairs; {_range(costs)}): trials, and what comes after the last one shared out among "
        f"the {trials} of a search. Limit {LIMIT} s: {'met' if cost <= LIMIT else 'not met'}. With what comes before the first one as "
        f"well: {everything:.2f} s.",
        "",
        "| pair | difference of each trial, seconds, sorted |",
        "|---|---|",
        *(f"| {number + 1} | {', '.join(f'{d:.2f}' for d in each)} |" for number, each in enumerate(differences)),
        "",
        f"The first search of the store, left out above, took {first.before:.1f} s before its first trial, the making of the database "
        "included.",
    ]
    return "\n".join(lines), cost


def _cost(plain: Times, ours: Times) -> float:
    """What kzoo adds to a trial on average."""
    return statistics.fmean(ours.trials) - statistics.fmean(plain.trials) + (ours.after - plain.after) / len(ours.points)


def _row(name: str, pairs: list[tuple[Times, Times]], part: Callable[[Times], list[float]]) -> str:
    plain, ours = ([value for pair in pairs for value in part(pair[side])] for side in (0, 1))
    differences = [k - b for b, k in zip(plain, ours, strict=True)]
    medians = " | ".join(f"{statistics.median(values):.2f}" for values in (plain, ours, differences))
    return f"| {name} | {medians} | {_range(differences)} |"


def _range(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--trials", type=int, default=POINTS, choices=range(2, POINTS + 1), metavar=f"2..{POINTS}")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(*options.one, options)
        return
    pairs, load = [], os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        first = run("kzoo", -1, Path(folder), options)
        for number in range(options.pairs):
            plain, ours = compare(number, Path(folder), options)
            pairs.append((plain.warm(), ours.warm()))
            print(f"pair {number + 1}: {_cost(*pairs[-1]):.2f} s per trial", flush=True)
    found, cost = report(pairs, first)
    body = (
        f"{found}\n\n{options.pairs} pairs, a process for each search, alternating order; {options.trials} U-Nets of two stages on scenes "
        f"of 64 x 64, {options.epochs} epochs of 16 steps each, traced anew in every trial on both sides; the first trial of each process "
        "is left out. keras-tuner writes its checkpoints and JSON files; kzoo its state after each epoch, its journal, MLflow (SQLite), "
        "the pictures and the model. Both train the same networks with the same initial weights. Load of the machine before: "
        f"{load:.1f}; seconds of the processor tell what others have taken."
    )
    command = f"python benchmarks/search_overhead.py --pairs {options.pairs} --trials {options.trials} --epochs {options.epochs}"
    write_result("search_overhead", "Cost of a trial through kzoo", command, body)
    sys.exit(f"slower than the limit: {cost:.2f} s per trial" if cost > LIMIT else 0)


def run_one(name: str, number: str, folder: str, options: argparse.Namespace) -> None:
    """A search in this process; its times are written into the folder."""
    space = load_space(SPACE, {"settings.training.epochs": options.epochs, "search.trials": options.trials})
    times = SEARCHES[name](replace(space, name=f"search{number}"), Path(folder) / name)
    (Path(folder) / "times.json").write_text(json.dumps(asdict(times)))


if __name__ == "__main__":
    main()
