"""What the benchmarks say about where they ran, and how they write results."""

import os
import platform
from datetime import date
from pathlib import Path

from kzoo.training.environment import describe_environment

RESULTS = Path(__file__).parent / "results"


def describe_machine() -> str:
    """Machine and versions in one paragraph of Markdown."""
    known = describe_environment()
    versions = ", ".join(f"{k.removeprefix('version.')} {v}" for k, v in known.items() if k.startswith("version."))
    return (
        f"{date.today()}; {os.cpu_count()} cores, {platform.machine()}, device {known['device']}, backend {known['backend']}; {versions}."
    )


def write_result(name: str, title: str, command: str, body: str) -> None:
    """Writes `benchmarks/results/NAME.md` and prints it."""
    text = f"# {title}\n\n`{command}`\n\n{body}\n\n{describe_machine()}\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)
    print(text)
