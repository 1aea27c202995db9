"""The trunk of a graph: the path that a figure draws, from the input down to the coarsest map and on to the output.

It is the longest path, counted in layers that make a new map. Side paths are what a merge reads besides: skips, shortcuts, gates.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import prod

from .nodes import Node, Nodes
from .operations import KINDS, Operation, describe, gates

LEAST = 1e-3
"""What a layer that makes no new map adds to a path's length."""

DETOUR = -5.0
"""What global pooling adds: pooled branches of a pyramid or of squeeze-and-excitation are side paths."""


def operations(graph: Nodes) -> list[Operation]:
    """What each node does; the input's kind is `input`."""
    nodes = graph.nodes
    rest = [describe(node, nodes[node.inputs[0]] if node.inputs else nodes[0]) for node in nodes[1:]]
    return [Operation("input", scale=Fraction(1)), *rest]


def find_trunk(graph: Nodes, does: Sequence[Operation]) -> tuple[list[int], list[int]]:
    """The trunk as positions of nodes in order, and for every node the one before it on its own longest path from the input."""
    lengths, before = [0.0], [0]
    for position, node in enumerate(graph.nodes[1:], start=1):
        own = _length(does[position])
        longest = max(trunk_inputs(graph, node), key=lambda i: lengths[i], default=0)
        lengths.append(lengths[longest] + own if node.inputs else float("-inf"))
        before.append(longest)
    end = max(graph.drawn, key=lambda i: lengths[i])
    path = [end]
    while path[-1] != 0:
        path.append(before[path[-1]])
    return path[::-1], before


def trunk_inputs(graph: Nodes, node: Node) -> list[int]:
    """What a node reads, without what only weights it: maps that are broadcast, and gates of a product."""
    inputs = list(dict.fromkeys(node.inputs))
    if len(inputs) > 1:
        largest = max(graph.nodes[i].area for i in inputs)
        inputs = [i for i in inputs if graph.nodes[i].area == largest]
    if len(inputs) > 1 and type(node.layer).__name__ == "Multiply":
        inputs = [i for i in inputs if not gates(graph.nodes[i].layer)] or inputs
    return inputs


def scales(graph: Nodes, does: Sequence[Operation], before: Sequence[int]) -> list[Fraction]:
    """Every node's positions as a fraction of the input's, by strides rather than sizes, so that cropping does not count."""
    result = [Fraction(1)]
    for position, node in enumerate(graph.nodes[1:], start=1):
        source = graph.nodes[before[position]]
        known = does[position].scale if source.sizes or not node.sizes else None
        result.append(result[before[position]] * (_ratio(source.sizes, node.sizes) if known is None else known))
    return result


def _length(does: Operation) -> float:
    if does.kind == "global_pool":
        return DETOUR
    return 1.0 if does.kind in KINDS else LEAST


def _ratio(before: Sequence[int], after: Sequence[int]) -> Fraction:
    """The factor between two sizes, rounded to a whole number per axis, or as a whole where the axes differ in number."""
    if len(before) == len(after):
        return prod((_whole(n, m) for n, m in zip(before, after, strict=True)), start=Fraction(1))
    return _whole(prod(before), prod(after))


def _whole(before: int, after: int) -> Fraction:
    if after >= before:
        return Fraction(max(round(after / before), 1))
    return Fraction(1, max(round(before / after), 1))
