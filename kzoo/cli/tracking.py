"""The commands that read, serve and mend what was tracked."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from .interruption import Interruption
from .terminal import print_pages, print_table


def runs(
    experiment: Annotated[str | None, typer.Argument(help="Only the runs of this experiment.")] = None,
) -> None:
    """List the runs, newest first."""
    from ..reports import runs_table
    from ..tracking import Store

    print_table(runs_table(Store(create=False).runs(experiment)))


def compare(experiment: Annotated[str, typer.Argument(help="Name of an MLflow experiment.")]) -> None:
    """Compare the runs of an experiment: parameters, MACs, best scores, seconds."""
    from ..reports import comparison_table
    from ..tracking import Store

    print_table(comparison_table(Store(create=False).runs(experiment), f"experiment {experiment}"))


def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000) -> None:
    """Serve the MLflow pages of the runs on 127.0.0.1."""
    from ..tracking import Store, serve

    try:
        status = serve(Store(create=False), port, print_pages)
    except Interruption:
        status = 0
    raise typer.Exit(status)


def sync() -> None:
    """Send what was kept here while the tracking server did not answer."""
    from ..tracking import Store

    kept = Path("mlruns/journal").is_dir()
    done = Store(create=kept).sync()
    print(f"sent {done.events} entries of {done.runs} runs" if done.events else "nothing to send")
    if done.busy:
        print(f"{done.busy} runs are still being written; their process sends them itself")
    for address, count in done.elsewhere.items():
        how = "unset" if address == "the local store" else "set to it"
        print(f"{count} runs belong to {address}; they are sent with MLFLOW_TRACKING_URI {how}")
    for line in done.refused:
        print(f"refused: {line}")
    if done.refused:
        print("what was refused lies in mlruns/journal, in a folder per run; remove the folder where it is of no use")
    if done.remaining or done.problem:
        raise InputError(f"{done.remaining} entries are not sent yet ({done.problem or 'see above'}). They are kept; run this again later.")


def relocate() -> None:
    """Make the runs find their artifacts again after the project folder has moved."""
    from ..tracking import Store, relocate

    done = relocate(Store(create=False))
    if not done.rows:
        print("nothing to change: the artifacts are where the database says")
    for root in done.roots:
        print(f"was made as {root}")
    for place, count in done.rows.items():
        print(f"{place}: {count} changed")
    for missing in done.missing:
        print(f"left as it is: {missing} is not there, nor are its artifacts here. Mount it, or move them here, and run this again")
