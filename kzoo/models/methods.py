"""A network in words: the paragraph that a methods section needs, with the works that it cites."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..layers.style import INITIALIZER
from .families import details, head, kind, preset
from .identity import Description, configuration, plain
from .wording import PHRASES, activation, hidden, listed, normalization, per_stage, pooled
from .works import WORKS


def paragraph(description: Description) -> str:
    """The network in sentences, then the works it cites, one per line.

    >>> from kzoo import build_unet, describe
    >>> text = describe(build_unet(input_shape=(572, 572, 1), num_classes=2, padding="valid")).methods
    >>> print(text.splitlines()[0])  # doctest: +ELLIPSIS
    We used a 2-D U-Net (Ronneberger 2015) of depth 4 with 64, 128, 256, 512 and 1024 filters and 2 convolutions of size 3 per stage...
    """
    sentences = _SENTENCES.get(description.builder, _classifier)
    text = " ".join([*sentences(description), *_weights(description.arguments), _facts(description)])
    cited = sorted((work for work in WORKS if f"[{work}]" in text), key=lambda work: text.index(f"[{work}]"))
    for work in cited:
        text = text.replace(f"[{work}]", f"({work})")
    return "\n".join([text, *(f"{work}: {WORKS[work]}" for work in cited)])


def _unet(description: Description) -> Iterator[str]:
    values = description.arguments
    if values["encoder"] is None:
        yield from _contracting_path(values)
    else:
        yield from _classifier_as_encoder(values)
    yield f"The decoder restores it by {_resampling(values, 'upsampling')}."
    if values["skip"] == "none":
        yield "There are no skip connections."
    else:
        cropped = ", cropped to size" if values["padding"] == "valid" else ""
        yield f"Its {PHRASES['skip'][values['skip']]} the encoder's maps of the same resolution{cropped}."
    if values["deep_supervision"]:
        heads = values["deep_supervision"]
        several = f"Decoder stages 2 to {heads + 1} have heads of their own"
        yield f"{several if heads > 1 else 'Decoder stage 2 has a head of its own'} for deep supervision [Lee 2015]."
    yield from _common(values)


def _contracting_path(values: Mapping[str, Any]) -> Iterator[str]:
    depth = values["depth"]
    yield f"We used a {_rank(values)}-D U-Net [Ronneberger 2015] of depth {depth} with {_stages(values, depth + 1)}."
    decoder = {name: values[f"decoder_{name}"] for name in ("filters", "blocks", "kernel_size")}
    if any(value is not None for value in decoder.values()):
        apart = {name: values[name] if value is None else value for name, value in decoder.items()}
        yield f"The decoder has {_stages({**apart, 'padding': 'same'}, depth)}."
    strides = "" if values["strides"] == 2 else f", strides {per_stage(values['strides'])}"
    yield f"The encoder reduces the resolution by {_resampling(values, 'downsampling')}{strides}."


def _classifier_as_encoder(values: Mapping[str, Any]) -> Iterator[str]:
    from .unet import DECODER_FILTERS

    builder, given = configuration(values["encoder"])
    arguments = {name: plain(value) for name, value in given.items()}
    name = kind(builder, arguments) + preset(builder, arguments)
    article = "an" if name[0] in "AEIOU" else "a"
    yield f"We used a {_rank(values)}-D U-Net [Ronneberger 2015] whose contracting path is {article} {name}."
    yield from details(builder, arguments, "The encoder")
    if arguments.get("weights"):
        yield f"The encoder starts from {_source(arguments['weights'])}."
    filters, blocks, kernel = (values[f"decoder_{name}"] for name in ("filters", "blocks", "kernel_size"))
    filters = DECODER_FILTERS if filters is None else filters
    widths = (
        f"{listed(filters)} filters" if isinstance(filters, list) else f"{filters} filters in its last stage, doubled towards the encoder,"
    )
    yield f"The decoder has {widths} and {_convolutions(2 if blocks is None else blocks, 3 if kernel is None else kernel)}."


def _cnn(description: Description) -> Iterator[str]:
    values = description.arguments
    yield f"We used a {_rank(values)}-D convolutional classifier [LeCun 1998] with {_stages(values, values['depth'])}."
    yield f"Every stage ends with {PHRASES['downsampling'][values['downsampling']]}."
    yield f"The last maps are {pooled(values['pooling'])}{hidden(values['dense'])}."
    yield from _common(values)


def _classifier(description: Description) -> Iterator[str]:
    """Any builder with the common arguments of classifiers."""
    builder, values = description.builder, description.arguments
    yield f"We used a {_rank(values)}-D {kind(builder, values)}{preset(builder, values)}."
    yield from details(builder, values)
    yield from head(builder, values)
    yield _initialization(INITIALIZER)


_SENTENCES: dict[str, Callable[[Description], Iterator[str]]] = {"unet": _unet, "cnn": _cnn}


def _rank(values: Mapping[str, Any]) -> int:
    return len(values["input_shape"]) - 1


def _stages(values: Mapping[str, Any], stages: int) -> str:
    """Filters, convolutions and kernels of a path."""
    filters, blocks, kernels = (_first(values[name], stages) for name in ("filters", "blocks", "kernel_size"))
    widths = filters if isinstance(filters, list) else [filters * 2**stage for stage in range(stages)]
    padding = ", without padding" if values["padding"] == "valid" else ""
    return f"{listed(widths)} filters and {_convolutions(blocks, kernels)}{padding}"


def _convolutions(blocks: Any, kernels: Any) -> str:
    count = per_stage(blocks)
    return f"{count} {'convolution' if count == '1' else 'convolutions'} of size {per_stage(kernels)} per stage"


def _first(value: Any, stages: int) -> Any:
    """The values of the first stages: a decoder has none for the bottleneck."""
    return value[:stages] if isinstance(value, list) else value


def _resampling(values: Mapping[str, Any], name: str) -> str:
    kernel = values[f"{name}_kernel"]
    return PHRASES[name][values[name]] + ("" if kernel is None else f" with windows of {per_stage(kernel)}")


def _common(values: Mapping[str, Any]) -> Iterator[str]:
    """What the U-Net and the plain classifier share: norm, activation, order, regularization."""
    convolutions = "Depthwise separable convolutions [Chollet 2017]" if values.get("convolution") == "separable" else "Convolutions"
    rates = per_stage(values.get("dilation", 1))
    dilated = f", dilated by {rates} [Yu 2016]," if set(rates) & set("23456789") else ""
    order = values.get("block_order", "conv-norm-act")
    place = "preceded [He 2016b]" if order == "norm-act-conv" else "followed"
    steps = [normalization(values["normalization"]), f"the activation {activation(values['activation'])}"]
    steps = steps[::-1] if order == "conv-act-norm" else steps
    whose = " of the decoder" if values.get("encoder") is not None else ""
    yield f"{convolutions}{whose}{dilated} are {place} by {' and '.join(filter(None, steps))}."
    yield _initialization(values.get("initializer", INITIALIZER))
    places = {"dropout": "after the stages", "decoder_dropout": "after the decoder's stages", "dense_dropout": "before the dense layers"}
    dropped = [f"{per_stage(values[name])} {place}" for name, place in places.items() if _any(values.get(name, 0))]
    if dropped:
        dropout = "Spatial dropout [Tompson 2015]" if values.get("dropout_kind") == "spatial" else "Dropout [Srivastava 2014]"
        yield f"{dropout} is applied at rates of {' and '.join(dropped)}."
    if values.get("l2"):
        yield f"Kernels are penalized by {values['l2']:g} times the sum of their squares."


def _initialization(initializer: str) -> str:
    return f"Kernels are initialized by {initializer}{' [He 2015]' if initializer.startswith('he_') else ''}."


def _weights(values: Mapping[str, Any]) -> Iterator[str]:
    if values.get("weights"):
        yield f"It starts from {_source(values['weights'])}."


def _source(weights: str) -> str:
    return "weights trained on ImageNet, those of keras.applications" if weights == "imagenet" else f"the weights in {weights}"


def _facts(description: Description) -> str:
    shape = " x ".join("any" if size is None else str(size) for size in description.arguments["input_shape"])
    classes = 0 if description.arguments.get("features_only") else description.arguments["num_classes"]
    outputs = f" and {classes} output {'channel' if classes == 1 else 'channels'}" if classes else ""
    return (
        f"For inputs of {shape}{outputs} it has {description.parameters:,} parameters "
        f"(kzoo {description.version}, configuration {description.hash})."
    )


def _any(rates: Any) -> bool:
    return any(rates) if isinstance(rates, list) else bool(rates)
