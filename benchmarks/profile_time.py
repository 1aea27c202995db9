"""How long `kzoo.profile` takes on models that are built already; writes `results/profile_time.md`.

    python benchmarks/profile_time.py

Two minutes on two cores, most of it for building the models. Run it with KERAS_BACKEND=jax or torch for those backends: the facts must
be the same, the file is written for the backend that ran.
"""

import platform
import statistics
import sys
import time
from importlib import metadata
from pathlib import Path

import keras

import kzoo

RESULTS = Path(__file__).parent / "results"
REPEATS = 20
LIMITS = {"U-Net, default, 512 x 512": 50, "ResNet152": 300}


def models():
    """Names and functions that build the models."""
    yield "U-Net, default, 512 x 512", lambda: kzoo.build_unet(input_shape=(512, 512, 1), num_classes=2)
    for name in ("VGG16", "ResNet50", "ResNet152", "DenseNet201", "MobileNetV2", "InceptionV3"):
        yield name, lambda name=name: getattr(keras.applications, name)(weights=None)


def measure(model: keras.Model) -> tuple[kzoo.Profile, list[float]]:
    """The profile, and milliseconds of repeated runs after one to warm up."""
    found = kzoo.profile(model)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        kzoo.profile(model)
        times.append(1000 * (time.perf_counter() - start))
    return found, times


def row(name: str, found: kzoo.Profile, times: list[float]) -> str:
    field = found.receptive_field
    low, high = field.smallest[0], field.largest[0]
    cells = (
        name,
        len(found.layers),
        f"{statistics.median(times):.1f}",
        f"{min(times):.1f} to {max(times):.1f}",
        LIMITS.get(name, ""),
        f"{found.total:,}",
        f"{found.macs:,}",
        str(low) if low == high else f"{low} to {high}",
        f"{found.peak_memory:,}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    backend = keras.config.backend()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("keras", backend, "numpy"))
    lines = [
        "# Time of a profile",
        "",
        f"`python benchmarks/profile_time.py`, backend {backend}. Median of {REPEATS} runs after one to warm up, models built before.",
        f"Machine: {processor()}. Python {platform.python_version()}, {versions}.",
        "",
        "| model | layers | median ms | range ms | limit ms | parameters | MACs | receptive field | peak bytes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    late = []
    for name, build in models():
        found, times = measure(build())
        lines.append(row(name, found, times))
        print(lines[-1], flush=True)
        if statistics.median(times) > LIMITS.get(name, float("inf")):
            late.append(name)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / ("profile_time.md" if backend == "tensorflow" else f"profile_time_{backend}.md")
    file.write_text("\n".join(lines) + "\n")
    print(lines[3])
    sys.exit(f"slower than the limit: {', '.join(late)}" if late else 0)


def processor() -> str:
    """The processor's name and the number of cores."""
    import os

    info = Path("/proc/cpuinfo")
    names = (
        [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    )
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}"


if __name__ == "__main__":
    main()
