"""The commands that train one recipe, or the five of the demonstration."""

from typing import Annotated

import typer

from ..errors import InputError
from .options import read_settings
from .terminal import load_keras_quietly, print_table, program


def demo() -> None:
    """Train four U-Nets and a small CNN on real images, in about four minutes, and compare them."""
    load_keras_quietly()
    from ..demo import EXPERIMENT, run_demo
    from ..reports import comparison_table
    from ..tracking import Store

    records = run_demo(Store())
    print_table(comparison_table(records, f"experiment {EXPERIMENT}"))
    print(f"Look at the runs in MLflow:  {program()} ui")


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
    load_keras_quietly()
    from ..training import train

    trained = train(recipe, overrides=read_settings(settings or []), resume=resume, force=force)
    scores = {k: v for k, v in sorted(trained.metrics.items()) if k.startswith(("best/", "test/"))}
    print("\n".join(f"{key:<24}{value:.4f}" for key, value in scores.items() if key != "best/epoch"))
    print(f"run {trained.run_id}, best epoch {trained.best_epoch}. Look at it in MLflow: {program()} ui")


def recipes() -> None:
    """List the recipes that ship with kzoo."""
    from ..training.recipe import shipped_recipes

    print("\n".join(shipped_recipes()))
