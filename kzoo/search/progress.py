"""What a person sees while a search goes on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .outcome import Outcome, ranked, read_outcomes

if TYPE_CHECKING:
    from .plan import Plan


class SearchProgress:
    """Told of the start of a search and of its trials; this one keeps silent."""

    def advised(self, message: str) -> None:
        """Another tuner than the space's is used, or a caution was found."""

    def started(self, plan: "Plan", run_id: str) -> None:
        """The search's run is open."""

    def listening(self, address: str, token: str) -> None:
        """Workers can join."""

    def began(self, trial: str, values: Mapping[str, Any]) -> None:
        """A trial is about to be trained."""

    def ended(self, outcome: Outcome) -> None:
        """A trial is over."""


class PrintedSearch(SearchProgress):
    """A line at the start and one per trial."""

    def advised(self, message: str) -> None:
        print(message, flush=True)

    def started(self, plan: "Plan", run_id: str) -> None:
        self._plan = plan
        print(
            f"search {plan.space.name}: {plan.advice.tuner}, {plan.advice.trials or 'all'} trials, "
            f"objective {plan.objective}, run {run_id}",
            flush=True,
        )

    def listening(self, address: str, token: str) -> None:
        print(f"workers can join: kzoo tune-worker --join {address} --token {token}", flush=True)

    def ended(self, outcome: Outcome) -> None:
        values = "  ".join(f"{name}={_short(value)}" for name, value in outcome.values.items())
        if outcome.score is None:
            print(f"trial {outcome.trial}  failed: {outcome.reason}  {values}", flush=True)
            return
        best = ranked(read_outcomes(self._plan.folder), self._plan.direction)[0]
        mark = "  (ended early)" if outcome.status == "pruned" else ""
        rank = "best so far" if best.trial == outcome.trial else f"best {best.score:.4f} ({best.trial})"
        print(f"trial {outcome.trial}  {outcome.score:.4f}{mark}  {rank}  {outcome.seconds:.0f} s  {values}", flush=True)


PRINTED: SearchProgress = PrintedSearch()


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
