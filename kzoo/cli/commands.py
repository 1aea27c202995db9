"""The commands of `kzoo` in the order of its help, and how their errors are told."""

import signal
import sys

import typer

from ..errors import InputError, TrainingError
from . import migration, networks, search, tracking, training
from .interruption import Interruption, interrupt
from .terminal import program

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="CNN classifiers and U-Nets in Keras: trained from recipes, tracked and compared in MLflow.",
    epilog="Any command takes --debug, which shows the traceback behind an error.",
)

TRAINING = (training.demo, training.train)
NETWORKS = (networks.draw, networks.profile, networks.explain)
SEARCH = (search.tune, search.best, search.register, search.slurm, search.tune_worker)
LISTS = (search.spaces, training.recipes, networks.presets)
TRACKING = (tracking.runs, tracking.compare, tracking.ui, tracking.sync, tracking.relocate)
ADDONS = (migration.migrate,)

for _command in (*TRAINING, *NETWORKS, *SEARCH, *LISTS, *TRACKING, *ADDONS):
    app.command()(_command)


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; errors that the user can mend are one line each and exit status 2."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        app(args=[a for a in given if a != "--debug"], prog_name="kzoo")
    except (InputError, TrainingError, Interruption) as error:
        if debug:
            raise
        sys.exit(_explain(error))


def _explain(error: BaseException) -> int:
    """Prints an error for people; returns the exit status."""
    interrupted = isinstance(error, Interruption)
    lines = ["interrupted"] if interrupted else [f"error: {line}" for line in str(error).splitlines()]
    notes = [note.replace("kzoo train", f"{program()} train") for note in getattr(error, "__notes__", [])]
    print("\n".join([*lines, *notes]), file=sys.stderr)
    if interrupted:
        return 130
    return 2 if isinstance(error, InputError) else 1
