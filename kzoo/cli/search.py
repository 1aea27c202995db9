"""The commands of a search: it is led, joined, read, and its best trial is taken from it."""

from pathlib import Path
from typing import Annotated

import typer

from ..defaults import LEASE, LISTEN, SEEDS, TOKEN
from .options import check_folder, read_settings
from .terminal import load_keras_quietly, print_pages, print_table, program


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
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where workers find this process; port 0 takes a free one.")] = LISTEN,
    lease: Annotated[float, typer.Option(min=1.0, help="Seconds after which a silent worker loses its trial to another one.")] = LEASE,
    finalists: Annotated[int, typer.Option(min=0, help="Train the best N again, each with several seeds, and compare them.")] = 0,
    seeds: Annotated[int, typer.Option(min=2, help="Trainings of each finalist.")] = SEEDS,
) -> None:
    """Search a space: every trial a tracked run, resumable, in one process or many."""
    load_keras_quietly()
    from ..search import load_space, tune, xray

    checked = load_space(space, read_settings(settings or []))
    if dry_run:
        seen = xray(checked)
        print_table(seen.table())
        print(seen.summary())
        return
    found = tune(checked, resume=resume, fresh=fresh, workers=workers, listen=listen, lease=lease, finalists=finalists, seeds=seeds)
    print_table(found.table())
    print(found.summary())
    print(f"run {found.run_id}. Look at it in MLflow: {program()} ui")
    print_pages(found.pages)


def tune_worker(
    join: Annotated[str, typer.Option(metavar="HOST:PORT", help="The search to join, as `kzoo tune --workers` prints it.")],
    token: Annotated[str, typer.Option(envvar=TOKEN, help="The search's, which `kzoo tune --workers` prints too.")] = "",
    trials: Annotated[int | None, typer.Option(min=1, help="Leave after so many trials.")] = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Train trials of a search that another process leads, here or on another machine."""
    load_keras_quietly()
    from ..search.crew import RECYCLED
    from ..search.worker import work

    over = work(join, token=token, at_most=trials, parent=parent)
    raise typer.Exit(0 if over else RECYCLED)


def best(
    search: Annotated[str, typer.Argument(help="Name of a search, as `kzoo tune` prints it.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The recipe to write.")] = Path("best.yaml"),
    trial: Annotated[str | None, typer.Option(help="Another trial than the best one.")] = None,
) -> None:
    """Write the recipe that rebuilds the best trial of a search."""
    check_folder("--output", output)
    load_keras_quietly()
    from ..search.winner import write_best

    print(write_best(search, output, trial))


def register(
    search: Annotated[str, typer.Argument(help="Name of a search, as `kzoo tune` prints it.")],
    name: Annotated[str | None, typer.Option(help="Name in the registry; the search's unless given.")] = None,
    trial: Annotated[str | None, typer.Option(help="Another trial than the best one.")] = None,
) -> None:
    """Put the model of the best trial into MLflow's registry, from which `mlflow models serve` answers."""
    load_keras_quietly()
    from ..search.winner import register_best

    print(register_best(search, name or search, trial))


def slurm(
    space: Annotated[str, typer.Argument(help="A space file, as seen from the folder in which the script will be submitted.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes that train at a time.")] = 4,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of each worker; 0 trains on CPUs.")] = 1,
    cpus: Annotated[int, typer.Option(min=1, help="Cores of each worker.")] = 4,
    partition: Annotated[str | None, typer.Option(help="Of the cluster.")] = None,
    time: Annotated[str, typer.Option(help="The longest that the job may run.")] = "24:00:00",
) -> None:
    """Print a script that searches a space on a SLURM cluster: kzoo slurm SPACE > search.sh; sbatch search.sh."""
    load_keras_quietly()
    from ..search.slurm import slurm_script

    print(slurm_script(space, workers, gpus=gpus, cpus=cpus, partition=partition, time=time), end="")


def spaces() -> None:
    """List the spaces that ship with kzoo."""
    from ..search import shipped_spaces

    print("\n".join(shipped_spaces()))
