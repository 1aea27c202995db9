"""The stages of a network: all that happens at one resolution.

A stage begins with the layer that changes the resolution, so that a pooling stands first, as in table 1 of the ResNet paper. Branches
that run beside each other at one resolution belong to one stage. What only prepares the next stage belongs to it: padding before a
strided convolution, a scaling of the input, the pooling before the dense layers; so does what happens to a skip before it is joined.
Vectors are the head, unless they weight a map.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .facts import Facts
from .graph import Call, Graph, Shape
from .sight import Sight, Survey

HEAD = (-1, "head")

Key = tuple[int, Any]
"""How often the resolution has changed on the longest way to a stage, and what it is."""


@dataclass(frozen=True)
class Place:
    """Where a tensor stands: its stage, and the strides and sizes of its positions, neither for vectors."""

    stage: Key
    strides: tuple
    sizes: Shape

    @property
    def is_map(self) -> bool:
        return bool(self.strides) or any(size != 1 for size in self.sizes)

    def like(self, strides: tuple, sizes: Shape) -> bool:
        """Whether a map of these strides and sizes has the same resolution; where a stride is not known, the sizes decide."""
        return self.strides == strides if self.strides and strides else self.sizes == sizes


def find_stages(found: Survey, calls: Sequence[Call], facts: Sequence[Facts | None]) -> list[str]:
    """The name of every call's stage: what most names in it begin with, or numbers where the names don't tell the stages apart."""
    keys = _keys(found, calls)
    readers = _readers(calls)
    _move_to_readers(keys, calls, readers)
    _move_idle(keys, facts, readers)
    names = _names(keys, calls, readers)
    return [names[key] for key in keys]


def _keys(found: Survey, calls: Sequence[Call]) -> list[Key]:
    """The stage of every call, by resolution alone."""
    places = {tensor: _start(*_resolution(found.graph, tensor, found.sights[tensor])) for tensor in found.graph.inputs}
    into_maps = _read_by_maps(found, calls)
    for call in calls:
        given = [places[tensor] for tensor in call.inputs]
        before = max([place for place in given if place.is_map] or given, key=lambda place: place.stage[0])
        strides, sizes = _resolution(found.graph, call.outputs[0], found.sights[call.outputs[0]])
        made = Place(before.stage, strides, sizes)
        if not made.is_map and not into_maps & set(call.outputs):
            made = Place(HEAD, (), ())
        elif made.is_map and not before.like(strides, sizes):
            made = Place((before.stage[0] + 1, strides or sizes), strides, sizes)
        places |= dict.fromkeys(call.outputs, made)
    return [places[call.outputs[0]].stage for call in calls]


def _start(strides: tuple, sizes: Shape) -> Place:
    return Place((0, strides or sizes), strides, sizes)


def _resolution(graph: Graph, tensor: int, sight: Sight) -> tuple[tuple, Shape]:
    """The strides of a tensor's positions as far as they are known, and their sizes."""
    view, shape = sight.view, graph.shapes[tensor]
    strides = () if view is None else tuple(field.jump for field, axis in zip(view.fields, view.where, strict=True) if axis is not None)
    return strides, shape[1:-1] if graph.data_format == "channels_last" else shape[2:]


def _read_by_maps(found: Survey, calls: Sequence[Call]) -> set[int]:
    """The tensors that a map is made of, directly or through vectors."""
    read: set[int] = set()
    for call in reversed(calls):
        output = call.outputs[0]
        strides, sizes = _resolution(found.graph, output, found.sights[output])
        if Place(HEAD, strides, sizes).is_map or read & set(call.outputs):
            read |= set(call.inputs)
    return read


def _readers(calls: Sequence[Call]) -> list[list[int]]:
    """The positions of the calls that read each call's outputs."""
    makers = {tensor: position for position, call in enumerate(calls) for tensor in call.outputs}
    readers: list[list[int]] = [[] for _ in calls]
    for position, call in enumerate(calls):
        for maker in dict.fromkeys(makers[tensor] for tensor in call.inputs if tensor in makers):
            readers[maker].append(position)
    return readers


def _move_to_readers(keys: list[Key], calls: Sequence[Call], readers: Sequence[Sequence[int]]) -> None:
    """Padding by a layer of its own, and what only a later stage of the same resolution reads, belong to the reader's stage."""
    for position in reversed(range(len(calls))):
        stages = {keys[reader] for reader in readers[position]}
        padding = type(calls[position].layer).__name__.startswith("ZeroPadding")
        if len(stages) == 1 and (padding or keys[position][1] in (key[1] for key in stages)):
            keys[position] = stages.pop()


def _move_idle(keys: list[Key], facts: Sequence[Facts | None], readers: Sequence[Sequence[int]]) -> None:
    """A stage that multiplies nothing belongs to the one that reads it."""
    for key in reversed(dict.fromkeys(keys)):
        members = [position for position, other in enumerate(keys) if other == key]
        idle = all(known is not None and known.macs == 0 for known in (facts[position] for position in members))
        after = [keys[reader] for position in members for reader in readers[position] if keys[reader] != key]
        if idle and after:
            for position in members:
                keys[position] = after[0]


def _names(keys: Sequence[Key], calls: Sequence[Call], readers: Sequence[Sequence[int]]) -> dict[Key, str]:
    order = [key for key in dict.fromkeys(keys) if key != HEAD]
    entries = {reader for position, key in enumerate(keys) for reader in readers[position] if keys[reader] != key}
    found = [_shared(_voters(key, keys, calls, entries)) for key in order]
    told = [name for name in found if name is not None]
    if len({*told, "head"}) < len(order) + 1:
        told = [f"stage{number}" for number in range(1, len(order) + 1)]
    return {**dict(zip(order, told, strict=True)), HEAD: "head"}


def _voters(key: Key, keys: Sequence[Key], calls: Sequence[Call], entries: set[int]) -> Iterator[Call]:
    """The calls that name a stage: all but those that lead into it, which may carry the name of the stage before."""
    members = [position for position, other in enumerate(keys) if other == key]
    yield from (calls[position] for position in ([p for p in members if p not in entries] or members))


def _shared(calls: Iterator[Call]) -> str | None:
    """`encoder1` of `encoder1_conv1` and `encoder1_conv2`: how at least half of the names begin, or None."""
    words = [_word(call) for call in calls]
    word, count = Counter(words).most_common(1)[0]
    return word if 2 * count >= len(words) else None


def _word(call: Call) -> str | None:
    """The first word of a name; None for a name that Keras made of the layer's kind."""
    name = call.name.rpartition("/")[2].partition(":")[0]
    kind = re.sub(r"_\d+$", "", name).replace("_", "")
    return None if kind == type(call.layer).__name__.lower() else name.partition("_")[0]
