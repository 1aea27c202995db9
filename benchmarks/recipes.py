"""Trains a recipe on real data and records score, seed, time and machine in `benchmarks/results/`.

    python benchmarks/recipes.py nuclei --path FOLDER

The recipes of classifiers stand in the ledger: `benchmarks/ledger.py`.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import write_result

import kzoo

REQUIRED = {
    "nuclei": ("best/foreground_iou", 0.85, "foreground IoU on the held-back fifth"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=REQUIRED)
    parser.add_argument("--path", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    overrides = {"training.seed": options.seed} | ({"data.path": str(options.path)} if options.path else {})
    began = time.perf_counter()
    trained = kzoo.train(options.recipe, overrides=overrides)
    seconds = time.perf_counter() - began
    metric, required, words = REQUIRED[options.recipe]
    sizes = ", ".join(f"{len(samples):,} {split}" for split, samples in trained.dataset.splits().items())
    scores = {k: v for k, v in trained.metrics.items() if k.startswith(("best/", "test/"))}
    rows = [f"| {key} | {value:.4f} |" for key, value in scores.items()]
    body = "\n".join(
        [
            f"**{words}: {trained.metrics[metric]:.4f}** (aimed at: at least {required}), seed {options.seed}, "
            f"{seconds:.0f} s in all, {trained.metrics['cost/seconds']:.0f} s of them epochs.",
            "",
            f"{trained.model.name}, {trained.model.count_params():,} parameters (total), {trained.metrics['cost/macs'] / 1e6:.1f} M MACs; "
            f"{sizes} images, fingerprint {trained.dataset.fingerprint}; {len(trained.history)} epochs.",
            "",
            "| metric | value |",
            "|---|---|",
            *rows,
        ]
    )
    where = " --path FOLDER" if options.path else ""
    command = f"python benchmarks/recipes.py {options.recipe}{where} --seed {options.seed}"
    write_result(options.recipe, f"Recipe {options.recipe}", command, body)


if __name__ == "__main__":
    main()
