"""A profile as tables for the terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.table import Table

from .layers import Layer, ReceptiveField
from .profile import Profile

WINDOWLESS = ("BatchNormalization", "Activation", "ReLU", "Dropout", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
"""Kinds that the stage table leaves out, as the papers do."""


def layer_table(profile: Profile) -> Table:
    """A row per layer, a rule between stages; sizes in pixels, parameters trainable and total."""
    table = Table(title=profile.name, title_justify="left")
    _columns(table, ("layer", "kind", ""), ("output", "parameters", "total", "MACs", "field", "stride", "centre", "bytes"))
    for _, stage in groupby(profile.layers, key=lambda layer: layer.stage):
        for layer in stage:
            table.add_row(*_cells(layer))
        table.add_section()
    return table


def stage_table(profile: Profile) -> Table:
    """A row per stage, with its layers in short: `[3x3, 64] x 2`."""
    table = Table(title=profile.name, title_justify="left")
    _columns(table, ("stage", "layers"), ("output", "parameters", "MACs", "field", "stride"))
    for stage, rows in groupby(profile.layers, key=lambda layer: layer.stage):
        layers = list(rows)
        last = layers[-1]
        macs = [layer.macs for layer in layers]
        table.add_row(
            stage,
            "\n".join(summarize(layers)),
            sizes(last.output_shape),
            f"{sum(layer.trainable for layer in layers):,}",
            short(None if None in macs else sum(number or 0 for number in macs)),
            field_text(last.receptive_field),
            stride_text(last.receptive_field),
        )
    return table


def summarize(layers: Sequence[Layer]) -> list[str]:
    """The layers of a stage in short, repeated blocks folded."""
    words = [f"{layer.kind} {layer.detail}".strip() for layer in layers if layer.kind not in WINDOWLESS]
    lines: list[str] = []
    start = 0
    while start < len(words):
        block, count = _repetition(words, start)
        text = "; ".join(block)
        lines.append(f"[{text}] x {count}" if count > 1 else text)
        start += len(block) * count
    return lines


def totals(profile: Profile, *, flops: bool = False) -> list[tuple[str, str]]:
    """The totals as names and values for people; FLOPs only on request, since there are several ways to count them."""
    field = profile.receptive_field
    inputs = ", ".join(sizes(shape) for shape in profile.input_shapes)
    outputs = ", ".join(sizes(shape) for shape in profile.output_shapes)
    rows = [
        ("input, output", f"{inputs} -> {outputs}"),
        ("parameters", f"{profile.trainable:,} trainable, {profile.total:,} total, {binary(profile.weight_bytes)}"),
        ("MACs", f"{'at least ' if profile.unknown else ''}{short(profile.macs)} for a batch of {profile.batch_size}"),
        *([("FLOPs", f"{short(profile.flops)}, counted as 2 x MACs; biases and pointwise layers left out")] if flops else []),
        ("receptive field", field_text(field) + (f", global from {field.global_by}" if field and field.is_global else "")),
        ("paths", f"{_by(profile.shortest_path)} along the shortest, {_by(profile.longest_path)} along the longest"),
        ("legal input sizes", "; ".join(dict.fromkeys(str(sizes or "?") for sizes in profile.legal_sizes)) or "any"),
    ]
    if profile.inference and profile.training:
        rows += [
            ("inference", f"{binary(profile.inference.peak)} of activations at {profile.inference.layer}"),
            ("training", f"{binary(profile.training.total)}, of which {binary(profile.training.activations)} are activations"),
        ]
    return [*rows, ("status", profile.status)]


def short(number: int | None) -> str:
    """A count in thousands, millions or billions.

    >>> short(192367558656), short(None)
    ('192.37 G', '?')
    """
    if number is None:
        return "?"
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:,.2f} {unit}"
    return str(number)


def binary(number: int | None) -> str:
    """Bytes for people.

    >>> binary(3 * 2**20)
    '3.0 MiB'
    """
    if number is None:
        return "?"
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number} B"


def sizes(shape: Sequence[int | None]) -> str:
    return " x ".join("?" if size is None else str(size) for size in shape)


def field_text(field: ReceptiveField | None) -> str:
    """`188 to 204`, per axis where axes differ."""
    if field is None:
        return "?"
    ranges = [str(a) if a == b else f"{a} to {b}" for a, b in zip(field.smallest, field.largest, strict=True)]
    return _by(ranges) + (" *" if field.is_global else "")


def stride_text(field: ReceptiveField | None) -> str:
    return "?" if field is None else _by(f"{stride:g}" for stride in field.stride)


def _by(values) -> str:
    """One value where all axes are alike."""
    found = [str(value) for value in values]
    return found[0] if len(set(found)) == 1 else " x ".join(found) or "-"


def _columns(table: Table, texts: Sequence[str], numbers: Sequence[str]) -> None:
    for text in texts:
        table.add_column(text)
    for number in numbers:
        table.add_column(number, justify="right")


def _cells(layer: Layer) -> tuple[str, ...]:
    field = layer.receptive_field
    return (
        layer.name,
        layer.kind,
        layer.detail,
        sizes(layer.output_shape),
        f"{layer.trainable:,}" if layer.total else "",
        f"{layer.total:,}" if layer.total else "",
        short(layer.macs) if layer.macs or layer.macs is None else "",
        field_text(field),
        stride_text(field),
        "?" if field is None else _by(f"{centre:g}" for centre in field.centre),
        binary(layer.activation_bytes),
    )


def _repetition(words: Sequence[str], start: int) -> tuple[Sequence[str], int]:
    """The block at `start` that covers most of what follows by repeating, and how often it does."""
    best: tuple[Sequence[str], int] = (words[start : start + 1], 1)
    for length in range(1, (len(words) - start) // 2 + 1):
        block = words[start : start + length]
        count = 1
        while words[start + count * length : start + (count + 1) * length] == block:
            count += 1
        if count > 1 and count * length > len(best[0]) * best[1]:
            best = (block, count)
    return best
