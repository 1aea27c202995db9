"""What becomes of the winner: the recipe that rebuilds it, and its model in MLflow's registry."""

from datetime import date
from pathlib import Path

from ..errors import InputError, did_you_mean
from ..files import write_atomically
from ..tracking import Store
from ..tracking.models import register
from ..training import load_recipe
from .outcome import RECIPE, Outcome, ranked, read_outcomes
from .plan import folder_of, read_plan
from .wording import duration, score_text, value_text


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


def write_best(search: str, output: Path, trial: str | None = None, store: Store | None = None) -> str:
    """Writes the recipe of a search's best trial, or of another one, to a file; returns what was written, in a line.

    Raises:
        InputError: there is no such search or trial, none has a score where none is named, or its recipe is not there.
    """
    store = store or Store(create=False)
    outcome, objective = _chosen(search, trial, store)
    command = f"kzoo best {search}{'' if trial is None else f' --trial {trial}'}"
    write_atomically(output, best_recipe(folder_of(store, search), outcome, objective=objective, command=command))
    return f"{output}: trial {outcome.trial}, {objective} {score_text(outcome)}. Train it: kzoo train {output}"


def register_best(search: str, name: str, trial: str | None = None, store: Store | None = None) -> str:
    """Puts the model of a search's best trial, or of another one, into MLflow's registry; returns what was done, in a line.

    Raises:
        InputError: there is no such search or trial, none has a score where none is named, or the tracking store does not answer.
    """
    store = store or Store(create=False)
    outcome, objective = _chosen(search, trial, store)
    version = register(store, str(outcome.run_id), name)
    serve = f"mlflow models serve -m models:/{name}/{version} --env-manager local"
    return f"{name}, version {version}: trial {outcome.trial}, {objective} {score_text(outcome)}. Serve it: {serve}"


def _chosen(search: str, trial: str | None, store: Store) -> tuple[Outcome, str]:
    """The best trial of a search, or the one that is named, and the objective."""
    known = read_plan(store, search)
    outcomes = read_outcomes(folder_of(store, search))
    if trial is not None:
        names = [outcome.trial for outcome in outcomes]
        if trial not in names:
            raise InputError(f"--trial: expected one of {', '.join(names)}. Received: {trial}.{did_you_mean(trial, names)}")
        return outcomes[names.index(trial)], known["objective"]
    best = ranked(outcomes, known["direction"])
    if not best:
        raise InputError(f"search {search}: expected a trial with a score. Received: none of {len(outcomes)}. Finish it with --resume.")
    return best[0], known["objective"]
