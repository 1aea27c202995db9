"""The plan of an Inception v3: its modules, stage by stage, as branches of convolutions (Szegedy et al. 2016, table 1, figures 5 to 7)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from ..errors import ArgumentError
from ..layers.style import Size
from . import stages

STEM = (32, 32, 64, 80, 192)
"""Filters of the stem's convolutions."""


class Step(NamedTuple):
    """A convolution of a branch, or several side by side.

    Attributes:
        filters: of each.
        kernels: one per convolution.
        strided: whether it reduces the resolution.
    """

    filters: int
    kernels: tuple[Size, ...]
    strided: bool = False


class Module(NamedTuple):
    """An inception module: its branches, and the filters of its pooled branch; None where that reduces the resolution."""

    name: str
    branches: tuple[tuple[Step, ...], ...]
    pooled: int | None = None


def make_plan(
    rank: int, blocks: Sequence[int], width: float, pool_filters: int | Sequence[int], factor_filters: int | Sequence[int], kernel: int
) -> dict[str, list[Module]]:
    """The modules of every stage."""
    if stages.count("blocks", blocks) != 3:
        raise ArgumentError("blocks", f"expected three numbers, one per resolution. Received: {list(blocks)}.")
    stages.check_width(width)
    stages.check_positive("factor_kernel", kernel)
    first, second, third = blocks
    pools = _per_module("pool_filters", pool_filters, first)
    factors = _per_module("factor_filters", factor_filters, second)
    plan = {
        "stage3": [_figure5(f"stage3_block{n}", pooled) for n, pooled in enumerate(pools, start=1)],
        "stage4": [_reduce4("stage4_reduce")]
        + [_figure6(f"stage4_block{n}", filters, _one_per_axis(kernel, rank)) for n, filters in enumerate(factors, start=1)],
        "stage5": [_reduce5("stage5_reduce", _one_per_axis(kernel, rank))]
        + [_figure7(f"stage5_block{n}", _one_per_axis(3, rank)) for n in range(1, third + 1)],
    }
    return {stage: [_scaled(module, width) for module in modules] for stage, modules in plan.items()}


def _figure5(name: str, pooled: int) -> Module:
    return Module(name, (_chain((64, 1)), _chain((48, 1), (64, 5)), _chain((64, 1), (96, 3), (96, 3))), pooled)


def _figure6(name: str, filters: int, lines: Sequence[Size]) -> Module:
    """Lines along each axis once, last axis first, and along each axis twice."""
    once = _chain((filters, 1), *((filters, line) for line in lines[:0:-1]), (192, lines[0]))
    twice = _chain((filters, 1), *((filters, line) for line in [*lines, *lines[:-1]]), (192, lines[-1]))
    return Module(name, (_chain((192, 1)), once, twice), 192)


def _figure7(name: str, lines: Sequence[Size]) -> Module:
    spread = Step(384, tuple(reversed(lines)))
    return Module(name, (_chain((320, 1)), (*_chain((384, 1)), spread), (*_chain((448, 1), (384, 3)), spread)), 192)


def _reduce4(name: str) -> Module:
    return Module(name, ((Step(384, (3,), True),), (*_chain((64, 1), (96, 3)), Step(96, (3,), True))))


def _reduce5(name: str, lines: Sequence[Size]) -> Module:
    factorized = _chain((192, 1), *((192, line) for line in reversed(lines)))
    return Module(name, ((*_chain((192, 1)), Step(320, (3,), True)), (*factorized, Step(192, (3,), True))))


def _chain(*steps: tuple[int, Size]) -> tuple[Step, ...]:
    """Convolutions one after another, each as filters and kernel."""
    return tuple(Step(filters, (kernel,)) for filters, kernel in steps)


def _one_per_axis(length: int, rank: int) -> list[Size]:
    """Kernels that are lines.

    >>> _one_per_axis(7, 2)
    [(7, 1), (1, 7)]
    """
    return [tuple(length if other == axis else 1 for other in range(rank)) for axis in range(rank)]


def _scaled(module: Module, width: float) -> Module:
    branches = tuple(tuple(step._replace(filters=stages.times(step.filters, width)) for step in branch) for branch in module.branches)
    return Module(module.name, branches, None if module.pooled is None else stages.times(module.pooled, width))


def _per_module(argument: str, filters: int | Sequence[int], modules: int) -> tuple[int, ...]:
    found = stages.per_stage(argument, filters, modules, f"{modules} modules")
    for value in found:
        stages.check_positive(argument, value)
    return found


def widths(plan: Mapping[str, Sequence[Module]]) -> Iterator[int]:
    """The filters of all convolutions; 0 for poolings that are not projected."""
    for module in chain(*plan.values()):
        yield from (step.filters for branch in module.branches for step in branch)
        yield module.pooled or 0


def names(plan: Mapping[str, Sequence[Module]]) -> Iterator[str]:
    """The names of the convolutions of all modules, in the order in which they are made."""
    for module in chain(*plan.values()):
        counts = [sum(len(step.kernels) for step in branch) for branch in module.branches] + [1] * (module.pooled is not None)
        yield from (f"{module.name}_branch{branch}_conv{n}" for branch, count in enumerate(counts, start=1) for n in range(1, count + 1))
