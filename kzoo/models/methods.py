"""A network in words: the paragraph that a methods section needs, with the works that it cites."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..layers.style import INITIALIZER
from .identity import Description

WORKS = {
    "LeCun 1998": "LeCun et al.: Gradient-based learning applied to document recognition. Proceedings of the IEEE 86, 1998.",
    "Ronneberger 2015": "Ronneberger, Fischer and Brox: U-Net: Convolutional networks for biomedical image segmentation. MICCAI 2015.",
    "Springenberg 2015": "Springenberg et al.: Striving for simplicity: The all convolutional net. ICLR workshop 2015.",
    "Zhang 2019": "Zhang: Making convolutional networks shift-invariant again. ICML 2019.",
    "Shi 2016": "Shi et al.: Real-time single image and video super-resolution using sub-pixel convolution. CVPR 2016.",
    "Aitken 2017": "Aitken et al.: Checkerboard artifact free sub-pixel convolution. arXiv:1707.02937, 2017.",
    "Badrinarayanan 2017": "Badrinarayanan, Kendall and Cipolla: SegNet: A deep convolutional encoder-decoder. TPAMI 39, 2017.",
    "Odena 2016": "Odena, Dumoulin and Olah: Deconvolution and checkerboard artifacts. Distill, 2016.",
    "Oktay 2018": "Oktay et al.: Attention U-Net: Learning where to look for the pancreas. MIDL 2018.",
    "Ioffe 2015": "Ioffe and Szegedy: Batch normalization: Accelerating deep network training. ICML 2015.",
    "Ulyanov 2016": "Ulyanov, Vedaldi and Lempitsky: Instance normalization. arXiv:1607.08022, 2016.",
    "Wu 2018": "Wu and He: Group normalization. ECCV 2018.",
    "Ba 2016": "Ba, Kiros and Hinton: Layer normalization. arXiv:1607.06450, 2016.",
    "He 2015": "He et al.: Delving deep into rectifiers: Surpassing human-level performance on ImageNet classification. ICCV 2015.",
    "He 2016": "He et al.: Identity mappings in deep residual networks. ECCV 2016.",
    "Chollet 2017": "Chollet: Xception: Deep learning with depthwise separable convolutions. CVPR 2017.",
    "Yu 2016": "Yu and Koltun: Multi-scale context aggregation by dilated convolutions. ICLR 2016.",
    "Srivastava 2014": "Srivastava et al.: Dropout: A simple way to prevent neural networks from overfitting. JMLR 15, 2014.",
    "Tompson 2015": "Tompson et al.: Efficient object localization using convolutional networks. CVPR 2015.",
    "Lee 2015": "Lee et al.: Deeply-supervised nets. AISTATS 2015.",
}
"""The works by author and year."""

_PHRASES = {
    "downsampling": {
        "max_pool": "max pooling",
        "avg_pool": "average pooling",
        "strided_conv": "strided convolutions [Springenberg 2015]",
        "strided_conv_widen": "strided convolutions that widen to the next stage's filters [Springenberg 2015]",
        "strided_first_conv": "a stride on the first convolution of the next stage [Springenberg 2015]",
        "blur_pool": "anti-aliased max pooling [Zhang 2019]",
    },
    "upsampling": {
        "transposed_conv": "transposed convolutions",
        "nearest": "nearest-neighbour interpolation followed by a convolution [Odena 2016]",
        "bilinear": "linear interpolation followed by a convolution [Odena 2016]",
        "pixel_shuffle": "sub-pixel convolutions [Shi 2016] with ICNR initialization [Aitken 2017]",
        "max_unpool": "unpooling with the encoder's pooling indices [Badrinarayanan 2017]",
    },
    "skip": {
        "concat": "skip connections concatenate",
        "add": "skip connections add",
        "attention": "skip connections pass additive attention gates [Oktay 2018] and concatenate",
    },
    "normalization": {
        "batch": "batch normalization [Ioffe 2015]",
        "instance": "instance normalization [Ulyanov 2016]",
        "group": "group normalization with 8 groups [Wu 2018]",
        "layer": "layer normalization over channels [Ba 2016]",
    },
}


def paragraph(description: Description) -> str:
    """The network in sentences, then the works it cites, one per line.

    >>> from kzoo import build_unet, describe
    >>> text = describe(build_unet(input_shape=(572, 572, 1), num_classes=2, padding="valid")).methods
    >>> print(text.splitlines()[0])  # doctest: +ELLIPSIS
    We used a 2-D U-Net (Ronneberger 2015) of depth 4 with 64, 128, 256, 512 and 1024 filters and 2 convolutions of size 3 per stage...
    """
    values = description.arguments
    sentences = [*_SENTENCES[description.builder](values), *_common(values), _facts(description)]
    text = " ".join(sentences)
    cited = sorted((work for work in WORKS if f"[{work}]" in text), key=lambda work: text.index(f"[{work}]"))
    for work in cited:
        text = text.replace(f"[{work}]", f"({work})")
    return "\n".join([text, *(f"{work}: {WORKS[work]}" for work in cited)])


def _unet(values: Mapping[str, Any]) -> Iterator[str]:
    rank, depth = len(values["input_shape"]) - 1, values["depth"]
    yield f"We used a {rank}-D U-Net [Ronneberger 2015] of depth {depth} with {_stages(values, depth + 1)}."
    decoder = {name: values[f"decoder_{name}"] for name in ("filters", "blocks", "kernel_size")}
    if any(value is not None for value in decoder.values()):
        apart = {name: values[name] if value is None else value for name, value in decoder.items()}
        yield f"The decoder has {_stages({**apart, 'padding': 'same'}, depth)}."
    strides = "" if values["strides"] == 2 else f", strides {_per_stage(values['strides'])}"
    yield f"The encoder reduces the resolution by {_resampling(values, 'downsampling')}{strides}."
    yield f"The decoder restores it by {_resampling(values, 'upsampling')}."
    if values["skip"] == "none":
        yield "There are no skip connections."
    else:
        cropped = ", cropped to size" if values["padding"] == "valid" else ""
        yield f"Its {_PHRASES['skip'][values['skip']]} the encoder's maps of the same resolution{cropped}."
    if values["deep_supervision"]:
        heads = values["deep_supervision"]
        several = f"Decoder stages 2 to {heads + 1} have heads of their own"
        yield f"{several if heads > 1 else 'Decoder stage 2 has a head of its own'} for deep supervision [Lee 2015]."


def _stages(values: Mapping[str, Any], stages: int) -> str:
    """Filters, convolutions and kernels of a path."""
    filters, blocks, kernels = (_first(values[name], stages) for name in ("filters", "blocks", "kernel_size"))
    widths = filters if isinstance(filters, list) else [filters * 2**stage for stage in range(stages)]
    count = _per_stage(blocks)
    noun = "convolution" if count == "1" else "convolutions"
    padding = ", without padding" if values["padding"] == "valid" else ""
    return f"{_list(widths)} filters and {count} {noun} of size {_per_stage(kernels)} per stage{padding}"


def _first(value: Any, stages: int) -> Any:
    """The values of the first stages: a decoder has none for the bottleneck."""
    return value[:stages] if isinstance(value, list) else value


def _resampling(values: Mapping[str, Any], name: str) -> str:
    kernel = values[f"{name}_kernel"]
    return _PHRASES[name][values[name]] + ("" if kernel is None else f" with windows of {_per_stage(kernel)}")


def _cnn(values: Mapping[str, Any]) -> Iterator[str]:
    rank, depth = len(values["input_shape"]) - 1, values["depth"]
    yield f"We used a {rank}-D convolutional classifier [LeCun 1998] with {_stages(values, depth)}."
    yield f"Every stage ends with {_PHRASES['downsampling'][values['downsampling']]}."
    pooled = {"flatten": "flattened", "avg": "averaged over all positions", "max": "reduced to their maximum over all positions"}
    hidden = f", then pass dense layers of {_list(values['dense'])} units" if values["dense"] else ""
    yield f"The last maps are {pooled[values['pooling']]}{hidden}."


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {"unet": _unet, "cnn": _cnn}


def _common(values: Mapping[str, Any]) -> Iterator[str]:
    """What both builders have: norm, activation, order, regularization."""
    kind = "Depthwise separable convolutions [Chollet 2017]" if values.get("convolution") == "separable" else "Convolutions"
    rates = _per_stage(values.get("dilation", 1))
    dilated = f", dilated by {rates} [Yu 2016]," if set(rates) & set("23456789") else ""
    order = values.get("block_order", "conv-norm-act")
    place = "preceded [He 2016]" if order == "norm-act-conv" else "followed"
    steps = [_PHRASES["normalization"].get(values["normalization"]), f"the activation {_activation(values['activation'])}"]
    steps = steps[::-1] if order == "conv-act-norm" else steps
    yield f"{kind}{dilated} are {place} by {' and '.join(filter(None, steps))}."
    initializer = values.get("initializer", INITIALIZER)
    yield f"Kernels are initialized by {initializer}{' [He 2015]' if initializer.startswith('he_') else ''}."
    places = {"dropout": "after the stages", "decoder_dropout": "after the decoder's stages", "dense_dropout": "before the dense layers"}
    dropped = [f"{_per_stage(values[name])} {place}" for name, place in places.items() if _any(values.get(name, 0))]
    if dropped:
        dropout = "Spatial dropout [Tompson 2015]" if values.get("dropout_kind") == "spatial" else "Dropout [Srivastava 2014]"
        yield f"{dropout} is applied at rates of {' and '.join(dropped)}."
    if values.get("l2"):
        yield f"Kernels are penalized by {values['l2']:g} times the sum of their squares."


def _facts(description: Description) -> str:
    shape = " x ".join("any" if size is None else str(size) for size in description.arguments["input_shape"])
    classes = description.arguments["num_classes"]
    return (
        f"For inputs of {shape} and {classes} output {'channel' if classes == 1 else 'channels'} it has "
        f"{description.parameters:,} parameters "
        f"(kzoo {description.version}, configuration {description.hash})."
    )


def _activation(activation: str | Mapping[str, Any]) -> str:
    if isinstance(activation, str):
        return activation
    name, options = next(iter(activation.items()))
    return name + (f" ({', '.join(f'{key} {value}' for key, value in options.items())})" if options else "")


def _per_stage(value: Any) -> str:
    """`3`, `1 x 3 x 3`, or one per stage where they differ; None is the size that a layer has by itself."""
    if value is None:
        return "the stride's size"
    if not isinstance(value, list):
        return f"{value:g}"
    words = [" x ".join(map(str, inner)) if isinstance(inner, list) else _per_stage(inner) for inner in value]
    return words[0] if len(set(words)) == 1 else _list(words)


def _list(values: Sequence) -> str:
    words = [str(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _any(rates: Any) -> bool:
    return any(rates) if isinstance(rates, list) else bool(rates)
