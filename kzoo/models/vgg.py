"""VGG (Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", ICLR, arXiv:1409.1556).

Stages of 3 x 3 convolutions, each closed by max pooling, then two dense layers of 4096: table 1, columns A (VGG11) to E (VGG19). The
paper has no batch norm; torchvision's `vgg16_bn` adds it and keeps the convolutions' biases, `normalization="batch", bias="always"`.
"""

from collections.abc import Sequence

import keras

from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Bias, Normalization, Size, Style, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk


@classifier("vgg")
def build_vgg(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: int | Sequence[int] = (64, 128, 256, 512, 512),
    blocks: Sequence[int] = (2, 2, 3, 3, 3),
    kernel_size: Size | Sequence[Size] = 3,
    dense: Sequence[int] = (4096, 4096),
    bias: Bias = "auto",
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "none",
    pooling: Pooling | None = "flatten",
    dropout: float = 0.5,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "vgg",
) -> keras.Model:
    """Builds a VGG; the default is VGG16, column D of the paper's table 1.

    Args:
        filters: int for the first stage, doubled from stage to stage, or one per stage.
        blocks: convolutions per stage; their number is that of the stages. VGG11, 13, 16, 19: 1-1-2-2-2, 2-2-2-2-2, 2-2-3-3-3, 2-2-4-4-4.
        kernel_size: int or one per stage, each an int or one per axis.
        dense: widths of the hidden dense layers; empty for none.
        bias: `auto` leaves out the biases that a norm makes redundant, `always` keeps them.
        {shared}

    >>> from kzoo import build_vgg
    >>> build_vgg(input_shape=(224, 224, 3), num_classes=1000).count_params()
    138357544
    >>> build_vgg(input_shape=(32, 32, 3), num_classes=10, filters=16, dense=[], pooling="avg").output_shape
    (None, 10)
    """
    rank = stages.rank_of(input_shape)
    depth = stages.count("blocks", blocks)
    of = f"blocks={list(blocks)}"
    style = Style(rank, "same", activation, normalization, bias=bias, epsilon=1e-5, momentum=0.9)
    widths = stages.doubling(filters, depth, of)
    check_groups("filters", widths, style)
    kernels = stages.sizes_per_stage("kernel_size", kernel_size, depth, rank, of)
    head = Head(num_classes, pooling, classifier_activation, dense, dropout)
    places = [Place(f"stage{stage}_pool", 2, 2, "same", least=2 if stage < depth else 1) for stage in range(1, depth + 1)]
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)

    x = net.image
    for stage, (width, count, kernel) in enumerate(zip(widths, blocks, kernels, strict=True), start=1):
        for block in range(1, count + 1):
            x = net.conv(x, width, kernel, f"stage{stage}_conv{block}")
        net.tap(x, f"stage{stage}")
        x = net.pool_at(x, f"stage{stage}_pool")
    net.tap(x, "pooled")
    return net.model(x, head, features_only=features_only, name=name)


def keras_name(name: str) -> str:
    """What keras.applications calls a layer."""
    names = {"dense1": "fc1", "dense2": "fc2", "head": "predictions"}
    return names.get(name, name.replace("stage", "block"))


_PAPER = "Simonyan and Zisserman: Very deep convolutional networks for large-scale image recognition. ICLR"
_BLOCKS = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def _preset(name: str, variant: str, twin: str, trainable: int, total: int, macs: int, field: int, **arguments) -> Preset:
    blocks = _BLOCKS[name.partition("_")[0]]
    given = {"input_shape": (224, 224, 3), "num_classes": 1000, "blocks": blocks, **arguments}
    application = name.upper() if name in ("vgg16", "vgg19") else None
    return Preset(
        name,
        "vgg",
        _PAPER,
        2015,
        variant,
        twin,
        trainable,
        total,
        macs,
        (field, field),
        given,
        application,
        keras_name if application else None,
    )


_BIASED = {"normalization": "batch", "bias": "always"}
_TORCH = "torchvision's, also in its redundant biases"

register(
    _preset("vgg11", "table 1, column A", "the paper; torchvision", 132_863_336, 132_863_336, 7_609_090_048, 150),
    _preset("vgg13", "table 1, column B", "the paper; torchvision", 133_047_848, 133_047_848, 11_308_466_176, 156),
    _preset("vgg16", "table 1, column D", "the paper; keras.applications, torchvision", 138_357_544, 138_357_544, 15_470_264_320, 212),
    _preset("vgg19", "table 1, column E", "the paper; keras.applications, torchvision", 143_667_240, 143_667_240, 19_632_062_464, 268),
    _preset("vgg11_bn", "column A with batch norm", _TORCH, 132_868_840, 132_874_344, 7_609_090_048, 150, **_BIASED),
    _preset("vgg13_bn", "column B with batch norm", _TORCH, 133_053_736, 133_059_624, 11_308_466_176, 156, **_BIASED),
    _preset("vgg16_bn", "column D with batch norm", _TORCH, 138_365_992, 138_374_440, 15_470_264_320, 212, **_BIASED),
    _preset("vgg19_bn", "column E with batch norm", _TORCH, 143_678_248, 143_689_256, 19_632_062_464, 268, **_BIASED),
)
