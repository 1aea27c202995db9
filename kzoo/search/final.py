"""The finalists: the best trials trained again with seeds that the search has not seen, and compared."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import TrainingError
from ..files import write_atomically
from ..tracking.reason import short_reason
from ..training.prepare import build_for
from ..training.train import train_in
from .finalists import FinalistsReport, compare_finalists
from .outcome import Outcome
from .plan import Plan

FIRST_SEED = 1000
"""Added to the recipe's seed: the trials were chosen by their scores with the seeds below it."""


def train_finalists(plan: Plan, best: Sequence[Outcome], seeds: int, said: Callable[[str], None]) -> FinalistsReport | None:
    """Trains each of the best trials once per seed, as runs of their own below the search's, and compares them seed by seed.

    They are trained one after the other in this process, whoever trained the trials. What was trained before an interruption is not
    trained again, nor is what failed. A seed with which one of them fails is left out for all.

    Args:
        plan: of the search.
        best: two trials or more.
        seeds: trainings of each.
        said: told of each score, in a line.

    Returns:
        `FinalistsReport`; None with fewer than two seeds with which all of them train.
    """
    scores: dict[str, list[float]] = {outcome.trial: [] for outcome in best}
    for number in range(seeds):
        found = {}
        for outcome in best:
            score, reason = _trained(plan, outcome, number)
            came = reason if score is None else f"{plan.objective} {score:.4f}"
            said(f"finalist {outcome.trial}, seed {number + 1} of {seeds}: {came}")
            if score is not None:
                found[outcome.trial] = score
        if len(found) == len(best):
            for trial, score in found.items():
                scores[trial].append(score)
        else:
            said(f"seed {number + 1} is left out for all finalists, which are compared seed by seed")
    if len(scores[best[0].trial]) < 2:
        said("finalists: expected two seeds or more with which all of them train. Nothing is compared.")
        return None
    return compare_finalists(scores, plan.direction)


def _trained(plan: Plan, outcome: Outcome, number: int) -> tuple[float | None, str | None]:
    """The objective at the best epoch of one training, or why it failed."""
    name = f"finalist-{outcome.trial}-{number}"
    file = plan.folder / "finalists" / f"{name}.json"
    if not file.exists():
        write_atomically(file, json.dumps(_train(plan, outcome, number, name)))
    known = json.loads(file.read_text())
    return known["score"], known.get("reason")


def _train(plan: Plan, outcome: Outcome, number: int, name: str) -> dict[str, Any]:
    recipe = plan.recipe_of(outcome.values)
    recipe = replace(recipe, training=replace(recipe.training, seed=recipe.training.seed + FIRST_SEED + number))
    tags = {"kzoo.search": plan.space.name, "kzoo.search_id": plan.id, "kzoo.finalist": outcome.trial}
    run = plan.store.start(plan.experiment, name, tags, key=plan.key(name), parent=plan.key())
    dataset = plan.data_of(recipe)
    try:
        trained = train_in(run, recipe, dataset, build_for(recipe, dataset))
    except TrainingError as error:
        return {"score": None, "reason": short_reason(error), "run_id": run.id}
    return {"score": trained.metrics[f"best/{plan.objective[4:]}"], "run_id": run.id}
