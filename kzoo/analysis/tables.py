"""A profile as tables for the terminal."""

import re
from collections.abc import Sequence

from rich.markup import escape

from .fitting import FittingTable
from .layers import Layer, by_stage
from .profile import Profile
from .words import binary, field_text, one, short, sizes, stride_text

WINDOWLESS = re.compile(
    "(Batch|Group|Layer|LocalResponse|RMS|Spectral|Unit)?Normalization|Rescaling|"
    "Activation|(Leaky|P)?ReLU|Relu6?|LeakyRelu|ELU|Elu|Selu|Gelu|Silu|HardSilu|Sigmoid|HardSigmoid|(Scaled)?Tanh|Softmax|"
    "(Spatial|Gaussian|Alpha)?Dropout([123]D)?|GaussianNoise|ActivityRegularization|Identity|"
    "ZeroPadding[123]D|Cropping[123]D|CenterCrop|PadToMultiple|CropTo"
)
"""Kinds that the stage table leaves out, as the papers do: norms, activations, noise, and what only changes the border."""


def layer_table(profile: Profile) -> FittingTable:
    """A row per layer, a rule between stages; sizes in pixels, parameters trainable and total."""
    table = _table(profile, inner=True, spare=("centre", "bytes", "total", "kind", "stride", "window, width", "field", "MACs"))
    _columns(table, ("layer", "kind", "window, width"), ("output", "parameters", "total", "MACs", "field", "stride", "centre", "bytes"))
    for stage in by_stage(profile.layers).values():
        for layer in stage:
            table.add_row(*_cells(layer))
        table.add_section()
    return table


def stage_table(profile: Profile) -> FittingTable:
    """A row per stage, with its layers in short: `[3x3, 64] x 2`."""
    table = _table(profile, spare=("stride", "field", "MACs"), folding="layers")
    _columns(table, ("stage", "layers"), ("output", "parameters", "MACs", "field", "stride"))
    for stage, layers in by_stage(profile.layers).items():
        last = layers[-1]
        macs = [layer.macs for layer in layers]
        table.add_row(
            escape(stage),
            escape("\n".join(summarize(layers))),
            sizes(last.output_shape),
            f"{sum(layer.trainable for layer in layers):,}",
            short(None if None in macs else sum(number or 0 for number in macs)),
            field_text(last.receptive_field),
            stride_text(last.receptive_field),
        )
    return table


def summarize(layers: Sequence[Layer]) -> list[str]:
    """The layers of a stage in short, repeated blocks folded."""
    words = [f"{layer.kind} {layer.detail}".strip() for layer in layers if not WINDOWLESS.fullmatch(layer.kind)]
    lines: list[str] = []
    start = 0
    while start < len(words):
        block, count = _repetition(words, start)
        text = "; ".join(block)
        lines.append(f"[{text}] x {count}" if count > 1 else text)
        start += len(block) * count
    return lines


def _table(profile: Profile, *, inner: bool = False, spare: Sequence[str], folding: str | None = None) -> FittingTable:
    """An empty table with the model's name above and, below, what its marks mean."""
    fields = [layer.receptive_field for layer in profile.layers]
    legend = []
    if any(field is not None and field.is_global for field in fields):
        legend.append("* global: every position sees the whole input; the number is the field before that")
    if inner and any(layer.inner_bytes for layer in profile.layers):
        legend.append("+ bytes that a layer holds inside itself while it runs")
    return FittingTable(spare=spare, folding=folding, title=profile.name, legend=legend)


def _columns(table: FittingTable, texts: Sequence[str], numbers: Sequence[str]) -> None:
    for text in texts:
        table.add_column(text)
    for number in numbers:
        table.add_column(number, justify="right")


def _cells(layer: Layer) -> tuple[str, ...]:
    field = layer.receptive_field
    return (
        escape(layer.name),
        layer.kind,
        layer.detail,
        sizes(layer.output_shape),
        f"{layer.trainable:,}" if layer.total else "",
        f"{layer.total:,}" if layer.total else "",
        short(layer.macs) if layer.macs or layer.macs is None else "",
        field_text(field),
        stride_text(field),
        "?" if field is None else one(f"{centre:g}" for centre in field.centre),
        binary(layer.activation_bytes) + (f" + {binary(layer.inner_bytes)}" if layer.inner_bytes else ""),
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
