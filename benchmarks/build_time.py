"""What the builder costs: building the default U-Net, and a training step of every cell, against the same network in plain Keras calls.

python benchmarks/build_time.py [--builds 15] [--steps 40]

Pairs are interleaved in one process, after warm-up; the figure is the median of the ratios of neighbours.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
from machine import write_result
from plain_unet import plain_unet

from kzoo import build_unet
from kzoo.models.unet_plan import CELLS

BUILD_LIMIT, STEP_LIMIT = 1.15, 1.03
SHAPE, SMALL = (256, 256, 1), {"input_shape": (64, 64, 1), "num_classes": 3, "filters": 16, "depth": 3}


def milliseconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def paired(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Times of both, interleaved, the order of each pair reversed every time; the garbage collector waits."""
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    for number in range(rounds):
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            times[which].append(milliseconds((first, second)[which]))
    gc.enable()
    return times


def median_ratio(first: list[float], second: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(first, second, strict=True))


def measure_building(builds: int) -> tuple[float, str]:
    def ours():
        return build_unet(input_shape=SHAPE, num_classes=1)

    def plain():
        return plain_unet(SHAPE, 1)

    assert ours().count_params() == plain().count_params()
    times = paired(ours, plain, builds)
    ratio = median_ratio(*times)
    return ratio, f"| default U-Net | {statistics.median(times[0]):.0f} | {statistics.median(times[1]):.0f} | {ratio:.3f} | {BUILD_LIMIT} |"


def stepper(model: keras.Model, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    """One training step, after three to warm up."""
    model.compile("adam", "sparse_categorical_crossentropy")
    for _ in range(3):
        model.train_on_batch(x, y)
    return lambda: model.train_on_batch(x, y)


def measure_step(down: str, up: str, steps: int) -> tuple[float, str]:
    """The same weights, the same batch."""
    keras.utils.clear_session()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 64, 64, 1)).astype("float32"), rng.integers(0, 3, (4, 64, 64))
    ours = build_unet(**SMALL, downsampling=down, upsampling=up)
    plain = plain_unet(SMALL["input_shape"], 3, SMALL["filters"], SMALL["depth"], down, up)
    assert [w.shape for w in ours.weights] == [w.shape for w in plain.weights]
    plain.set_weights(ours.get_weights())
    times = paired(stepper(ours, x, y), stepper(plain, x, y), steps)
    ratio = median_ratio(*times)
    return ratio, f"| {down} | {up} | {statistics.median(times[0]):.1f} | {statistics.median(times[1]):.1f} | {ratio:.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--builds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--cells", nargs="*", metavar="DOWN/UP", help="Measure the step of these only, and print it.")
    options = parser.parse_args()
    if options.cells:
        print("\n".join(measure_step(*cell.split("/"), options.steps)[1] for cell in options.cells))
        return
    build_ratio, build_row = measure_building(options.builds)
    found = {cell: measure_step(*cell, options.steps) for cell in CELLS}
    slow = [f"{down} / {up}: {ratio:.3f}" for (down, up), (ratio, _) in found.items() if ratio > STEP_LIMIT]
    body = [
        "| building | kzoo, ms | plain Keras, ms | ratio | limit |",
        "|---|---|---|---|---|",
        build_row,
        "",
        f"Training step, 64 x 64, batch 4, 16 filters, depth 3; limit {STEP_LIMIT}:",
        "",
        "| downsampling | upsampling | kzoo, ms | plain Keras, ms | ratio |",
        "|---|---|---|---|---|",
        *(row for _, row in found.values()),
        "",
        f"Medians; the ratio is the median over {options.builds} pairs of builds and {options.steps} pairs of steps, interleaved.",
    ]
    command = f"python benchmarks/build_time.py --builds {options.builds} --steps {options.steps}"
    write_result("build_time", "The builder against plain Keras calls", command, "\n".join(body))
    slow += [f"building: {build_ratio:.3f}"] * (build_ratio > BUILD_LIMIT)
    sys.exit(f"slower than the limit: {'; '.join(slow)}" if slow else 0)


if __name__ == "__main__":
    main()
