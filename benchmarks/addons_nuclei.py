"""The nuclei recipe with RectifiedAdam inside Lookahead in both environments: equal first weights and batches, the losses side by side.

    make install addons
    python benchmarks/addons_nuclei.py --path FOLDER [--steps 40]

FOLDER holds `images` and `masks`. Each environment trains in a process of its own: Keras 3 with kzoo's optimizers, Keras 2.15 with those of
tensorflow-addons. They do so twice: with TensorFlow's own kernels, and with those of oneDNN, which it takes by default and which add up in
another order in every version of TensorFlow. What Keras 3 differs by between the two kernels is what the order of sums alone does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = {"kzoo.training.optimizers": ROOT / ".venv", "tensorflow_addons.optimizers": ROOT / ".venv-addons"}
"""Where the optimizers are from, and the environment that has them."""

CLOSE = 20
"""Steps of which the issue asks that the losses are equal but for noise."""


def train(home: str, options: argparse.Namespace) -> dict:
    """The loss of every step, in the environment of this process."""
    import keras

    from kzoo.training.fit import make_batches
    from kzoo.training.objective import compile_model
    from kzoo.training.prepare import prepare
    from kzoo.training.recipe import load_recipe

    optimizer = {f"{home}.Lookahead": {"optimizer": {f"{home}.RectifiedAdam": {}}}}
    recipe = load_recipe("nuclei", {"data.path": str(options.path), "training.optimizer": optimizer})
    dataset, model = prepare(recipe)
    batches = make_batches(model, dataset, dataset.train, recipe.training, training_split=True)
    model.set_weights(first_weights(model, options))
    compile_model(model, recipe.training, dataset, len(batches))
    losses, seen = [], 0.0
    for step in range(options.steps):
        batches.epoch, number = divmod(step, len(batches))
        images, masks = batches[number]
        seen += float(images.sum(dtype="float64")) + float(masks.sum(dtype="float64"))
        model.reset_metrics()
        losses.append(float(model.train_on_batch(images, masks)[0]))
    return {"keras": keras.__version__, "losses": losses, "seen": seen}


def first_weights(model, options: argparse.Namespace) -> list[np.ndarray]:
    """Those that the first training wrote, or its own."""
    if not options.weights.exists():
        np.savez(options.weights, *model.get_weights())
    with np.load(options.weights) as stored:
        return [stored[name] for name in stored.files]


def run(home: str, onednn: int, options: argparse.Namespace) -> dict:
    """A training in a process of the environment that has those optimizers."""
    command = [ENVIRONMENTS[home] / "bin" / "python", __file__, "--path", options.path, "--steps", str(options.steps)]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": str(onednn)}
    more = ["--home", home, "--weights", options.weights]
    done = subprocess.run([*command, *more], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def table(new: dict, old: dict, new_onednn: dict, old_onednn: dict) -> str:
    kerases = f"Keras {new['keras']} | Keras {old['keras']} | difference"
    columns = zip(*(run["losses"] for run in (new, old, new_onednn, old_onednn)), strict=True)
    rows = [
        f"| {step} | {a:.6f} | {b:.6f} | {abs(a - b):.1e} | {c:.6f} | {d:.6f} | {abs(c - d):.1e} |"
        for step, (a, b, c, d) in enumerate(columns, start=1)
    ]
    return "\n".join([f"| step | {kerases} | {kerases.replace('Keras', 'oneDNN: Keras', 1)} |", f"|{'---|' * 7}", *rows])


def largest(one: dict, other: dict, steps: int) -> str:
    return f"{max(abs(a - b) for a, b in list(zip(one['losses'], other['losses'], strict=True))[:steps]):.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, required=True, help="folder of images and masks")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.home:
        print(json.dumps(train(options.home, options)))
        return
    missing = [path for path in ENVIRONMENTS.values() if not (path / "bin" / "python").exists()]
    if missing:
        sys.exit(f"{missing[0].name}: no such environment. Make both: make install addons")
    with tempfile.TemporaryDirectory() as folder:
        options.weights = Path(folder) / "first.npz"
        new, old, new_onednn, old_onednn = (run(home, onednn, options) for onednn in (0, 1) for home in ENVIRONMENTS)
    from machine import write_result

    same = "equal" if new["seen"] == old["seen"] else "NOT equal"
    pairs = {
        "the environments with TensorFlow's own kernels (`TF_ENABLE_ONEDNN_OPTS=0`)": (new, old),
        "the environments with oneDNN, the default": (new_onednn, old_onednn),
        f"both kernels of Keras {new['keras']}": (new, new_onednn),
    }
    spans = list(dict.fromkeys((min(CLOSE, options.steps), options.steps)))
    lines = [f"| {what} | {' | '.join(largest(*pair, steps) for steps in spans)} |" for what, pair in pairs.items()]
    head = f"| largest difference of the loss between | {' | '.join(f'first {steps} steps' for steps in spans)} |"
    summary = "\n".join([head, f"|{'---|' * (1 + len(spans))}", *lines])
    body = f"Sums over all images and masks of the batches: {same}.\n\n{summary}\n\n{table(new, old, new_onednn, old_onednn)}"
    command = f"python benchmarks/addons_nuclei.py --path FOLDER --steps {options.steps}"
    write_result("addons_nuclei", "Nuclei with RectifiedAdam and Lookahead in both environments", command, body)


if __name__ == "__main__":
    main()
