"""A dimension: one hyperparameter of a space, as keras-tuner sees it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError
from .conditions import Condition

Scalar = str | int | float | bool
Kind = Literal["choice", "int", "float"]
Scale = Literal["linear", "log"]


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter.

    Values are those of keras-tuner: text, numbers, true or false. For what else a recipe holds, such as lists or null, there is a text.

    Attributes:
        name: the last part of the path, with the stage behind it where there is one per stage: `filters_0`; the whole path where two
            would be equal.
        path: in the recipe.
        kind: `choice`, `int` or `float`.
        choices: of a choice, as the recipe holds them.
        low, high, step: of a range, both ends included; `step` is None for every value (every integer), and is added, or multiplied with
            where the scale is `log`.
        scale: `linear` or `log`, by which a range is drawn from.
        default: the recipe's own value where that is in the domain, else the first one.
        conditions: all must hold for the dimension to be active; empty for always.
        stage: its number, from 0, where there is one dimension per stage.
    """

    name: str
    path: str
    kind: Kind
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    scale: Scale = "linear"
    default: Scalar | None = None
    conditions: tuple[Condition, ...] = ()
    stage: int | None = None

    @cached_property
    def values(self) -> tuple[Scalar, ...] | None:
        """All values, in order; None where they are not finite."""
        if self.kind == "choice":
            return encoded(self.choices)
        if self.step is None:
            return tuple(range(int(self.low), int(self.high) + 1)) if self.kind == "int" else None  # type: ignore[arg-type]
        return _stepped(self.low, self.high, self.step, self.scale, self.kind)  # type: ignore[arg-type]

    def active(self, values: Mapping[str, Any]) -> bool:
        """Whether all conditions hold, given the values of the dimensions before."""
        return all(condition.holds(values) for condition in self.conditions)

    def sample(self, rng: np.random.Generator) -> Scalar:
        """A value at random, drawn as keras-tuner draws it."""
        values = self.values
        if values is not None and (self.step is not None or self.kind == "choice" or self.scale == "linear"):
            return values[rng.integers(len(values))]
        low, high = float(self.low), float(self.high) + (self.kind == "int")  # type: ignore[arg-type]
        share = rng.uniform()
        drawn = low * (high / low) ** share if self.scale == "log" else low + share * (high - low)
        return int(drawn) if self.kind == "int" else float(drawn)

    def decode(self, value: Any) -> Any:
        """The value as the recipe holds it.

        Raises:
            ArgumentError: the dimension has no such value.
        """
        if self.kind != "choice":
            return self._number(value)
        for choice, code in zip(self.choices, encoded(self.choices), strict=True):
            if value in (code, choice):
                return choice
        raise ArgumentError(self.name, f"expected one of {', '.join(map(str, encoded(self.choices)))}. Received: {value}.")

    def _number(self, value: Any) -> int | float:
        """Within the range; but for rounding one of its steps, since keras-tuner adds them up."""
        low, high = float(self.low), float(self.high)  # type: ignore[arg-type]
        near = 1e-9 * max(abs(low), abs(high))
        whole = self.kind == "float" or (isinstance(value, int | np.integer) and not isinstance(value, bool))
        if not whole or not isinstance(value, int | float | np.number) or not low - near <= value <= high + near:
            kind = "an integer" if self.kind == "int" else "a number"
            raise ArgumentError(self.name, f"expected {kind} from {self.low:g} to {self.high:g}. Received: {value!r}.")
        if self.step is not None:
            value = min(self.values, key=lambda known: abs(known - value))  # type: ignore[arg-type, operator]
        return int(value) if self.kind == "int" else float(min(max(value, low), high))


def encoded(choices: Sequence[Any]) -> tuple[Scalar, ...]:
    """The choices as keras-tuner takes them: of one type, each different.

    >>> encoded(["relu", "gelu"]), encoded([0, 0.1]), encoded([[3, 3], None]), encoded(["null", None])
    (('relu', 'gelu'), (0.0, 0.1), ('[3, 3]', 'null'), ('"null"', 'null'))
    """
    kinds = {type(choice) for choice in choices}
    if kinds in ({str}, {int}, {bool}, {float}):
        return tuple(choices)
    if kinds == {int, float}:
        return tuple(float(choice) for choice in choices)
    texts = [choice if isinstance(choice, str) else json.dumps(choice) for choice in choices]
    return tuple(texts) if len(set(texts)) == len(texts) else tuple(json.dumps(choice) for choice in choices)


def _stepped(low: float, high: float, step: float, scale: Scale, kind: Kind) -> tuple[Scalar, ...]:
    """All steps of a range; the tolerance keeps the last one, which rounding would lose."""
    if scale == "log":
        count = int(math.log(high / low, step) + 1e-9) + 1
        values = [low * step**i for i in range(count)]
    else:
        count = int((high - low) / step + 1e-9) + 1
        values = [low + i * step for i in range(count)]
    return tuple(int(value) if kind == "int" else float(f"{value:.12g}") for value in values)
