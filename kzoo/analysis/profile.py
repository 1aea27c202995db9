"""`kzoo.profile`: what a network costs and what it sees, before anything is trained."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from dataclasses import fields as fields_of
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import keras

from ..models.stages import check_positive
from . import memory
from .cautions import find_warnings
from .checkerboard import Upsampling, find_upsamplings
from .facts import Facts, facts_of
from .field import follow
from .graph import Graph, Shape, trace
from .layers import Layer, ReceptiveField, describe_layers
from .memory import InferenceMemory, Sizes, TrainingMemory, optimizer_slots
from .precision import Precision, tensor_types, weight_types
from .sight import Misalignment, Survey, sized, survey
from .sizes import LegalSizes, find_legal_sizes


@dataclass(frozen=True)
class Profile:
    """The static facts of a model.

    Attributes:
        name: of the model.
        layers: a `Layer` per call, in the order in which Keras runs them; nested models are opened.
        input_shapes, output_shapes: without the batch axis.
        batch_size, precision, optimizer: what MACs and bytes hold for.
        status: `complete`, or `partial` where there are layers that are not followed: behind them no receptive field is known, and
            MACs are known only of those that have a rule.
        unknown: names of these layers: those without a rule, and those that take positions apart, such as a reshape that cuts rows
            into pieces.
        macs: multiplications of convolutions, dense layers and attention products for the whole batch; None where the input size
            is not fixed, or a layer that has weights has no rule.
        known_macs: the same without the layers that have no rule: what the model costs at least; None where the input size is not fixed.
        trainable: parameters without the statistics of batch normalization, as papers and torchvision count, and without those of
            layers that are frozen.
        total: all parameters, as Keras counts.
        receptive_field: of the first output, on the first input with spatial axes; None where it is not known.
        receptive_fields: of every output on every input that it sees, by (output layer, input).
        shortest_path, longest_path: size of the field per axis along the one path through the network with the smallest or largest
            field, at the phase where it is largest.
        misaligned: the layers that join branches whose fields are centred on different pixels.
        legal_sizes: per spatial axis of the first input that has any; None where they are not known.
        inference: peak of live activations and weights, in bytes; None where the input size is not fixed.
        training: what a training step keeps, in bytes; None where the input size is not fixed.
        upsamplings: every up-sampling with its unevenness.
        warnings: what a reader should know, one sentence each.
    """

    name: str
    layers: tuple[Layer, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    batch_size: int
    precision: str | None
    optimizer: str | int | None
    unknown: tuple[str, ...]
    receptive_field: ReceptiveField | None
    receptive_fields: Mapping[tuple[str, str], ReceptiveField]
    shortest_path: tuple[int, ...]
    longest_path: tuple[int, ...]
    misaligned: tuple[Misalignment, ...]
    legal_sizes: tuple[LegalSizes | None, ...]
    inference: InferenceMemory | None
    training: TrainingMemory | None
    weight_bytes: int
    upsamplings: tuple[Upsampling, ...]
    warnings: tuple[str, ...]

    @property
    def status(self) -> Literal["complete", "partial"]:
        return "partial" if self.unknown else "complete"

    @property
    def macs(self) -> int | None:
        return None if any(layer.total and not layer.known for layer in self.layers) else self.known_macs

    @cached_property
    def known_macs(self) -> int | None:
        found = [layer.macs for layer in self.layers if layer.known]
        return None if None in found else sum(macs or 0 for macs in found)

    @property
    def flops(self) -> int | None:
        """Twice the MACs: a multiplication and an addition each. Biases, normalization, activations and pooling are left out."""
        return None if self.macs is None else 2 * self.macs

    @cached_property
    def trainable(self) -> int:
        return sum(layer.trainable for layer in self.layers)

    @cached_property
    def total(self) -> int:
        return sum(layer.total for layer in self.layers)

    @property
    def peak_memory(self) -> int | None:
        """Bytes of activations that inference holds at once, weights not included; None where the input size is not fixed."""
        return self.inference.peak if self.inference else None

    @property
    def aligned(self) -> bool:
        """Whether all branches that meet are centred on the same pixels."""
        return not self.misaligned

    def to_dict(self) -> dict[str, Any]:
        """The profile as plain values, totals first."""
        names = ("name", "status", "macs", "known_macs", "trainable", "total", "peak_memory", "aligned")
        rest = [field.name for field in fields_of(self) if field.name not in (*names, "layers")]
        values = {name: getattr(self, name) for name in (*names, *rest, "layers")}
        values["receptive_fields"] = [
            {"output": output, "input": source, **_plain(field)} for (output, source), field in self.receptive_fields.items()
        ]
        values["upsamplings"] = [{**_plain(up), "unevenness": up.unevenness} for up in self.upsamplings]
        return _plain(values)

    def to_json(self, path: str | Path | None = None) -> str:
        """The profile as JSON text, written to a file if a path is given."""
        text = json.dumps(self.to_dict(), indent=1)
        if path is not None:
            Path(path).write_text(text)
        return text

    def table(self):
        """A `rich.table.Table` of the layers, grouped by stage."""
        from .tables import layer_table

        return layer_table(self)

    def stage_table(self):
        """A `rich.table.Table` with a row per stage, as in the papers."""
        from .tables import stage_table

        return stage_table(self)

    def summary(self, *, flops: bool = False) -> str:
        """The totals and the warnings as text, a line each; FLOPs, as 2 x MACs, on request."""
        from .summary import summary

        return summary(self, flops=flops)


def profile(
    model: keras.Model,
    input_shape: Sequence | Mapping | None = None,
    *,
    batch_size: int = 1,
    precision: str | None = None,
    optimizer: str | int | keras.optimizers.Optimizer | None = "adam",
) -> Profile:
    """What a network costs and what it sees, read from its graph; nothing is run.

    Args:
        model: a functional or sequential `keras.Model`, with nested models, shared layers, several inputs and outputs.
        input_shape: in place of the shape it was built with, without the batch axis; a list of shapes, or a mapping by input name, for
            several inputs. Needed for MACs and memory where the model was built with sizes of None.
        batch_size: int, samples that MACs and memory are given for.
        precision: a Keras dtype policy, such as `mixed_float16`, that memory is given for; the model's own types unless given. Inputs
            keep their types, and so do layers that were given one of their own.
        optimizer: `adam`, `sgd`, `sgd_momentum` or another one of Keras by name; an optimizer; or an int: how many values it keeps per
            trainable weight; None where that is not known, and the memory of a training neither.

    Returns:
        A `Profile`.

    Raises:
        ArgumentError: the model has no graph, or cannot take the shape.

    >>> import kzoo
    >>> model = kzoo.build_unet(input_shape=(512, 512, 1), num_classes=1)
    >>> profile = kzoo.profile(model)
    >>> profile.total, profile.macs, profile.receptive_field.smallest, profile.receptive_field.largest
    (31030593, 192367558656, (188, 188), (204, 204))
    """
    check_positive("batch_size", batch_size)
    batch_size, slots, types = int(batch_size), optimizer_slots(optimizer), Precision.of(precision)
    graph = trace(model, input_shape)
    facts = [facts_of(call) for call in graph.calls]
    legal = find_legal_sizes(graph, facts)
    found = survey(sized(model, graph, legal), facts)
    names = tensor_types(model, graph, types)
    tensors = memory.tensor_bytes(graph, names, batch_size)
    inner = memory.inner_bytes(graph, facts, names, batch_size)
    layers = describe_layers(found, graph.calls, facts, tensors, inner, batch_size)
    upsamplings = find_upsamplings(graph, facts)
    weights, trained = (memory.weight_bytes(kind) for kind in weight_types(model, graph, types))
    return Profile(
        name=graph.name,
        layers=layers,
        input_shapes=_shapes(graph, graph.inputs),
        output_shapes=_shapes(graph, graph.outputs),
        batch_size=batch_size,
        precision=precision,
        optimizer=optimizer if isinstance(optimizer, str) else slots,
        unknown=tuple(layer.name for layer in layers if not layer.followed),
        legal_sizes=legal,
        weight_bytes=weights,
        upsamplings=upsamplings,
        warnings=find_warnings(graph, layers, upsamplings, found.misaligned),
        **_fields(found),
        **_memory(graph, facts, Sizes.of(tensors, inner), weights, trained, slots),
    )


def _shapes(graph: Graph, tensors: Sequence[int]) -> tuple[Shape, ...]:
    return tuple(graph.shapes[tensor][1:] for tensor in tensors)


def _fields(found: Survey) -> dict[str, Any]:
    """What the outputs see of the inputs."""
    view = found.sights[found.graph.outputs[0]].view
    local = view.fields if view else ()
    return {
        "receptive_field": ReceptiveField.of(view) if view else None,
        "receptive_fields": _output_fields(found),
        "shortest_path": tuple(max(follow(field.shortest).sizes) for field in local),
        "longest_path": tuple(max(follow(field.longest).sizes) for field in local),
        "misaligned": found.misaligned,
    }


def _output_fields(found: Survey) -> dict[tuple[str, str], ReceptiveField]:
    """The field of every output on every input, outputs and inputs in their order; none behind a layer without a rule."""
    graph = found.graph
    return {
        (graph.producer(output), graph.input_names[graph.inputs.index(source)]): ReceptiveField.of(view)
        for output in graph.outputs
        for source, view in sorted(found.sights[output].views.items())
    }


def _memory(graph: Graph, facts: Sequence[Facts | None], sizes: Sizes | None, held: int, trained: int, slots: int | None) -> dict[str, Any]:
    """Both kinds of memory, or neither where a size is not known; `held` and `trained` are the bytes of all and of trainable weights."""
    if sizes is None:
        return {"inference": None, "training": None}
    kept = memory.stored_activations(graph, facts, sizes)
    return {
        "inference": InferenceMemory(*memory.inference_peak(graph, facts, sizes), held),
        "training": None if slots is None else TrainingMemory(kept, held, trained, slots * trained),
    }


def _plain(value: Any) -> Any:
    """Data classes and named tuples as mappings, tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain({field.name: getattr(value, field.name) for field in fields_of(value)})
    if isinstance(value, Misalignment):
        return _plain(value._asdict())
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
