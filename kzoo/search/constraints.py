"""What a network may cost: `parameters <= 2e6`, as bounds from above and below."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..errors import did_you_mean
from .wording import count_text

Quantity = Literal["parameters", "macs", "memory"]
"""All parameters; MACs of one sample; bytes of a training step at the batch size of the trial."""

Comparison = Literal["<=", ">=", "<", ">"]
_FORM = re.compile(r"\s*(\w+)\s*(<=|>=|<|>)\s*(\S+)\s*")


@dataclass(frozen=True)
class Constraint:
    """A bound on what a network costs.

    >>> constraint = parse_constraint("parameters <= 2e6")
    >>> constraint.refusal({"parameters": 3_141_592})
    'parameters: 3.14 M, more than 2 M'
    """

    quantity: Quantity
    comparison: Comparison
    bound: float

    def refusal(self, costs: Mapping[str, int | None]) -> str | None:
        """Why a network of these costs is refused, in one line; None if it is not."""
        value = costs[self.quantity]
        if value is None:
            return f"{self.quantity}: not known for this network, so {self} cannot be checked"
        if self._holds(value):
            return None
        than = {"<=": "more than", "<": "not below", ">=": "less than", ">": "not above"}[self.comparison]
        return f"{self.quantity}: {in_short(value, self.quantity)}, {than} {in_short(self.bound, self.quantity)}"

    def _holds(self, value: float) -> bool:
        match self.comparison:
            case "<=":
                return value <= self.bound
            case ">=":
                return value >= self.bound
            case "<":
                return value < self.bound
            case _:
                return value > self.bound

    def __str__(self) -> str:
        return f"{self.quantity} {self.comparison} {self.bound:g}"


def parse_constraint(text: Any) -> Constraint | str:
    """A constraint from its text, or what is wrong with it."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    bound = _number(found[3]) if found else None
    if found is None or bound is None:
        return f"expected a bound, such as parameters <= 2e6. Received: {text}."
    known = get_args(Quantity)
    if found[1] not in known:
        return f"expected a bound on one of {', '.join(known)}. Received: {text}.{did_you_mean(found[1], known)}"
    return Constraint(found[1], found[2], bound)  # type: ignore[arg-type]


def in_short(value: float, quantity: str) -> str:
    """A cost with three digits; memory in bytes.

    >>> in_short(1_234_567, "macs"), in_short(4e9, "memory")
    ('1.23 M', '4 GB')
    """
    return count_text(value, "B" if quantity == "memory" else "")


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
