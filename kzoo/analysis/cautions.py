"""What a reader of a profile should know: one sentence each."""

from collections.abc import Iterator, Sequence

from .checkerboard import Upsampling
from .graph import Graph
from .layers import Layer
from .sight import Misalignment
from .words import listed


def find_warnings(
    graph: Graph, layers: Sequence[Layer], upsamplings: Sequence[Upsampling], misaligned: Sequence[Misalignment]
) -> tuple[str, ...]:
    """Layers without a rule, sizes that are missing, fields beyond the input, checkerboards, branches that are not aligned."""
    return (
        *_about_unknown(layers),
        *_about_sizes(graph),
        *_about_fields(graph, layers),
        *_about_upsamplings(upsamplings),
        *_about_alignment(misaligned),
    )


def _about_unknown(layers: Sequence[Layer]) -> Iterator[str]:
    kinds = dict.fromkeys(layer.kind for layer in layers if not layer.known)
    if kinds:
        yield (
            f"no rule for {', '.join(kinds)}: MACs are known of the other layers only, and no receptive field behind these. "
            "Teach them by kzoo.analysis.rule."
        )
    apart = [layer.name for layer in layers if layer.known and not layer.followed]
    if apart:
        yield f"positions cannot be followed through {listed(apart)}: no receptive field is known behind."


def _about_sizes(graph: Graph) -> Iterator[str]:
    if any(None in graph.shapes[tensor][1:] for tensor in graph.inputs):
        yield "MACs and memory depend on the input size, which is not fixed. Give input_shape."


def _about_fields(graph: Graph, layers: Sequence[Layer]) -> Iterator[str]:
    """The first layer with windows whose smallest field is larger than the input."""
    sizes = [graph.shapes[graph.image][axis] for axis in graph.spatial_axes(graph.image)]
    for layer in layers:
        field = layer.receptive_field
        if field is None or len(field.smallest) != len(sizes):
            continue
        beyond = [(seen, size) for seen, size in zip(field.smallest, sizes, strict=True) if size is not None and seen > size]
        if beyond:
            seen, size = beyond[0]
            yield f"the receptive field exceeds the input from layer {layer.name} on ({seen} > {size}): deep stages see mostly padding."
            return


def _about_upsamplings(upsamplings: Sequence[Upsampling]) -> Iterator[str]:
    """One sentence for all that overlap alike."""
    uneven = [up for up in upsamplings if up.unevenness > 0]
    for fewest, most in dict.fromkeys((up.fewest, up.most) for up in uneven):
        names = listed(up.layer for up in uneven if (up.fewest, up.most) == (fewest, most))
        yield (
            f"{names} can draw checkerboards: {fewest} to {most} input positions reach an output position. "
            "Use a kernel size that is a multiple of the stride."
        )


def _about_alignment(misaligned: Sequence[Misalignment]) -> Iterator[str]:
    """One sentence: a single layer with its branches, several with how far apart theirs are."""
    widest = {found.layer: found for found in sorted(misaligned, key=_distance)}
    if len(widest) == 1:
        (found,) = widest.values()
        yield f"{found.layer} joins branches that are not aligned: {' and '.join(found.branches)} are {_apart(found)}."
    elif widest:
        apart = [f"{found.layer} ({_apart(found)})" for found in misaligned if found is widest[found.layer]]
        yield f"branches that are not aligned meet in {listed(apart)}."


def _distance(found: Misalignment) -> float:
    return float("inf") if found.offset is None else found.offset


def _apart(found: Misalignment) -> str:
    return "of different strides" if found.offset is None else f"{found.offset:.3g} input pixels apart"
