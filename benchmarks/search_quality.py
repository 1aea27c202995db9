"""What the tuners find in the shipped U-Net space for the same number of epochs: the winner's score beside that of random search.

    python benchmarks/search_quality.py [--seeds 0 1 2] [--trials 40] [--epochs 4] [--tuners random stopping bayesian hyperband]

- random: random search, every trial trained to its end.
- stopping: random search that ends hopeless trials early and spends their epochs on further trials.
- bayesian: keras-tuner's Gaussian process, every trial trained to its end; its first 24 points are drawn at random.
- hyperband: as often through its brackets as the epochs allow.

Every winner is trained again with seeds that no search has seen, since the best of many noisy scores flatters. Each search has a
process and a folder of its own, finished ones stand in `benchmarks/results/search_quality.json`: started again, the script goes on where
it was. The table names what is missing; without a tuner (`--tuners`) only the table is written.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import RESULTS, describe_machine

import kzoo
from kzoo.search import Space, load_space
from kzoo.search.suits import hyperband_epochs

RUNS = RESULTS / "search_quality.json"
SPACE = "unet_filters"
PLAIN = "random"

TUNERS = {
    PLAIN: {"search.tuner": "random", "search.stop_hopeless": False},
    "stopping": {"search.tuner": "random", "search.stop_hopeless": True},
    "bayesian": {"search.tuner": "bayesian", "search.stop_hopeless": False},
    "hyperband": {"search.tuner": "hyperband"},
}

FRESH_SEED = 1000
"""The first seed with which winners are trained again."""


def space_of(tuner: str, seed: int, trials: int, epochs: int) -> Space:
    """The shipped space with a tuner that spends the epochs of so many trials; the seed is that of its points and of its weights."""
    seeds = {"search.seed": seed, "settings.training.seed": seed, "settings.training.epochs": epochs}
    space = load_space(load_space(SPACE, seeds), TUNERS[tuner])
    if tuner == "hyperband":
        iterations = trials * epochs // hyperband_epochs(space)
        if iterations < 1:
            sys.exit(f"--trials: expected {-(-hyperband_epochs(space) // epochs)} or more for hyperband's brackets. Received: {trials}.")
        space = load_space(space, {"search.hyperband.iterations": iterations})
    else:
        space = load_space(space, {"search.trials": trials})
    return replace(space, name=f"{tuner}-seed{seed}-{trials}x{epochs}-{space.digest()[:6]}")


def search(tuner: str, seed: int, options: argparse.Namespace) -> dict:
    """Searches, or finishes a search that was interrupted; what stopping saves is spent on further trials."""
    space, store = space_of(tuner, seed, options.trials, options.epochs), kzoo.Store(root=options.folder)
    begun = (options.folder / "searches" / space.name / "search.json").exists()
    found = kzoo.tune(space, store=store, resume=begun, progress=None)
    while space.search.stop_hopeless and space.search.tuner == "random":
        more = (options.trials * options.epochs - spent(found.outcomes, "epochs")) // options.epochs
        if more < 1:
            break
        space = load_space(space, {"search.trials": len(found.outcomes) + more})
        found = kzoo.tune(space, store=store, resume=True, progress=None)
    best = found.best
    return {
        "space": space.digest(),
        "used": json.loads((found.folder / "search.json").read_text())["tuner"],
        "objective": found.objective,
        "score": best.score,
        "values": dict(best.values),
        "recipe": (found.folder / "trials" / best.trial / "recipe.yaml").read_text(),
        "trials": len(found.outcomes),
        "pruned": sum(outcome.status == "pruned" for outcome in found.outcomes),
        "epochs": spent(found.outcomes, "epochs"),
        "seconds": round(spent(found.outcomes, "seconds")),
        "machine": describe_machine(),
        "again": [],
    }


def spent(outcomes: Iterable, what: str) -> float:
    """The sum over trials; what Hyperband's promoted trials have taken over from others counts once."""
    known = {outcome.trial: getattr(outcome, what) for outcome in outcomes}
    return sum(known[outcome.trial] - known.get(outcome.promoted_from, 0) for outcome in outcomes)


def run_one(tuner: str, seed: int, options: argparse.Namespace) -> None:
    """One search in this process, and the trainings of its winner with fresh seeds."""
    entry = known(tuner, seed, options) or search(tuner, seed, options)
    keep(tuner, seed, options, entry)
    for fresh in range(len(entry["again"]), options.retrain):
        entry["again"].append(train_again(entry, FRESH_SEED + fresh, options.folder))
        keep(tuner, seed, options, entry)


def train_again(entry: dict, seed: int, folder: Path) -> float:
    """The objective of a winner at its best epoch, with another seed."""
    with tempfile.TemporaryDirectory() as place:
        recipe = Path(place) / "winner.yaml"
        recipe.write_text(entry["recipe"])
        trained = kzoo.train(recipe, overrides={"training.seed": seed}, store=kzoo.Store(root=folder), progress=None)
    return trained.metrics[entry["objective"].replace("val/", "best/")]


def read() -> dict:
    return json.loads(RUNS.read_text()) if RUNS.is_file() else {}


def known(tuner: str, seed: int, options: argparse.Namespace) -> dict | None:
    """The finished search of this space, if it stands in the file; None as well if the space or kzoo has changed since."""
    entry = read().get(budget_of(options), {}).get(tuner, {}).get(str(seed))
    current = entry and entry["space"] == space_of(tuner, seed, options.trials, options.epochs).digest()
    return entry if current else None


def keep(tuner: str, seed: int, options: argparse.Namespace, entry: dict) -> None:
    runs = read()
    runs.setdefault(budget_of(options), {}).setdefault(tuner, {})[str(seed)] = entry
    unfinished = RUNS.with_suffix(".part")
    unfinished.write_text(json.dumps(runs, indent=1, sort_keys=True) + "\n")
    unfinished.replace(RUNS)


def budget_of(options: argparse.Namespace) -> str:
    return f"{options.trials} trials of {options.epochs} epochs"


def write(options: argparse.Namespace) -> str:
    """Writes the table of what is there, and the verdict."""
    found = {tuner: {seed: entry for seed in options.seeds if (entry := known(tuner, seed, options))} for tuner in TUNERS}
    missing = [f"{tuner} with seed {seed}" for tuner, runs in found.items() for seed in options.seeds if seed not in runs]
    seeds = [f"seed {seed}" for seed in options.seeds]
    head = ["tuner", *seeds, "mean", "sd", "winners trained again", "trials", "ended early", "epochs", "seconds"]
    lines = [
        "# What the tuners find",
        "",
        f"`python benchmarks/search_quality.py --seeds {' '.join(map(str, options.seeds))} --trials {options.trials} "
        f"--epochs {options.epochs} --retrain {options.retrain}`",
        "",
        f"The winner's validation score in the space `{SPACE}` after as many epochs as {budget_of(options)} have. *Winners trained again*: "
        f"mean and standard deviation over searches of the winner's mean score with up to {options.retrain} seeds from {FRESH_SEED} on, on "
        "the same validation images. Trials, epochs and seconds (of training) are means per search.",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(row(tuner, runs, options.seeds) for tuner, runs in found.items() if runs),
        "",
        f"**Not run: {', '.join(missing)}.**" if missing else "All searches have been run.",
        "",
        *(f"- {verdict(tuner, found)}" for tuner in TUNERS if tuner != PLAIN and found[tuner]),
        "",
        *sorted({f"Measured: {entry['machine']}" for runs in found.values() for entry in runs.values()}),
    ]
    text = "\n".join(lines) + "\n"
    RUNS.with_suffix(".md").write_text(text)
    return text


def row(tuner: str, runs: dict[int, dict], seeds: list[int]) -> str:
    scores = [run["score"] for run in runs.values()]
    again = [statistics.fmean(run["again"]) for run in runs.values() if run["again"]]
    used = {run["used"] for run in runs.values()} - {TUNERS[tuner]["search.tuner"]}
    means = [f"{statistics.fmean(run[key] for run in runs.values()):.0f}" for key in ("trials", "pruned", "epochs", "seconds")]
    cells = [
        tuner + (f" (kzoo took {', '.join(sorted(used))} instead)" if used else ""),
        *(f"{runs[seed]['score']:.4f}" if seed in runs else "not run" for seed in seeds),
        f"{statistics.fmean(scores):.4f}",
        spread(scores),
        f"{statistics.fmean(again):.4f} (sd {spread(again)})" if again else "not run",
        *means,
    ]
    return f"| {' | '.join(cells)} |"


def spread(values: list[float]) -> str:
    return f"{statistics.stdev(values):.4f}" if len(values) > 1 else "–"


def verdict(tuner: str, found: dict[str, dict[int, dict]]) -> str:
    """A tuner against plain random search, seed by seed: of the searches' scores, and of the winners' with fresh seeds."""
    both = [(found[tuner][seed], found[PLAIN][seed]) for seed in found[tuner] if seed in found[PLAIN]]
    if len(both) < 2:
        return f"{tuner}: too few seeds to be compared with {PLAIN} search."
    searched = compare([mine["score"] - plain["score"] for mine, plain in both])
    fresh = [statistics.fmean(a["again"]) - statistics.fmean(b["again"]) for a, b in both if a["again"] and b["again"]]
    again = f" Winners trained again: {compare(fresh)}." if len(fresh) > 1 else ""
    return f"**{tuner}** against {PLAIN} search: {searched}.{again}"


def compare(differences: list[float]) -> str:
    """The mean difference with Student's 95 % interval, and what can be said."""
    from scipy.stats import ttest_1samp

    found = ttest_1samp(differences, 0).confidence_interval(0.95)
    clear = "better" if found.low > 0 else "worse" if found.high < 0 else "not told apart"
    wins = sum(difference > 0 for difference in differences)
    return (
        f"{statistics.fmean(differences):+.4f} (95 % interval {found.low:+.4f} to {found.high:+.4f}), higher with {wins} of "
        f"{len(differences)} seeds: {clear}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=4, help="of a trial, 3 or more for hyperband")
    parser.add_argument("--tuners", nargs="*", choices=TUNERS, default=list(TUNERS))
    parser.add_argument("--retrain", type=int, default=3, help="trainings of each winner with fresh seeds")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "kzoo_search_quality", help="of the searches")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one[0], int(options.one[1]), options)
        return
    for seed in options.seeds:
        for tuner in options.tuners:
            began = time.perf_counter()
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--one", tuner, str(seed)], check=True)
            entry = known(tuner, seed, options)
            print(f"{tuner}, seed {seed}: {entry['score']:.4f} ({time.perf_counter() - began:.0f} s)", flush=True)
            write(options)
    print(write(options))


if __name__ == "__main__":
    main()
