"""The recipe that rebuilds a trial, as a file that says where it comes from."""

from datetime import date
from pathlib import Path

from ..errors import InputError
from ..training import load_recipe
from .outcome import Outcome
from .wording import duration, score_text, value_text

RECIPE = "recipe.yaml"
"""In a trial's folder: everything that its training was told, defaults included."""


def best_recipe(
    folder: str | Path, outcome: Outcome, *, objective: str = "score", command: str | None = None, today: date | None = None
) -> str:
    """The recipe of a trial, as YAML with a header that says where it comes from; `kzoo train` rebuilds the trial from it.

    Args:
        folder: of the search.
        outcome: of the trial.
        objective: the name of the score.
        command: that wrote the recipe; left out where None.
        today: the date for the header, today's unless given.

    Returns:
        The text of a file that `kzoo.load_recipe` reads as the trial's recipe, with the same digest.

    Raises:
        InputError: the trial's recipe is not there or cannot be read.
    """
    file = Path(folder) / "trials" / outcome.trial / RECIPE
    if not file.is_file():
        raise InputError(f"trial {outcome.trial}: expected its recipe in {file}, where it is not. Name another trial, or search again.")
    recipe = load_recipe(file)
    facts = {
        "Search": Path(folder).resolve().name,
        "Trial": outcome.trial,
        objective: f"{score_text(outcome)}{_executions(outcome)}",
        "Hyperparameters": ", ".join(f"{name} {value_text(value)}" for name, value in outcome.values.items()),
        "Trained": f"{outcome.epochs} epochs in {duration(outcome.seconds)}",
        "Run": outcome.run_id,
        "Written": f"{today or date.today()}{f' by: {command}' if command else ''}",
        "Digest": recipe.digest(),
    }
    header = [f"# {key}: {' '.join(str(value).split())}" for key, value in facts.items() if value]
    return "\n".join([*header, "", file.read_text().strip(), ""])


def _executions(outcome: Outcome) -> str:
    return f" (mean of {len(outcome.scores)} executions)" if len(outcome.scores) > 1 else ""
