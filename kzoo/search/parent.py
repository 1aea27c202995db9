"""The run of a search as a whole: what all trials share, the best score so far, and a note from which the answer can be read."""

from collections.abc import Mapping

import yaml

from ..tracking import Run
from ..training.recipe import flatten
from .figures import best_so_far, importance_figure, pareto_figure
from .importance import importance
from .outcome import Outcome, ranked, read_outcomes
from .plan import Plan
from .ranking import ranking_note, trials_csv

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
        self._logged = run.logged_steps("search/best")

    def began(self) -> None:
        """Logs what holds for all trials."""
        plan = self.plan
        fixed = {k: v for k, v in flatten(plan.space.recipe.resolved()).items() if k not in {d.path for d in plan.space.dimensions}}
        settings = {f"search.{key}": value for key, value in flatten(plan.space.resolved()["search"]).items()}
        self.run.log_parameters({**fixed, **settings, "search.tuner": plan.advice.tuner, "search.objective": plan.objective})
        self.run.log_text(plan.space.text, "space.yaml")
        self.run.log_text(yaml.safe_dump(plan.space.recipe.resolved(), sort_keys=False), "recipe.yaml")
        for split in plan.dataset.splits():
            self.run.log_dataset(f"{plan.dataset.name}/{split}", plan.dataset.fingerprint, plan.space.recipe.source, split)

    def ended(self, outcome: Outcome) -> None:
        """Logs the score of a trial and the best one so far, and writes the note anew."""
        outcomes = read_outcomes(self.plan.folder)
        step, best = sum(o.status in OVER for o in outcomes), ranked(outcomes, self.plan.direction)
        if best and step not in self._logged:
            self._logged.add(step)
            own = {} if outcome.score is None else {"search/score": outcome.score}
            self.run.log_metrics({"search/best": best[0].score or 0.0, **own}, step=step)
        self.write_note(outcomes)

    def write_note(self, outcomes: list[Outcome], finalists: str = "") -> None:
        """The ranking, with links to the trials."""
        links = {o.trial: link for o in outcomes if o.run_id and (link := self.plan.store.link(o.run_id))}
        note = ranking_note(
            outcomes,
            self.plan.objective,
            self.plan.direction,
            links,
            trials=self.plan.advice.trials,
            rejected=self.rejected,
        )
        self.run.set_tags({NOTE: note + finalists})

    def finish(self) -> None:
        """Logs the table and the figures of the whole search."""
        plan, outcomes = self.plan, read_outcomes(self.plan.folder)
        self.run.log_text(trials_csv(outcomes), "trials.csv")
        best = ranked(outcomes, plan.direction)
        if best:
            self.run.log_metrics({"search/best_score": best[0].score or 0.0, "search/trials": len(outcomes)})
            self.run.set_tags({"kzoo.best_trial": best[0].trial})
            self.run.log_figure(best_so_far(outcomes, plan.objective, plan.direction), "best_so_far.png")
            self.run.log_figure(pareto_figure(outcomes, plan.objective, plan.direction), "pareto.png")
            self.run.log_figure(importance_figure(importance(outcomes, plan.direction), plan.objective), "importance.png")
        self.write_note(outcomes)
