"""The X-ray of a space in words and tables of at most 80 columns."""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .constraints import in_short
from .dimensions import Dimension
from .wording import duration

if TYPE_CHECKING:
    from .xray import Duration, XRay

COLUMNS = 80


def dimension_table(found: "XRay") -> Any:
    """One row per dimension: its values, how many they are, and when it is active."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=f"space {found.space.name}: {_size(found.points)}", title_justify="left", box=SIMPLE_HEAD)
    for heading, justify in (("dimension", "left"), ("values", "left"), ("number", "right"), ("active", "left")):
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for dimension in found.space.dimensions:
        number = "infinite" if dimension.values is None else str(len(dimension.values))
        table.add_row(dimension.name, values_in_words(dimension), number, conditions_in_words(dimension))
    return table


def values_in_words(dimension: Dimension) -> str:
    """The values of a dimension as they are read: a list, lines of which end between values, or a range with its step and scale."""
    if dimension.kind == "choice":
        return ", ".join(str(value).replace(", ", ",") for value in dimension.values or ())
    sign = "x" if dimension.scale == "log" else "+"
    step = f", {sign}{dimension.step:g}" if dimension.step is not None else ""
    log = ", log" if dimension.scale == "log" else ""
    return f"{dimension.low:g} to {dimension.high:g}{step}{log}"


def conditions_in_words(dimension: Dimension) -> str:
    """When a dimension is active."""
    said = [f"{condition.parent}: {' or '.join(map(str, condition.values))}" for condition in dimension.conditions]
    return "; ".join(said) or "always"


def summary(found: "XRay") -> str:
    """The findings, one paragraph each."""
    lines = [line for part in _parts(found) for line in part]
    return "\n".join(wrapped for line in lines for wrapped in _wrapped(line))


def _wrapped(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, COLUMNS, subsequent_indent=f"{indent}  ", break_on_hyphens=False) if len(line) > COLUMNS else [line]


def _parts(found: "XRay") -> Iterator[list[str]]:
    yield [f"space {found.space.name}: {_size(found.points)}, compared by {found.objective}"]
    yield _feasibility(found)
    yield _costs(found)
    if found.duration is not None:
        yield [_duration(found.duration)]
    yield [_tuner(found)]


def _feasibility(found: "XRay") -> list[str]:
    judged = "all of them" if found.exact else f"{found.judged} drawn at random"
    low, high = found.interval
    share = f"{found.infeasible:.1%}" if found.exact else f"{found.infeasible:.1%} ({low:.1%} to {high:.1%}, 95 % confidence)"
    lines = [f"judged: {judged}; infeasible: {share}"]
    for reason in found.reasons:
        example = reason.example.removeprefix(f"{reason.kind}: ")
        lines.append(f"  {reason.count} by {reason.kind}, such as: {example}")
    if found.feasible_count is not None:
        lines.append(f"feasible points: {'' if found.exact else 'about '}{found.feasible_count:,}")
    return lines


def _costs(found: "XRay") -> list[str]:
    if not found.spread:
        return []
    head = f"{'of feasible points':<20}" + "".join(f"{name:>12}" for name in ("least", "quarter", "median", "3 quarters", "most"))
    rows = [f"  {name:<18}" + "".join(f"{in_short(value, name):>12}" for value in values) for name, values in found.spread.items()]
    return [head, *rows]


def _duration(found: "Duration") -> str:
    least, mean, most = map(duration, found.trial)
    networks = "1 network was" if found.networks == 1 else f"{found.networks} networks were"
    return (
        f"duration: at most about {duration(found.total)}; a trial takes {least} to {most}, on average {mean}. {networks} "
        "trained for a few steps on this machine; the rest is fitted to MACs and layers, one trial at a time."
    )


def _tuner(found: "XRay") -> str:
    if found.advice is None:
        return f"refused: {found.refusal}"
    advice = found.advice
    trials = f", {advice.trials} trials" if advice.trials else ""
    return f"tuner: {advice.tuner}{trials}" + (f". {advice.message}" if advice.message else "")


def _size(points: int | None) -> str:
    return "infinitely many points" if points is None else f"{points:,} points"
