"""Which tuner suits a space: the rules, as data, and the advice that follows from them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError
from .settings import Tuner
from .space import Space

INITIAL = 3
"""Points per dimension that keras-tuner's Bayesian search draws at random before its first proposal."""


@dataclass(frozen=True)
class Advice:
    """How a space had better be searched.

    Attributes:
        tuner: what is used.
        trials: at most; None for all points, or as many as Hyperband's brackets hold.
        message: what changed and why, or what to know; None for nothing.
    """

    tuner: Tuner
    trials: int | None
    message: str | None = None


@dataclass(frozen=True)
class Facts:
    """What the rules are about; `points` is None where it is not finite, `feasible` where not all of them were judged."""

    tuner: Tuner
    trials: int | None
    points: int | None
    feasible: int | None
    dimensions: int
    draws: int
    endless: str | None

    @property
    def initial(self) -> int:
        return max(INITIAL * self.dimensions, INITIAL)

    @property
    def most(self) -> float:
        """No more points than that are feasible."""
        known = self.points if self.feasible is None else self.feasible
        return math.inf if known is None else known

    @property
    def found(self) -> str:
        return f"{self.points} points are there" if self.feasible is None else f"{self.feasible} points are feasible"

    @property
    def enough(self) -> bool:
        """Whether there are trials for every feasible point."""
        return self.trials is not None and self.trials >= self.most


@dataclass(frozen=True)
class Rule:
    """A tuner that does not suit: `instead` is taken in its place; None refuses the search."""

    tuners: tuple[Tuner, ...]
    applies: Callable[[Facts], bool]
    instead: Tuner | None
    message: str


RULES = (
    Rule(
        ("random", "grid", "hyperband", "bayesian"),
        lambda facts: facts.feasible == 0,
        None,
        "domains: expected points that can be built within the constraints. Received: none. Loosen the constraints or widen the domains.",
    ),
    Rule(
        ("grid",),
        lambda facts: facts.points is None,
        None,
        "search.tuner: grid expects values that can be listed. Received: a range at {endless}. Give it a step, or set tuner: random.",
    ),
    Rule(
        ("hyperband",),
        lambda facts: facts.most < facts.draws,
        "grid",
        "Hyperband's brackets draw {draws} different points and {found}: it would train most of them for an epoch or two only. "
        "All that are feasible are trained instead (tuner: grid).",
    ),
    Rule(
        ("bayesian",),
        lambda facts: facts.enough,
        "grid",
        "{found} for {trials} trials: Bayesian search would repeat points. All that are feasible are trained once instead (tuner: grid).",
    ),
    Rule(
        ("bayesian",),
        lambda facts: facts.trials is not None and facts.trials <= facts.initial,
        "random",
        "Bayesian search draws its first {initial} points at random and there are {trials} trials: this is random search (tuner: random). "
        "Set more than {initial} trials.",
    ),
    Rule(
        ("random",),
        lambda facts: facts.enough,
        "grid",
        "{found} for {trials} trials: all that are feasible are trained once (tuner: grid).",
    ),
    Rule(
        ("grid",),
        lambda facts: facts.trials is not None and facts.feasible is not None and facts.trials < facts.feasible,
        "grid",
        "The grid ends after {trials} of {feasible} points, in the order of the file, so that the first domains hardly vary. "
        "tuner: random would spread the trials.",
    ),
)


def check_tuner(space: Space, feasible_count: int | None) -> Advice:
    """Whether the tuner of a space suits it.

    Args:
        space: from `load_space`.
        feasible_count: int, how many of its points are feasible, counted, not estimated: one tuner is taken for another, or a search
            refused, on facts only. None where that is not known.

    Returns:
        `Advice`: the tuner to use, another one where the space's own would waste the search, and why.

    Raises:
        InputError: no tuner would do, or the tuner cannot search this space.

    >>> from kzoo.search import load_space
    >>> check_tuner(load_space("unet_grid", {"search.tuner": "random"}), 25).tuner
    'grid'
    """
    search = space.search
    endless = next((f"domains.{dimension.path}" for dimension in space.dimensions if dimension.values is None), None)
    draws = sum(rounds[0][0] for rounds in brackets(space)) * search.hyperband.iterations
    facts = Facts(search.tuner, search.trials, space.cardinality(), feasible_count, len(space.dimensions), draws, endless)
    for rule in RULES:
        if search.tuner in rule.tuners and rule.applies(facts):
            message = rule.message.format(**vars(facts), initial=facts.initial, found=facts.found)
            if rule.instead is None:
                raise InputError(message)
            return Advice(rule.instead, search.trials if rule.instead == search.tuner or rule.instead == "random" else None, message)
    return Advice(search.tuner, search.trials)


def brackets(space: Space) -> list[list[tuple[int, int]]]:
    """Hyperband's brackets as keras-tuner runs them: for each round, how many trials, and until which epoch.

    >>> from kzoo.search import load_space
    >>> brackets(load_space("unet_grid", {"training.epochs": 9, "search.tuner": "hyperband"}))
    [[(9, 1), (3, 3), (1, 9)], [(5, 3), (2, 9)], [(3, 9)]]
    """
    factor, epochs = space.search.hyperband.factor, space.epochs
    count = int(math.log(epochs, factor) + 1e-9) + 1
    end = math.ceil(1 + math.log(epochs, factor))
    return [
        [
            (math.ceil(end / (bracket + 1) * factor ** (bracket - turn)), math.ceil(epochs / factor ** (bracket - turn)))
            for turn in range(bracket + 1)
        ]
        for bracket in reversed(range(count))
    ]


def hyperband_epochs(space: Space) -> int:
    """The epochs that all trials of Hyperband take together; a trial that goes on begins where it stood."""
    total = 0
    for rounds in brackets(space):
        before = 0
        for trials, until in rounds:
            total += trials * (until - before)
            before = until
    return total * space.search.hyperband.iterations
