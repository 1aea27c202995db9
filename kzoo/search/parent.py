"""The run of a search as a whole: what all trials share, the best score so far, and a note from which the answer can be read."""

from collections.abc import Mapping

import yaml

from ..tracking import Run
from ..tracking.views import run_page
from ..training.recipe import flatten
from .figures import best_so_far, importance_figure, pareto_figure
from .finalists import FinalistsReport
from .importance import Importances, importance
from .links import search_pages, search_view
from .note import LIMIT, ranking_note
from .outcome import Outcome, ranked, read_outcomes
from .plan import Plan
from .ranking import trials_csv
from .space import EXTENDABLE

NOTE = "mlflow.note.content"
OVER = ("completed", "pruned", "failed")


class Parent:
    """Keeps the run of a search up to date while its trials come and go.

    Args:
        plan: of the search.
        run: the search's own, which is open.
    """

    def __init__(self, plan: Plan, run: Run):
        self.plan, self.run = plan, run
        self.rejected: Mapping[str, int] = {}
        """How many points were refused before training, by reason."""
        self.remark: str | None = None
        """Why the search has ended before all of its trials."""
        self._logged = run.logged_steps("search/best")

    def began(self) -> None:
        """Logs what holds for all trials."""
        plan = self.plan
        searched = {dimension.path for dimension in plan.space.dimensions}
        fixed = {key: value for key, value in flatten(plan.space.recipe.resolved()).items() if key not in searched}
        settings = {f"search.{key}": value for key, value in flatten(plan.space.resolved()["search"]).items()}
        used = {"search.tuner": plan.advice.tuner, "search.objective": plan.objective}
        self.run.log_parameters({key: value for key, value in {**fixed, **settings, **used}.items() if key not in EXTENDABLE})
        self.run.save_view(search_view(plan))
        self.run.log_text(plan.space.text, "space.yaml")
        self.run.log_text(yaml.safe_dump(plan.space.resolved(), sort_keys=False), "space_resolved.yaml")
        for split in plan.dataset.splits():
            self.run.log_dataset(f"{plan.dataset.name}/{split}", plan.dataset.fingerprint, plan.space.recipe.source, split)

    def trial_ended(self) -> None:
        """Logs the best score so far, and writes the note anew."""
        outcomes = read_outcomes(self.plan.folder)
        step, best = sum(o.status in OVER for o in outcomes), ranked(outcomes, self.plan.direction)
        if best and step not in self._logged:
            self._logged.add(step)
            self.run.log_metrics({"search/best": best[0].score or 0.0}, step=step)
        self.write_note(outcomes)

    def trials_ended(self) -> Importances:
        """Logs the table and the figures of the whole search; returns what mattered."""
        plan, outcomes = self.plan, read_outcomes(self.plan.folder)
        self.run.log_text(trials_csv(outcomes, plan.direction), "trials.csv")
        best = ranked(outcomes, plan.direction)
        mattered = importance(outcomes, plan.direction)
        if best:
            self.run.set_tags({"kzoo.best_trial": best[0].trial})
            self.run.log_figure(best_so_far(outcomes, plan.objective, plan.direction), "best_so_far.png")
            self.run.log_figure(pareto_figure(outcomes, plan.objective, plan.direction), "pareto.png")
            self.run.log_figure(importance_figure(mattered), "importance.png")
        self.write_note(outcomes, mattered if best else None)
        return mattered

    def finalists_ended(self, finalists: FinalistsReport, mattered: Importances) -> None:
        """Writes how they compare into the note."""
        self.write_note(read_outcomes(self.plan.folder), mattered, finalists)

    def write_note(self, outcomes: list[Outcome], mattered: Importances | None = None, finalists: FinalistsReport | None = None) -> None:
        """The ranking, with links to the trials, and below it the finalists."""
        compared = "" if finalists is None else f"\n\n### Finalists\n\n{finalists.markdown()}"
        note = ranking_note(
            outcomes,
            self.plan.objective,
            self.plan.direction,
            self._links(outcomes),
            planned=self.plan.advice.trials,
            importances=mattered,
            rejected=self.rejected,
            remark=self.remark,
            pages=search_pages(self.plan, self.run),
            limit=LIMIT - len(compared),
        )
        self.run.set_tags({NOTE: note + compared})

    def _links(self, outcomes: list[Outcome]) -> dict[str, str]:
        """Where MLflow shows the trials: in the experiment of the search's own run."""
        own = self.plan.store.place(self.run)
        if own is None:
            return {}
        return {o.trial: run_page(own[0], o.run_id) for o in outcomes if o.run_id and not o.run_id.startswith(self.plan.key())}
