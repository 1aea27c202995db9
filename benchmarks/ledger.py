"""The ledger: published scores beside those of the recipes that ship, mean and spread over seeds, with what was not run.

    python benchmarks/ledger.py digits --seeds 0 1 2 3 4
    python benchmarks/ledger.py fashion_mnist fashion_mnist_113k --seeds 0 1 2 --path FOLDER
    python benchmarks/ledger.py

Every run is kept in `benchmarks/results/ledger.json`, from which `ledger.md` is written; without a recipe only that is done.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import RESULTS, describe_machine

import kzoo

RUNS = RESULTS / "ledger.json"


@dataclass(frozen=True)
class Row:
    """A published score, and the recipe that aims at it; None for what no recipe here runs."""

    data: str
    network: str
    published: str
    recipe: str | None = None
    note: str = ""


ROWS = [
    Row(
        "digits",
        "SVC(gamma=0.001); here a CNN",
        "0.9689",
        "digits",
        "first half for training (a tenth of it for validation), second half for test",
    ),
    Row("Fashion-MNIST", "two convolutions, < 100k parameters", "0.925", "fashion_mnist", "here with batch norm and dropout"),
    Row("Fashion-MNIST", "two convolutions, about 113k parameters", "0.922 (mean of 10 runs)", "fashion_mnist_113k"),
    Row("Fashion-MNIST", "LeNet-5", "none", "fashion_mnist_lenet5", "28 x 28, padded; max pooling and ReLU"),
    Row(
        "Fashion-MNIST",
        "ResNet-20 for CIFAR, half as wide",
        "none (ResNet-18, augmented: 0.949)",
        "fashion_mnist_resnet",
        "no augmentation",
    ),
    Row(
        "Fashion-MNIST",
        "two convolutions, pooling, batch norm",
        "0.934",
        note="another network than the first row's, not described further",
    ),
    Row("Fashion-MNIST", "VGG16, 26 M parameters", "0.935"),
    Row("Fashion-MNIST", "ResNet-18, augmented", "0.949"),
    Row("Fashion-MNIST", "DenseNet-BC, 768k parameters, augmented", "0.954"),
    Row("Fashion-MNIST", "WRN-40-4, augmented", "0.967"),
    Row("CIFAR-10", "ResNet-20 / 56 / 110", "error 8.75 / 6.97 / 6.43 %", note="no such data here; about 1e15 MACs for ResNet-20"),
    Row("CIFAR-10", "WRN-28-10", "error 4.00 %", note="no such data here"),
    Row("CIFAR-10", "DenseNet-BC-100 k12", "error 4.51 %", note="no such data here"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help=", ".join(row.recipe for row in ROWS if row.recipe))
    parser.add_argument("--path", type=Path, help="folder of Fashion-MNIST")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    for seed in options.seeds:
        for recipe in options.recipes:
            keep(recipe, seed, run(recipe, seed, options.path))
    write(json.loads(RUNS.read_text()) if RUNS.is_file() else {})


def run(recipe: str, seed: int, path: Path | None) -> dict:
    """Trains a recipe in a store of its own; its test score is that of the best epoch on the validation images."""
    data = {"data.path": str(path)} if path and recipe.startswith("fashion") else {}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trained = kzoo.train(recipe, overrides={"training.seed": seed, **data}, store=kzoo.Store(root=Path(folder)), progress=None)
    return {
        "accuracy": round(trained.metrics["test/accuracy"], 4),
        "parameters": trained.model.count_params(),
        "macs": trained.metrics["cost/macs"],
        "epochs": len(trained.history),
        "seconds": round(time.perf_counter() - began),
        "data": trained.dataset.fingerprint,
        "network": kzoo.describe(trained.model).hash,
        "recipe": kzoo.load_recipe(recipe).digest(),
        "machine": describe_machine(),
    }


def keep(recipe: str, seed: int, found: dict) -> None:
    """Adds a run to the file, in place of an older one of the same seed; runs of the recipe as it was before a change are dropped."""
    runs = json.loads(RUNS.read_text()) if RUNS.is_file() else {}
    same = {key: run for key, run in runs.get(recipe, {}).items() if run["recipe"] == found["recipe"]}
    runs[recipe] = {**same, str(seed): found}
    RUNS.write_text(json.dumps(runs, indent=1, sort_keys=True) + "\n")
    print(recipe, seed, found["accuracy"], f"{found['seconds']} s", flush=True)


def write(runs: dict) -> None:
    lines = [
        "# The ledger of reproduced scores",
        "",
        "`python benchmarks/ledger.py RECIPE ... --seeds 0 1 2 --path FOLDER`",
        "",
        "Test accuracy of the epoch that was best on the validation images: mean, smallest and largest value over the seeds. Published",
        "values are those of the data sets' own pages and papers; those of Fashion-MNIST's page are reported by their authors.",
        "",
        "| data | network | published | here | seeds | parameters | MACs | epochs | seconds a run | note |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [line(row, runs.get(row.recipe, {})) for row in ROWS]
    machines = sorted({run["machine"] for found in runs.values() for run in found.values()})
    lines += ["", *(f"Measured: {machine}" for machine in machines)]
    text = "\n".join(lines) + "\n"
    (RESULTS / "ledger.md").write_text(text)
    print(text)


def line(row: Row, runs: dict) -> str:
    if not runs:
        return f"| {row.data} | {row.network} | {row.published} | not run | | | | | | {row.note} |"
    scores = [run["accuracy"] for run in runs.values()]
    some = next(iter(runs.values()))
    spread = f" ({min(scores):.4f} to {max(scores):.4f})" if len(scores) > 1 else ""
    seconds = statistics.median(run["seconds"] for run in runs.values())
    cells = [
        *(row.data, row.network, row.published, f"{statistics.mean(scores):.4f}{spread}", ", ".join(sorted(runs, key=int))),
        *(f"{some['parameters']:,}", f"{some['macs'] / 1e6:.2f} M", some["epochs"], f"{seconds:.0f}"),
        f"`recipes/{row.recipe}.yaml`; {row.note}".removesuffix("; "),
    ]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
