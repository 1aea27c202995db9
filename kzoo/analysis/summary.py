"""The totals of a profile as text for people."""

from collections.abc import Iterator
from itertools import groupby

from .checkerboard import Upsampling
from .layers import ReceptiveField
from .profile import Profile
from .words import binary, field_text, listed, one, short, sizes

Row = tuple[str, str]


def summary(profile: Profile, *, flops: bool = False) -> str:
    """The totals with a line each, then the warnings; FLOPs only on request, since there are several ways to count them."""
    return "\n".join([*_lines(totals(profile, flops=flops)), *(f"warning: {warning}" for warning in profile.warnings)])


def totals(profile: Profile, *, flops: bool = False) -> list[Row]:
    """The totals as names and values; a name with several values has several rows."""
    return [
        *_costs(profile, flops),
        *(("receptive field", value) for value in _fields(profile)),
        ("paths", f"{one(profile.shortest_path)} along the shortest, {one(profile.longest_path)} along the longest"),
        ("branches", "aligned" if profile.aligned else "not aligned"),
        ("legal input sizes", one(("not known" if axis is None else axis for axis in profile.legal_sizes or ["any"]), "; ")),
        *(("up-sampling", value) for value in _upsamplings(profile.upsamplings)),
        *_memory(profile),
        ("status", profile.status),
    ]


def _lines(rows: list[Row]) -> Iterator[str]:
    """A name is written once."""
    before = None
    for name, value in rows:
        yield f"{'' if name == before else name:<20}{value}"
        before = name


def _costs(profile: Profile, flops: bool) -> Iterator[Row]:
    inputs, outputs = (", ".join(map(sizes, shapes)) for shapes in (profile.input_shapes, profile.output_shapes))
    yield "input, output", f"{inputs} -> {outputs}"
    yield "parameters", f"{profile.trainable:,} trainable, {profile.total:,} total, {binary(profile.weight_bytes)}"
    counted = all(layer.known for layer in profile.layers)
    yield "MACs", f"{'' if counted else 'at least '}{short(profile.known_macs)} for a batch of {profile.batch_size}"
    if flops:
        yield "FLOPs", f"{short(profile.flops)}, counted as 2 x MACs; biases and pointwise layers left out"


def _fields(profile: Profile) -> Iterator[str]:
    """The field of the output, or of every output on every input that it sees."""
    fields = profile.receptive_fields
    if len(fields) < 2:
        yield _field(profile.receptive_field)
        return
    several = len({source for _, source in fields}) > 1
    for (output, source), field in fields.items():
        yield f"{output}{f' on {source}' if several else ''}: {_field(field)}"


def _field(field: ReceptiveField | None) -> str:
    text = field_text(field).removesuffix(" *")
    return f"{text}, global from {field.global_by} on" if field and field.is_global else text


def _upsamplings(found: tuple[Upsampling, ...]) -> Iterator[str]:
    """One line for those that are alike."""
    for (strides, fewest, most), group in groupby(sorted(found, key=_overlap), key=_overlap):
        number = str(most) if fewest == most else f"{fewest} to {most}"
        even = "even" if fewest == most else f"unevenness {(most - fewest) / most:.2f}"
        names = listed(up.layer for up in group)
        yield f"by {one(strides)} in {names}: overlap {number}, {even}"


def _overlap(up: Upsampling) -> tuple[tuple[int, ...], int, int]:
    return up.strides, up.fewest, up.most


def _memory(profile: Profile) -> Iterator[Row]:
    """What inference and training hold, part by part, and what is assumed of both."""
    if profile.inference is None:
        return
    inference, training, optimizer = profile.inference, profile.training, profile.optimizer
    slots = f"slots of {optimizer}" if isinstance(optimizer, str) else f"slots, {optimizer} per trainable weight"
    yield "memory for", f"a batch of {profile.batch_size} in {profile.precision or 'the types of the model'}"
    yield (
        "inference",
        f"{binary(inference.total)}: {binary(inference.peak)} activations at {inference.layer}, {binary(inference.weights)} weights",
    )
    if training is None:
        yield "training", "not known for this optimizer"
        return
    yield (
        "training",
        f"{binary(training.total)}: {binary(training.activations)} activations, {binary(training.weights)} weights, "
        f"{binary(training.gradients)} gradients, {binary(training.slots)} {slots}",
    )
