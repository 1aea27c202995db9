"""Hyperparameters in words, for the paragraphs of `kzoo.models.methods`; works stand in square brackets."""

from collections.abc import Mapping, Sequence
from typing import Any

PHRASES = {
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


def activation(name: str | Mapping[str, Any]) -> str:
    """`relu`, or a layer with its arguments; where it is named by its import path, from which package it is.

    >>> activation({"LeakyReLU": {"negative_slope": 0.01}})
    'LeakyReLU (negative_slope 0.01)'
    >>> activation("tensorflow_addons.activations.mish")
    'mish of tensorflow_addons'
    """
    path, options = (name, None) if isinstance(name, str) else next(iter(name.items()))
    package, _, rest = path.partition(".")
    kind = rest.rpartition(".")[2] + ("" if package == "keras" else f" of {package}") if rest else path
    return kind + (f" ({', '.join(f'{key} {value}' for key, value in options.items())})" if options else "")


def normalization(name: str | Mapping[str, Any]) -> str | None:
    """`batch normalization [Ioffe 2015]`, or a layer with its arguments; None for none.

    >>> normalization({"keras.layers.GroupNormalization": {"groups": 4}})
    'GroupNormalization (groups 4)'
    """
    known = PHRASES["normalization"]
    return known.get(name) if isinstance(name, str) and "." not in name else activation(name)


def per_stage(value: Any) -> str:
    """`3`, `1 x 3 x 3`, or one per stage where they differ; None is the size that a layer has by itself."""
    if value is None:
        return "the stride's size"
    if not isinstance(value, list):
        return value if isinstance(value, str) else f"{value:g}"
    words = [" x ".join(map(str, inner)) if isinstance(inner, list) else per_stage(inner) for inner in value]
    return words[0] if len(set(words)) == 1 else listed(words)


def listed(values: Sequence) -> str:
    """As in a sentence.

    >>> listed([64, 128, 256])
    '64, 128 and 256'
    """
    words = [str(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def pooled(pooling: str) -> str:
    """What becomes of the last maps."""
    return {"flatten": "flattened", "avg": "averaged over all positions", "max": "reduced to the maximum over all positions"}[pooling]


def hidden(dense: Sequence[int] | None) -> str:
    """What comes between them and the classifier, if anything does."""
    if not dense:
        return ""
    return f", then pass {'a dense layer' if len(dense) == 1 else 'dense layers'} of {listed(dense)} units"
