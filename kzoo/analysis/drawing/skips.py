"""What a merge reads besides the trunk: skips across the U, shortcuts within a stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .nodes import Nodes
from .operations import KINDS, Operation


@dataclass(frozen=True)
class Skip:
    """A connection from one box to a later one.

    Attributes:
        source, target: positions of the boxes.
        merge: how it joins, `concatenate`, `add` or another layer's name.
        crop: the sizes that are left of the source where rows are cut off; else none.
        gated: whether an attention gate weights it.
        layers: the texts of the layers on the way.
    """

    source: int
    target: int
    merge: str
    crop: tuple[int, ...] = ()
    gated: bool = False
    layers: tuple[str, ...] = ()

    def text(self, crosses: bool) -> str:
        """The skip in the legend.

        >>> Skip(0, 5, "add", crop=(8, 8)).text(crosses=True)
        'copy and crop, add'
        """
        copy = "copy and crop" if self.crop else "copy"
        words = [copy if crosses else "shortcut", *self.layers]
        words += ["attention gate"] * self.gated
        words += [self.merge] * (self.merge != "concatenate" or not crosses)
        return ", ".join(words)


def skips_into(
    merge: int,
    graph: Nodes,
    does: Sequence[Operation],
    before: Sequence[int],
    scale: Sequence[Fraction],
    place: Mapping[int, int],
) -> list[Skip]:
    """The skips that a merge on the trunk reads, `target` left open; `place` maps the nodes of the trunk so far to their boxes."""
    found = []
    for end in graph.nodes[merge].inputs:
        if end != before[merge]:
            chain = _chain(end, before, place)
            side = _side(end, graph, place)
            source = chain[-1]
            level = [i for i in side if i in place and scale[i] == scale[merge] and place[i] < place[before[merge]]]
            if scale[source] != scale[merge] and level:
                source = max(level)
            gated = any(does[i].text == "multiply" for i in chain[:-1])
            found.append(
                Skip(
                    place[source],
                    -1,
                    does[merge].text,
                    crop=_cropped(source, end, graph, scale),
                    gated=gated,
                    layers=tuple(dict.fromkeys(does[i].text for i in reversed(chain[:-1]) if does[i].kind in (*KINDS, "named"))),
                )
            )
    return found


def _chain(end: int, before: Sequence[int], place: Mapping[int, int]) -> list[int]:
    """The longest path back from a node to the trunk, both ends included."""
    chain = [end]
    while chain[-1] not in place:
        chain.append(before[chain[-1]])
    return chain


def _side(end: int, graph: Nodes, place: Mapping[int, int]) -> set[int]:
    """All nodes that lie behind a node, back to the trunk, those of the trunk included."""
    seen, todo = set(), [end]
    while todo:
        position = todo.pop()
        if position not in seen:
            seen.add(position)
            todo += () if position in place else graph.nodes[position].inputs
    return seen


def _cropped(source: int, end: int, graph: Nodes, scale: Sequence[Fraction]) -> tuple[int, ...]:
    before, after = graph.nodes[source].sizes, graph.nodes[end].sizes
    smaller = len(before) == len(after) and any(m < n for n, m in zip(before, after, strict=True))
    return after if smaller and scale[source] == scale[end] else ()
