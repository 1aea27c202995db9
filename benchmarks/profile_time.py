"""How long `kzoo.profile` takes on models that are built already, and a digest of what it says, which must be the same on every backend.

KERAS_BACKEND=tensorflow python benchmarks/profile_time.py [--repeats 20]
"""

import argparse
import hashlib
import statistics
import sys
import time

import keras
from machine import write_result

import kzoo

LIMITS = {"U-Net, default, 512 x 512": 50, "ResNet152": 300}
APPLICATIONS = ("VGG16", "ResNet50", "ResNet152", "DenseNet201", "MobileNetV2", "InceptionV3")
HEAD = """| model | layers | median ms | range ms | limit ms | parameters | MACs | receptive field | peak bytes | digest |
|---|---|---|---|---|---|---|---|---|---|"""


def models():
    """Names and functions that build the models."""
    yield "U-Net, default, 512 x 512", lambda: kzoo.build_unet(input_shape=(512, 512, 1), num_classes=2)
    for name in APPLICATIONS:
        yield name, lambda name=name: getattr(keras.applications, name)(weights=None)


def measure(model: keras.Model, repeats: int) -> tuple[kzoo.Profile, list[float]]:
    """The profile, and milliseconds of repeated runs after one to warm up."""
    found = kzoo.profile(model)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        kzoo.profile(model)
        times.append(1000 * (time.perf_counter() - start))
    return found, times


def row(name: str, found: kzoo.Profile, times: list[float]) -> str:
    low, high = found.receptive_field.smallest[0], found.receptive_field.largest[0]
    cells = (
        name,
        len(found.layers),
        f"{statistics.median(times):.1f}",
        f"{min(times):.1f} to {max(times):.1f}",
        LIMITS.get(name, ""),
        f"{found.total:,}",
        f"{found.macs:,}",
        low if low == high else f"{low} to {high}",
        f"{found.peak_memory:,}",
        hashlib.blake2b(found.to_json().encode(), digest_size=6).hexdigest(),
    )
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    rows, late = [], []
    for name, build in models():
        keras.backend.clear_session()  # layers are numbered from 1 again, so that names, and the digest, don't depend on the order
        found, times = measure(build(), repeats)
        rows.append(row(name, found, times))
        late += [name] if statistics.median(times) > LIMITS.get(name, float("inf")) else []
    backend = keras.config.backend()
    said = f"Median of {repeats} runs in one process after one to warm up. The digest is over the whole profile as JSON."
    command = f"KERAS_BACKEND={backend} python benchmarks/profile_time.py --repeats {repeats}"
    write_result(f"profile_time_{backend}", "Time of a profile", command, "\n".join([HEAD, *rows, "", said]))
    sys.exit(f"slower than the limit: {', '.join(late)}" if late else 0)


if __name__ == "__main__":
    main()
