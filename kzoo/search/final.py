"""The finalists: the best trials trained again with seeds that the search has not seen, and compared."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..files import write_atomically
from ..training.prepare import build_for
from ..training.train import train_in
from .finalists import FinalistsReport, compare_finalists
from .outcome import Outcome
from .plan import Plan

FIRST_SEED = 1000
"""Added to the recipe's seed: the trials were chosen by their scores with the seeds below it."""


def train_finalists(plan: Plan, best: Sequence[Outcome], seeds: int, said: Callable[[str], None]) -> FinalistsReport:
    """Trains each of the best trials once per seed, as runs of their own below the search's, and compares them seed by seed.

    What was trained before an interruption is not trained again.

    Args:
        plan: of the search.
        best: two trials or more.
        seeds: trainings of each.
        said: told of each score, in a line.
    """
    scores: dict[str, list[float]] = {outcome.trial: [] for outcome in best}
    for number in range(seeds):
        for outcome in best:
            score = _score(plan, outcome, number)
            scores[outcome.trial].append(score)
            said(f"finalist {outcome.trial}, seed {number + 1} of {seeds}: {plan.objective} {score:.4f}")
    return compare_finalists(scores, plan.direction)


def _score(plan: Plan, outcome: Outcome, number: int) -> float:
    """The objective at the best epoch of one training."""
    name = f"finalist-{outcome.trial}-{number}"
    file = plan.folder / "finalists" / f"{name}.json"
    if file.exists():
        return json.loads(file.read_text())["score"]
    recipe = plan.recipe_of(outcome.values)
    recipe = replace(recipe, training=replace(recipe.training, seed=recipe.training.seed + FIRST_SEED + number))
    tags = {"kzoo.search": plan.space.name, "kzoo.search_id": plan.id, "kzoo.finalist": outcome.trial}
    run = plan.store.start(plan.experiment, name, tags, key=plan.key(name), parent=plan.key())
    dataset = plan.data_of(recipe)
    trained = train_in(run, recipe, dataset, build_for(recipe, dataset))
    score = trained.history[trained.best_epoch - 1][plan.objective]
    write_atomically(file, json.dumps({"score": score, "run_id": run.id}))
    return score
