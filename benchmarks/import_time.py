"""What `import kzoo` costs beside `import keras`: medians over fresh processes, interleaved.

python benchmarks/import_time.py [--repeats 5]
"""

import argparse
import os
import statistics
import subprocess
import sys

from machine import write_result

TIMED = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
STATEMENTS = ("import keras", "import kzoo", "import kzoo, keras", "from kzoo import build_unet")
TOOLS = ("mlflow", "keras_tuner", "skimage", "matplotlib")


def seconds(statement: str) -> float:
    """The time of a statement in a fresh process."""
    return float(run(TIMED.format(statement)))


def run(code: str) -> str:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    for statement in STATEMENTS:
        seconds(statement)
    rounds = [{statement: seconds(statement) for statement in STATEMENTS} for _ in range(repeats)]
    medians = {statement: statistics.median(r[statement] for r in rounds) for statement in STATEMENTS}
    base = medians["import keras"]
    rows = [f"| `{s}` | {medians[s]:.3f} | {medians[s] / base:.3f} |" for s in STATEMENTS]
    loaded = run(f"import sys, kzoo; print(*[t for t in {TOOLS} if t in sys.modules])") or "none"
    table = "\n".join(["| statement | seconds, median | of `import keras` |", "|---|---|---|", *rows])
    body = f"{table}\n\nMedian of {repeats} fresh processes each, interleaved, after one for warming up.\n"
    body += f"Of {', '.join(TOOLS)}, `import kzoo` loads: {loaded}."
    write_result("import_time", "Cost of `import kzoo`", f"python benchmarks/import_time.py --repeats {repeats}", body)


if __name__ == "__main__":
    main()
