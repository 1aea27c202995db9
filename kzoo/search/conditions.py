"""What depends on another domain: when a dimension is active, and how many stages a domain has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Condition:
    """A dimension is active only where another one has one of these values.

    >>> Condition("upsampling", ("transposed_conv",)).holds({"upsampling": "nearest"})
    False
    """

    parent: str
    values: tuple[Any, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the parent is active and has one of the values."""
        return self.parent in values and values[self.parent] in self.values


@dataclass(frozen=True)
class Stages:
    """The number of stages: a constant, or a value of the recipe and a constant, as in `model.depth + 1`."""

    path: str | None
    plus: int = 0

    def count(self, value: Any = 0) -> int:
        """The number of stages where the recipe has `value` at `path`."""
        return self.plus + (value if self.path else 0)

    def __str__(self) -> str:
        if self.path is None:
            return str(self.plus)
        return self.path if not self.plus else f"{self.path} {'+' if self.plus > 0 else '-'} {abs(self.plus)}"


_STAGES = re.compile(r"(?P<path>[a-z]\w*(?:\.\w+)+)(?:\s*(?P<sign>[+-])\s*(?P<number>\d+))?")


def parse_stages(given: Any) -> Stages | None:
    """A number of stages as it is written in a space; None for what is none.

    >>> str(parse_stages("model.depth+1")), str(parse_stages(3)), parse_stages("depth * 2")
    ('model.depth + 1', '3', None)
    """
    if isinstance(given, int) and not isinstance(given, bool):
        return Stages(None, given) if given > 0 else None
    found = _STAGES.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        return None
    return Stages(found["path"], int(f"{found['sign'] or '+'}{found['number'] or 0}"))
