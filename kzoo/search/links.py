"""Where MLflow's pages show a search: the view of its trials, and the addresses that open it."""

from ..tracking import Run
from ..tracking.views import View, metric, parameter, run_page, runs_page
from ..training.mosaic import SAMPLES
from .plan import Plan

SCORE, COSTS = "search/score", ("cost/parameters_total", "cost/macs", "cost/seconds")

AXES = 8
"""Hyperparameters that parallel coordinates can show side by side."""


def search_view(plan: Plan) -> View:
    """The trials of a search, the best first: a table with the ranking's columns, and the charts.

    The axes are the hyperparameters that every trial has: MLflow draws only runs that have a value on each axis.
    """
    dimensions = plan.space.dimensions
    everywhere = [parameter(d.name) for d in dimensions if not d.conditions][:AXES]
    maps = plan.dataset.task == "segmentation"
    names = [f"sample_{number}" for number in range(SAMPLES)] if maps else ["samples"]
    return View(
        key=plan.key(),
        name=f"search {plan.space.name} ({plan.id})",
        query=f"tags.`kzoo.search_id` = '{plan.id}' AND tags.`kzoo.trial` LIKE '%'",
        order_by=metric(SCORE),
        ascending=plan.direction == "min",
        columns=(metric(SCORE), *(parameter(d.name) for d in dimensions), *map(metric, COSTS)),
        axes=(*everywhere, metric("cost/macs"), metric(SCORE)),
        pictures=tuple(f"predictions/{name}" for name in names),
        step=plan.space.recipe.training.epochs,
    )


def search_pages(plan: Plan, run: Run) -> dict[str, str]:
    """The addresses of a search within MLflow's pages, by what they show; none until the store has told the run's id."""
    own = plan.store.place(run)
    if own is None:
        return {}
    experiment, run_id = own
    return {
        "ranking": run_page(experiment, run_id),
        "table": runs_page(experiment, plan.key()),
        "charts": runs_page(experiment, plan.key(), "charts"),
    }
