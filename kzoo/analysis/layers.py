"""The rows of a profile: what each call of a layer gives, costs and sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from .counting import per_axis, sum_of
from .facts import Facts
from .graph import Call, Shape
from .sight import Sight, Survey, View
from .stages import find_stages


@dataclass(frozen=True)
class ReceptiveField:
    """What a map sees of an input, in input positions along each spatial axis.

    Attributes:
        smallest, largest: size of the field, over all phases of the output position. They differ behind up-sampling.
        stride: input positions from one output position to the next; below 1 for maps finer than the input.
        centre: middle of output position 0's field; 0 is the middle of the first pixel.
        global_by: name of the first layer that looks at all positions along at least one axis at once, or None. The others then hold
            the last local field.
    """

    smallest: tuple[int, ...]
    largest: tuple[int, ...]
    stride: tuple[float, ...]
    centre: tuple[float, ...]
    global_by: str | None = None

    @property
    def is_global(self) -> bool:
        return self.global_by is not None

    @classmethod
    def of(cls, view: View) -> "ReceptiveField":
        windows = [field.window(0) or (0, -1) for field in view.fields]
        return cls(
            tuple(min(field.sizes) for field in view.fields),
            tuple(max(field.sizes) for field in view.fields),
            tuple(_whole(float(field.jump)) for field in view.fields),
            tuple(_whole((first + last) / 2) for first, last in windows),
            view.everywhere,
        )


@dataclass(frozen=True)
class Layer:
    """One call of a layer.

    Attributes:
        name, kind: its name and its class.
        stage: the name of the stage, all that happens at one resolution, that it belongs to.
        inputs: names of the layers (or inputs) that it is called on.
        output_shape: without the batch axis; of the first output.
        trainable, total: parameters; 0 for later calls of a shared layer.
        macs: for the whole batch; None where a size is not known, or the layer is of a kind without a rule.
        receptive_field: of the first spatial input that it sees; None behind a layer that is not followed.
        activation_bytes: of all outputs, for the whole batch; None where a size is not known.
        inner_bytes: of what it holds inside itself while it runs, such as attention scores.
        known: whether there is a rule for its kind.
        followed: whether it is told where its positions come from, as far as is known before it.
        detail: what tells layers of a kind apart: `3x3, 64`, `2x2 / 2`.
    """

    name: str
    kind: str
    stage: str
    inputs: tuple[str, ...]
    output_shape: Shape
    trainable: int
    total: int
    macs: int | None
    receptive_field: ReceptiveField | None
    activation_bytes: int | None
    inner_bytes: int | None
    known: bool
    followed: bool
    detail: str


def by_stage(layers: Sequence[Layer]) -> dict[str, list[Layer]]:
    """The layers of every stage; branches of different stages may run in turn."""
    stages: dict[str, list[Layer]] = {}
    for layer in layers:
        stages.setdefault(layer.stage, []).append(layer)
    return stages


def describe_layers(
    found: Survey,
    calls: Sequence[Call],
    facts: Sequence[Facts | None],
    sizes: Sequence[int | None],
    inner: Sequence[int | None],
    batch_size: int,
) -> tuple[Layer, ...]:
    """One row per call, in the order in which Keras runs them."""
    names = dict(enumerate(found.graph.input_names)) | {tensor: call.name for call in calls for tensor in call.outputs}
    fields: dict[int, ReceptiveField | None] = {}
    counted: set[int] = set()
    rows = []
    for call, known, stage, held in zip(calls, facts, find_stages(found, calls, facts), inner, strict=True):
        sight = found.sights[call.outputs[0]]
        if id(sight) not in fields:
            fields[id(sight)] = _first_field(sight)
        trainable, total = _parameters(call.layer, counted)
        row = Layer(
            name=call.name,
            kind=type(call.layer).__name__,
            stage=stage,
            inputs=tuple(names[tensor] for tensor in call.inputs),
            output_shape=call.output_shape[1:],
            trainable=trainable,
            total=total,
            macs=_times(None if known is None else known.macs, batch_size),
            receptive_field=fields[id(sight)],
            activation_bytes=sum_of(sizes[tensor] for tensor in call.outputs),
            inner_bytes=held,
            known=known is not None,
            followed=known is not None and call.name not in sight.unknown,
            detail=_detail(call),
        )
        rows.append(row)
    return tuple(rows)


def _times(number: int | None, factor: int) -> int | None:
    return None if number is None else number * factor


def _first_field(sight: Sight) -> ReceptiveField | None:
    return None if sight.unknown or sight.view is None else ReceptiveField.of(sight.view)


def _parameters(layer, counted: set[int]) -> tuple[int, int]:
    """Trainable and total parameters of the weights that have not been counted yet."""
    new = {id(weight): prod(weight.shape) for weight in getattr(layer, "weights", ()) if id(weight) not in counted}
    counted |= set(new)
    trainable = sum(new.get(id(weight), 0) for weight in layer.trainable_weights) if new else 0
    return trainable, sum(new.values())


def _detail(call: Call) -> str:
    """Window, stride, dilation and filters, as far as the layer has them."""
    layer = call.layer
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None) or getattr(layer, "size", None)
    parts = []
    if window is not None:
        parts.append("x".join(map(str, per_axis(window, len(call.spatial_axes)))) + _stride(layer))
    dilation = max(per_axis(getattr(layer, "dilation_rate", 1), 1))
    if dilation > 1:
        parts.append(f"dilation {dilation}")
    if (getattr(layer, "groups", 1) or 1) > 1:
        parts.append(f"groups {layer.groups}")
    width = getattr(layer, "filters", None) or getattr(layer, "units", None)
    if width is not None:
        parts.append(str(width))
    return ", ".join(parts)


def _stride(layer) -> str:
    strides = per_axis(getattr(layer, "strides", 1), 1)
    if max(strides) == 1:
        return ""
    return f" / {strides[0]}" if len(set(strides)) == 1 else " / " + "x".join(map(str, strides))


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value
