"""The command line: one thin function per command."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from .cli_migrate import migrate
from .errors import InputError, TrainingError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="CNN classifiers and U-Nets in Keras: trained from recipes, tracked and compared in MLflow.",
    epilog="Any command takes --debug, which shows the traceback behind an error.",
)

Experiment = Annotated[str, typer.Argument(help="Name of an MLflow experiment.")]

Source = Annotated[str, typer.Argument(metavar="PRESET|BUILDER|RECIPE|FILE.keras", help="The network; nothing is trained.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="An argument of the builder, or a value of the recipe. Repeatable."),
]
InputShape = Annotated[
    str | None, typer.Option(metavar="SIZES", help="Sizes and channels of the input, as in 512,512,1; none for a size that is not fixed.")
]


@app.command()
def demo() -> None:
    """Train four U-Nets and a small CNN on real images, in about four minutes, and compare them."""
    _load_keras_quietly()
    from .demo import EXPERIMENT, run_demo
    from .reports import comparison_table
    from .tracking import Store

    records = run_demo(Store())
    _print_table(comparison_table(records, f"experiment {EXPERIMENT}"))
    print(f"Look at the runs in MLflow:  {_program()} ui")


@app.command()
def train(
    recipe: Annotated[str | None, typer.Argument(help="A recipe file, or the name of a recipe that ships with kzoo.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Replace a value of the recipe, as in model.filters=32. Repeatable.",
        ),
    ] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN_ID", help="Continue an interrupted or failed run.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Resume a run that still counts as running elsewhere.")] = False,
) -> None:
    """Train what a recipe describes, as one MLflow run."""
    if recipe is None and resume is None:
        raise InputError("recipe: expected a recipe file, or --resume RUN_ID. `kzoo recipes` lists those that ship with kzoo.")
    _load_keras_quietly()
    from .training import train

    trained = train(recipe, overrides=_overrides(settings or []), resume=resume, force=force)
    scores = {k: v for k, v in trained.metrics.items() if k.startswith(("best/", "test/"))}
    print("\n".join(f"{key:<24}{value:.4f}" for key, value in scores.items() if key != "best/epoch"))
    print(f"run {trained.run_id}, best epoch {trained.best_epoch}. Look at it in MLflow: {_program()} ui")


@app.command()
def draw(
    source: Source,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FIGURE", help="File to write: .svg, .pdf or .png.")],
    settings: Settings = None,
    input_shape: InputShape = None,
    detail: Annotated[str, typer.Option(help="layers, stages, or auto: layers where they fit on a page.")] = "auto",
    receptive_field: Annotated[bool, typer.Option("--receptive-field", help="Paint what one output pixel sees of an image.")] = False,
    position: Annotated[str | None, typer.Option(metavar="ROW,COLUMN", help="The output pixel; the middle unless given.")] = None,
    layer: Annotated[str | None, typer.Option(help="A pixel of this layer's output; of the network's unless given.")] = None,
    image: Annotated[str | None, typer.Option(metavar="FILE", help="The image to paint over.")] = None,
) -> None:
    """Draw a network as a figure: a U, or a strip for classifiers; or the receptive field of an output pixel."""
    for option, value in (("--position", position), ("--layer", layer), ("--image", image)):
        if value is not None and not receptive_field:
            raise InputError(f"{option}: expected together with --receptive-field. Add it, or leave this out.")
    if receptive_field and detail != "auto":
        raise InputError("--detail: expected without --receptive-field, which shows no layers. Leave it out.")
    _load_keras_quietly()
    from .analysis import drawing
    from .training.named import named_model

    path = drawing.check_file(output)
    _check_folder("--output", path)
    model = named_model(source, _overrides(settings or []), _numbers("--input-shape", input_shape))
    if receptive_field:
        figure = drawing.draw_receptive_field(model, image, _numbers("--position", position), layer=layer)
    else:
        figure = drawing.draw(model, detail=detail)  # type: ignore[arg-type]
    print(drawing.save_figure(figure, path))


@app.command()
def profile(
    source: Source,
    settings: Settings = None,
    input_shape: InputShape = None,
    batch_size: Annotated[int, typer.Option(help="Samples that MACs and memory are given for.")] = 1,
    precision: Annotated[str | None, typer.Option(help="A Keras dtype policy, such as mixed_float16, for memory.")] = None,
    optimizer: Annotated[str, typer.Option(metavar="NAME|SLOTS", help="adam, sgd, ..., or its values per trainable weight.")] = "adam",
    stages: Annotated[bool, typer.Option("--stages", help="One row per stage, as in the papers.")] = False,
    flops: Annotated[bool, typer.Option("--flops", help="Print FLOPs too, as 2 x MACs.")] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the profile as JSON.")] = None,
) -> None:
    """Say what a network costs and what it sees: parameters, MACs, memory, receptive field, legal sizes."""
    shape = _numbers("--input-shape", input_shape)
    if json is not None:
        _check_folder("--json", json)
    _load_keras_quietly()
    from .analysis import profile
    from .training.named import SUFFIXES, named_model

    saved = source.endswith(SUFFIXES)
    model = named_model(source, _overrides(settings or []), None if saved else shape)
    slots = int(optimizer) if optimizer.isdigit() else optimizer
    found = profile(model, shape if saved else None, batch_size=batch_size, precision=precision, optimizer=slots)
    _print_table(found.stage_table() if stages else found.table())
    print(found.summary(flops=flops))
    if json is not None:
        found.to_json(json)


@app.command()
def explain(
    a: Annotated[str, typer.Argument(metavar="A", help="A network: a preset, a builder, a recipe or a .keras file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one, likewise.")],
    settings: Settings = None,
    input_shape: InputShape = None,
) -> None:
    """Say by what the parameters of two networks differ, to the last one; settings hold for both."""
    _load_keras_quietly()
    from .analysis import explain
    from .training.named import named_model

    first, second = (named_model(source, _overrides(settings or []), _numbers("--input-shape", input_shape)) for source in (a, b))
    print(explain(first, second))


@app.command()
def tune(
    space: Annotated[str, typer.Argument(help="A space file, or the name of a space that ships with kzoo.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Replace a value of the space, as in search.trials=10. Repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the search would cost, and what of the space is feasible.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Finish a search that was interrupted.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew; an earlier search of that name is moved aside.")] = False,
    workers: Annotated[int | None, typer.Option(min=0, help="Train in N processes side by side, one per GPU while there are some.")] = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where workers find this process; port 0 takes a free one.")
    ] = "127.0.0.1:0",
    lease: Annotated[float, typer.Option(min=1.0, help="Seconds after which a silent worker loses its trial to another one.")] = 60.0,
    finalists: Annotated[int, typer.Option(min=0, help="Train the best N again, each with several seeds, and compare them.")] = 0,
    seeds: Annotated[int, typer.Option(min=2, help="Trainings of each finalist.")] = 5,
) -> None:
    """Search a space: every trial a tracked run, resumable, in one process or many."""
    _load_keras_quietly()
    from .search import load_space, tune, xray

    checked = load_space(space, _overrides(settings or []))
    if dry_run:
        seen = xray(checked)
        _print_table(seen.table())
        print(seen.summary())
        return
    found = tune(checked, resume=resume, fresh=fresh, workers=workers, listen=listen, lease=lease, finalists=finalists, seeds=seeds)
    _print_table(found.table())
    print(found.summary())
    print(f"run {found.run_id}. Look at it in MLflow: {_program()} ui")
    _print_pages(found.pages)


@app.command()
def best(
    search: Annotated[str, typer.Argument(help="Name of a search, as `kzoo tune` prints it.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The recipe to write.")] = Path("best.yaml"),
    trial: Annotated[str | None, typer.Option(help="Another trial than the best one.")] = None,
) -> None:
    """Write the recipe that rebuilds the best trial of a search."""
    _check_folder("--output", output)
    _load_keras_quietly()
    from .search.winner import write_best

    print(write_best(search, output, trial))


@app.command()
def register(
    search: Annotated[str, typer.Argument(help="Name of a search, as `kzoo tune` prints it.")],
    name: Annotated[str | None, typer.Option(help="Name in the registry; the search's unless given.")] = None,
    trial: Annotated[str | None, typer.Option(help="Another trial than the best one.")] = None,
) -> None:
    """Put the model of the best trial into MLflow's registry, from which `mlflow models serve` answers."""
    _load_keras_quietly()
    from .search.winner import register_best

    print(register_best(search, name or search, trial))


@app.command()
def slurm(
    space: Annotated[str, typer.Argument(help="A space file, as seen from the folder in which the script will be submitted.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes that train at a time.")] = 4,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of each worker; 0 trains on CPUs.")] = 1,
    cpus: Annotated[int, typer.Option(min=1, help="Cores of each worker.")] = 4,
    partition: Annotated[str | None, typer.Option(help="Of the cluster.")] = None,
    time: Annotated[str, typer.Option(help="The longest that the job may run.")] = "24:00:00",
) -> None:
    """Print a script that searches a space on a SLURM cluster: kzoo slurm SPACE > search.sh; sbatch search.sh."""
    _load_keras_quietly()
    from .search.slurm import slurm_script

    print(slurm_script(space, workers, gpus=gpus, cpus=cpus, partition=partition, time=time), end="")


@app.command("tune-worker")
def tune_worker(
    join: Annotated[str, typer.Option(metavar="HOST:PORT", help="The search to join, as `kzoo tune --workers` prints it.")],
    trials: Annotated[int | None, typer.Option(min=1, help="Leave after so many trials.")] = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Train trials of a search that another process leads, here or on another machine."""
    _load_keras_quietly()
    from .search.crew import RECYCLED
    from .search.worker import work

    over = work(join, at_most=trials, parent=parent)
    raise typer.Exit(0 if over else RECYCLED)


@app.command()
def spaces() -> None:
    """List the spaces that ship with kzoo."""
    from .search import shipped_spaces

    print("\n".join(shipped_spaces()))


@app.command()
def recipes() -> None:
    """List the recipes that ship with kzoo."""
    from .training.recipe import shipped_recipes

    print("\n".join(shipped_recipes()))


@app.command()
def presets(pattern: Annotated[str, typer.Argument(help="Only these, with * and ? as in file names; or a builder's.")] = "*") -> None:
    """List the networks that papers define, with their papers, parameters and MACs."""
    _load_keras_quietly()
    from .reports.presets import presets_table

    _print_table(presets_table(pattern))


@app.command()
def runs(
    experiment: Annotated[str | None, typer.Argument(help="Only the runs of this experiment.")] = None,
) -> None:
    """List the runs, newest first."""
    from .reports import runs_table
    from .tracking import Store

    _print_table(runs_table(Store(create=False).runs(experiment)))


@app.command()
def compare(experiment: Experiment) -> None:
    """Compare the runs of an experiment: parameters, MACs, best scores, seconds."""
    from .reports import comparison_table
    from .tracking import Store

    _print_table(comparison_table(Store(create=False).runs(experiment), f"experiment {experiment}"))


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000) -> None:
    """Serve the MLflow pages of the runs on 127.0.0.1."""
    from .tracking import Store, serve

    try:
        status = serve(Store(create=False), port, _print_pages)
    except Interruption:
        status = 0
    raise typer.Exit(status)


@app.command()
def sync() -> None:
    """Send what was kept here while the tracking server did not answer."""
    from .tracking import Store

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


@app.command()
def relocate() -> None:
    """Make the runs find their artifacts again after the project folder has moved."""
    from .tracking import Store, relocate

    done = relocate(Store(create=False))
    if not done.rows:
        print("nothing to change: the artifacts are where the database says")
    for root in done.roots:
        print(f"was made as {root}")
    for place, count in done.rows.items():
        print(f"{place}: {count} changed")
    for missing in done.missing:
        print(f"left as it is: {missing} is not there, nor are its artifacts here. Mount it, or move them here, and run this again")


app.command()(migrate)


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; errors that the user can mend are one line each and exit status 2."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
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
    notes = [note.replace("kzoo train", f"{_program()} train") for note in getattr(error, "__notes__", [])]
    print("\n".join([*lines, *notes]), file=sys.stderr)
    if interrupted:
        return 130
    return 2 if isinstance(error, InputError) else 1


class Interruption(BaseException):
    """Ctrl-C or a request to terminate: a training that it ends is marked KILLED and stays resumable."""


def _interrupt(*_) -> None:
    """The first signal ends the training in order; a second one, while that goes on, asks for patience; a third ends at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ask_for_patience)
    raise Interruption


def _ask_for_patience(*_) -> None:
    print("ending the run; once more to stop at once", file=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _print_table(table) -> None:
    """Prints a rich table: as wide as the terminal, or as it needs to be where there is none."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _print_pages(pages: Mapping[str, str]) -> None:
    """Addresses, each on a line of its own, on which a terminal lets one click."""
    longest = max(map(len, pages), default=0)
    for what, address in pages.items():
        print(f"  {what:{longest}}  {address}", flush=True)


def _check_folder(option: str, file: Path) -> None:
    if not file.parent.is_dir():
        raise InputError(f"{option}: expected a file in a folder that exists. Received: {file}.")


def _load_keras_quietly() -> None:
    """Imports Keras without what TensorFlow writes to the error stream: its search for GPUs, its advice on retracing.

    Errors are raised as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _overrides(settings: list[str]) -> dict:
    """`model.filters=32` as path and value; what kind of value it is, the setting decides."""
    from .schema import Written

    overrides = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not path:
            raise InputError(f"--set: expected PATH=VALUE, as in model.filters=32. Received: {setting}.")
        overrides[path] = Written(value)
    return overrides


def _numbers(option: str, text: str | None) -> list | None:
    """`512,512,1` as numbers; `none` stands for a size that is not fixed."""
    if text is None:
        return None
    try:
        return [None if word.strip().lower() in ("none", "null") else int(word) for word in text.replace("x", ",").split(",")]
    except ValueError as error:
        raise InputError(f"{option}: expected whole numbers with commas between them, as in 512,512,1. Received: {text}.") from error


def _program() -> str:
    """How this program was called, for the commands that it recommends."""
    called = Path(sys.argv[0])
    return "kzoo" if called.name != "kzoo" or _on_path(called) else os.path.relpath(called)


def _on_path(program: Path) -> bool:
    import shutil

    found = shutil.which("kzoo")
    return found is not None and Path(found).resolve() == program.resolve()


if __name__ == "__main__":
    main()
