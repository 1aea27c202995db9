"""What a figure shows, before anything has a place: boxes in the order of the trunk, and the skips that join them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

import keras

from ...errors import check_choice
from ...layers import TrainableSubsampling
from .labels import size_text
from .nodes import Nodes, read_nodes
from .operations import KINDS, Operation
from .skips import Skip, skips_into
from .trunk import find_trunk, operations, scales

DETAILS = ("auto", "layers", "stages")
Detail = Literal["auto", "layers", "stages"]

MOST_IN_U, MOST_IN_STRIP = 45, 30
"""More boxes than these don't fit on a page: `auto` then draws stages."""


@dataclass(frozen=True)
class Part:
    """A piece of a concatenated map: its channels, and whether a skip brought it."""

    channels: int
    skipped: bool


@dataclass(frozen=True)
class Box:
    """A map or a vector.

    Attributes:
        channels: of the map, or width of the vector.
        sizes: spatial sizes, none for a vector.
        label: the sizes in print.
        scale: positions as a fraction of the input's.
        made: what made it from the box before.
        parts: of a concatenated map, in the order of the channels.
        count: convolutions that the box stands for, where it is a whole stage; else 0.
    """

    channels: int
    sizes: tuple[int, ...]
    label: str
    scale: Fraction
    made: Operation
    parts: tuple[Part, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Scene:
    """All that a figure of a model shows. A box is made from the one before it; skips name their boxes by position."""

    boxes: tuple[Box, ...]
    skips: tuple[Skip, ...]
    outputs: int

    @property
    def is_u(self) -> bool:
        """Whether the resolution rises again after it fell."""
        scale = [box.scale for box in self.boxes]
        lowest = min(scale)
        return bool(self.boxes[-1].sizes) and lowest < 1 and max(scale[scale.index(lowest) :]) > lowest

    def crosses(self, skip: Skip) -> bool:
        """Whether a skip passes over maps of a lower resolution, rather than over a few layers of one stage."""
        between = self.boxes[skip.source : skip.target]
        return any(box.scale < self.boxes[skip.target].scale for box in between)


def read_scene(model: keras.Model, detail: Detail = "auto") -> Scene:
    """Reads from a model's graph what a figure of it shows.

    Args:
        model: a functional model with one input.
        detail: `layers` gives a box to every map, `stages` to every run of maps of one resolution; `auto` takes layers where they
            fit on a page.

    >>> from kzoo import build_unet
    >>> scene = read_scene(build_unet(input_shape=(64, 64, 1), num_classes=1, filters=8, depth=1))
    >>> [box.channels for box in scene.boxes], len(scene.skips)
    ([1, 8, 8, 8, 16, 16, 16, 8, 8, 1], 1)
    """
    check_choice("detail", detail, DETAILS)
    reader = _Reader(read_nodes(model))
    scene = reader.read()
    most = MOST_IN_U if scene.is_u else MOST_IN_STRIP
    stages = detail == "stages" or (detail == "auto" and len(scene.boxes) > most)
    return reader.by_stage(scene) if stages else scene


@dataclass
class _Reader:
    """Walks along the trunk of a graph and collects boxes and skips."""

    graph: Nodes
    boxes: list[Box] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.does = operations(self.graph)
        self.path, self.before = find_trunk(self.graph, self.does)
        self.scale = scales(self.graph, self.does, self.before)
        self.resized: int | None = None
        self.prefix = ""

    def read(self) -> Scene:
        for position, following in zip(self.path, [*self.path[1:], None], strict=True):
            self._step(position, following)
            self.place[position] = len(self.boxes) - 1
        self._finish_resizing()
        scene = Scene(tuple(self.boxes), tuple(self.skips), len(self.graph.outputs))
        return self._shortened(scene, _joint_ups(scene))

    def _step(self, position: int, following: int | None) -> None:
        """One layer: makes a box, or changes the one that is there."""
        does = self.does[position]
        if does.kind == "pool" and does.scale == 1 and following is not None and "blur" in self.does[following].text:
            self.prefix = f"{does.text.removesuffix(', stride 1')}, "
        elif does.kind == "input" or does.kind in KINDS:
            self._add(position, replace(does, text=self.prefix + does.text))
        elif does.kind in ("norm", "activation"):
            self._fold(position, does)
        elif does.kind == "named":
            self._finish_resizing()
            self._name(position, does)
        elif does.kind in ("crop", "pad"):
            self.resized = position
        elif does.kind == "merge":
            self._finish_resizing()
            self._merge(position)

    def _add(self, position: int, made: Operation) -> None:
        node = self.graph.nodes[position]
        label = size_text(node.sizes, node.larger, self.graph.nodes[0].sizes)
        self.boxes.append(Box(node.channels, node.sizes, label, self.scale[position], made))
        self.resized, self.prefix = None, ""

    def _finish_resizing(self) -> None:
        """A cropping or padding that no convolution or pooling follows has a box of its own."""
        if self.resized is not None:
            does = self.does[self.resized]
            self._add(self.resized, Operation("other", does.text, does.scale))

    def _fold(self, position: int, does: Operation) -> None:
        """Writes a norm or an activation to the layer that made the box, if that has weights and no merge came in between."""
        made = self.boxes[-1].made
        source = self.before[position]
        while self.does[source].kind == "norm":
            source = self.before[source]
        merged = self.does[source].kind == "merge"
        weighted = made.kind in ("conv", "pointwise", "strided_conv", "up_conv", "dense", "other")
        weighted |= isinstance(self.graph.nodes[source].layer, TrainableSubsampling)
        if does.text and weighted and not merged:
            self.boxes[-1] = replace(self.boxes[-1], made=replace(made, text=f"{made.text}, {does.text}"))

    def _name(self, position: int, does: Operation) -> None:
        """Writes the name of a layer to what made the box; behind the input or a merge, it has a box of its own."""
        made = self.boxes[-1].made
        if made.kind == "input" or self.does[self.before[position]].kind == "merge":
            self._add(position, replace(does, kind="other"))
        else:
            self.boxes[-1] = replace(self.boxes[-1], made=replace(made, text=f"{made.text}, {does.text}"))

    def _merge(self, position: int) -> None:
        """Joins what other paths bring with the box that is there."""
        here = len(self.boxes) - 1
        found = skips_into(position, self.graph, self.does, self.before, self.scale, self.place)
        self.skips += [replace(skip, target=here) for skip in found if skip.source != here]
        node = self.graph.nodes[position]
        parts = tuple(self._parts(position)) if self.does[position].text == "concatenate" else ()
        self.boxes[-1] = replace(self.boxes[-1], channels=node.channels, parts=parts)

    def _parts(self, position: int) -> Iterator[Part]:
        for source in self.graph.nodes[position].inputs:
            if source == self.before[position]:
                yield from self.boxes[-1].parts or (Part(self.graph.nodes[source].channels, False),)
            else:
                yield Part(self.graph.nodes[source].channels, True)

    def _shortened(self, scene: Scene, joint: set[int]) -> Scene:
        """The scene without the boxes between an interpolation and its convolution, which become one arrow."""
        boxes: list[Box] = []
        moved = []
        for position, box in enumerate(scene.boxes):
            if position in joint:
                up = boxes.pop().made
                box = replace(box, made=replace(up, text=f"{up.text}, {box.made.text}"))
            boxes.append(box)
            moved.append(len(boxes) - 1)
        self.place = {node: moved[box] for node, box in self.place.items()}
        skips = (replace(skip, source=moved[skip.source], target=moved[skip.target]) for skip in scene.skips)
        return replace(scene, boxes=tuple(boxes), skips=tuple(skips))

    def by_stage(self, scene: Scene) -> Scene:
        """The scene with one box for every run of maps of one resolution; the input, vectors and the head keep their own."""
        group = _groups(scene)
        boxes = []
        for number, count in enumerate(self._convolutions(group)):
            members = [position for position, other in enumerate(group) if other == number]
            whole = [p for p in members if not any(s.source < p < s.target for s in scene.skips if not scene.crosses(s))]
            last = scene.boxes[(whole or members)[-1]]
            boxes.append(replace(last, made=scene.boxes[members[0]].made, parts=(), count=count if len(members) > 1 else 0))
        moved = (replace(s, source=group[s.source], target=group[s.target]) for s in scene.skips if scene.crosses(s))
        return replace(scene, boxes=tuple(boxes), skips=tuple(dict.fromkeys(moved)))

    def _convolutions(self, group: Sequence[int]) -> list[int]:
        """How many convolutions every group holds, those on side paths in the group that they join."""
        owner = {position: group[box] for position, box in self.place.items()}
        for position in reversed(range(len(self.graph.nodes))):
            if position in owner:
                for source in self.graph.nodes[position].inputs:
                    owner.setdefault(source, owner[position])
        counts = [0] * (max(group) + 1)
        for position, number in owner.items():
            if self.does[position].kind in ("conv", "pointwise", "strided_conv") and self.graph.nodes[position].area > 1:
                counts[number] += 1
        return counts


def _groups(scene: Scene) -> list[int]:
    """For every box, the number of its group."""
    group = [0]
    for position, box in enumerate(scene.boxes[1:], start=1):
        before = scene.boxes[position - 1]
        head = scene.is_u and position == len(scene.boxes) - 1
        alone = position == 1 or head or not box.sizes or not before.sizes
        group.append(group[-1] + (alone or box.scale != before.scale))
    return group


def _joint_ups(scene: Scene) -> set[int]:
    """The boxes that a convolution made of an interpolated map, and that a skip joins."""
    bound = {place for skip in scene.skips for place in (skip.source, skip.target)}
    targets = {skip.target for skip in scene.skips if scene.crosses(skip)}
    made = [box.made.kind for box in scene.boxes]
    return {t for t in targets if made[t] in ("conv", "pointwise") and made[t - 1] == "up" and t - 1 not in bound}
