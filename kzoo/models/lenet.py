"""LeNet (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86).

LeNet-5 of section II.B: C1, S2, C3, S4, C5, F6, output. Today's form keeps the sizes and drops what was for lack of time or memory: every
map of C3 sees all of S2, sub-sampling has no weights, C5 is a dense layer, the output a softmax. The arguments `connections`,
`subsampling`, `c5` and `output` bring each of these back, and `lenet5_1998` is the network as published; its output units give minus the
paper's distances, so that the largest wins, as everywhere in this zoo.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import keras
import numpy as np

from ..errors import ArgumentError, check_choice
from ..layers import RadialBasis, TrainableSubsampling
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Normalization, Padding, Size, Style, activate, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk

Connections = Literal["full", "table"]
Subsampling = Literal["average", "trainable"]
C5 = Literal["dense", "conv"]
Output = Literal["dense", "rbf"]


@classifier("lenet")
def build_lenet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: Sequence[int] = (6, 16),
    kernel_size: Size | Sequence[Size] = 5,
    padding: Padding | Sequence[Padding] = "valid",
    connections: Connections = "full",
    subsampling: Subsampling = "average",
    c5: C5 = "dense",
    dense: Sequence[int] = (120, 84),
    output: Output = "dense",
    downsampling: Downsampling | None = None,
    activation: Activation = "tanh",
    normalization: Normalization = "none",
    pooling: Pooling | None = "flatten",
    dropout: float = 0.0,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "lenet",
) -> keras.Model:
    """Builds a LeNet; the default is LeNet-5 in today's layers, with average pooling.

    Args:
        filters: one per stage; a stage is a convolution and a sub-sampling by 2.
        kernel_size: int or one per stage, each an int or one per axis.
        padding: `valid`, as published, or `same`; or one per stage.
        connections: `full`, or `table`: each of the 16 maps of the second stage sees some of the 6 of the first, as in table I.
        subsampling: `average`, or `trainable`: the sum over the window, times a coefficient, plus a bias, then the activation.
        c5: the layer C5, first of `dense`: a `dense` layer of the flattened map; or `conv`, an unpadded convolution with the kernel size
            of the last stage, as published, which keeps positions where the map is larger.
        dense: widths of the hidden dense layers; empty for none.
        output: `dense`; or `rbf`, distances from code words of -1 and 1, which are not trained: the bitmaps of digits of figure 3 for
            10 classes and 84 features, otherwise words drawn from a fixed seed.
        {shared}

    >>> from kzoo import build_lenet
    >>> build_lenet(input_shape=(32, 32, 1), num_classes=10).count_params()
    61706
    >>> build_lenet(input_shape=(8, 8, 1), num_classes=10, padding="same", downsampling="max_pool", activation="relu").output_shape
    (None, 10)
    """
    rank = stages.rank_of(input_shape)
    depth = stages.count("filters", filters)
    of = f"filters={list(filters)}"
    style = Style(rank, "valid", activation, normalization, epsilon=1e-5, momentum=0.9)
    check_groups("filters", filters, style)
    kernels = stages.sizes_per_stage("kernel_size", kernel_size, depth, rank, of)
    check_choice("output", output, get_args(Output))
    head = (RadialHead if output == "rbf" else Head)(num_classes, pooling, classifier_activation, dense, dropout)
    _check_table(connections, filters)
    _check_subsampling(subsampling, downsampling)
    _check_c5(c5, dense, style)
    places = _places(kernels, stages.per_stage("padding", padding, depth, of), c5)
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)

    x = net.image
    for stage, width in enumerate(filters, start=1):
        if stage == 2 and connections == "table":
            place = net.enter("stage2_conv")
            x = b.connected_conv(x, TABLE, place.kernel_size, style, "stage2_conv", padding=place.padding)  # type: ignore[arg-type]
        else:
            x = net.conv_at(x, width, f"stage{stage}_conv")
        net.tap(x, f"stage{stage}")
        x = _subsample(net, x, f"stage{stage}_pool", subsampling)
    net.tap(x, "pooled")
    if c5 == "conv":
        x = net.tap(net.conv_at(x, dense[0], f"stage{depth + 1}_conv"), f"stage{depth + 1}")
        head = type(head)(num_classes, pooling, classifier_activation, dense[1:], dropout)
    return net.model(x, head, features_only=features_only, name=name)


TABLE = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)),
)
"""Table I: the maps of S2 that each map of C3 sees: three neighbours, four neighbours, four in two pairs, all."""

DIGITS = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""
"""The digits of figure 3, 7 x 12 each."""


def code_words(num_classes: int, length: int) -> np.ndarray:
    """The words of the output units: the digits of figure 3, or else distinct random ones, always the same.

    >>> code_words(10, 84).shape, code_words(2, 3).tolist()
    ((10, 84), [[...], [...]])
    """
    if (num_classes, length) == (10, 84):
        rows = [line.split() for line in DIGITS.split("\n") if line]
        return np.array([[1 if dot == "#" else -1 for row in rows for dot in row[digit]] for digit in range(10)])
    generator = np.random.default_rng(1998)
    words: dict[bytes, np.ndarray] = {}
    while len(words) < num_classes:
        word = generator.choice([-1, 1], length)
        words.setdefault(word.tobytes(), word)
    return np.array(list(words.values()))


@dataclass(frozen=True)
class RadialHead(Head):
    """A head that ends with distances from code words."""

    def __post_init__(self):
        super().__post_init__()
        if self.num_classes == 1:
            raise ArgumentError("output", "expected dense for num_classes=1, since distances are compared. Received: rbf.")
        if self.classifier_activation == "sigmoid":
            raise ArgumentError(
                "classifier_activation", 'expected softmax, auto or None for output="rbf", which compares distances. Received: sigmoid.'
            )

    def classify(self, x):
        length = x.shape[-1]
        if self.num_classes > 2**length:
            raise ArgumentError("output", f"expected dense for {self.num_classes} classes of {length} features. Received: rbf.")
        codes = code_words(self.num_classes, length).tolist()
        return RadialBasis(codes, activation=self.activation, dtype=b.output_type(), name="head")(x)


def _places(kernels: Sequence[tuple[int, ...]], paddings: Sequence[Padding], c5: C5) -> list[Place]:
    """A convolution and a sub-sampling per stage, and C5."""
    places = []
    for stage, (kernel, padding) in enumerate(zip(kernels, paddings, strict=True), start=1):
        check_choice("padding", padding, get_args(Padding))
        least = 2 if stage < len(kernels) or c5 == "conv" else 1
        places += [Place(f"stage{stage}_conv", kernel, 1, padding), Place(f"stage{stage}_pool", 2, 2, "same", least)]
    return places + [Place(f"stage{len(kernels) + 1}_conv", kernels[-1], 1, "valid", least=1)] * (c5 == "conv")


def _subsample(net: Trunk, x, name: str, subsampling: Subsampling):
    if subsampling == "average":
        return net.pool_at(x, name, "avg_pool")
    place = net.enter(name)
    if max(place.strides) == 1:  # type: ignore[arg-type]
        return x
    x = TrainableSubsampling(place.kernel_size, place.strides, str(place.padding), name=name)(x)
    return activate(x, net.style.activation, f"{name}_act")


def _check_table(connections: Connections, filters: Sequence[int]) -> None:
    check_choice("connections", connections, get_args(Connections))
    if connections == "table" and tuple(filters[:2]) != (6, 16):
        raise ArgumentError(
            "connections", f"expected full for filters={list(filters)}, since table I connects 6 maps with 16. Received: table."
        )


def _check_subsampling(subsampling: Subsampling, downsampling: Downsampling | None) -> None:
    check_choice("subsampling", subsampling, get_args(Subsampling))
    if subsampling == "trainable" and downsampling is not None:
        raise ArgumentError("subsampling", f'expected average for downsampling="{downsampling}", which replaces it. Received: trainable.')


def _check_c5(c5: C5, dense: Sequence[int], style: Style) -> None:
    check_choice("c5", c5, get_args(C5))
    if c5 == "conv" and not dense:
        raise ArgumentError("c5", "expected dense for an empty dense, whose first layer it is. Received: conv.")
    if c5 == "conv":
        check_groups("dense", dense[:1], style)


_PAPER = "LeCun, Bottou, Bengio and Haffner: Gradient-based learning applied to document recognition. Proceedings of the IEEE 86"
_1998 = {
    "connections": "table",
    "subsampling": "trainable",
    "c5": "conv",
    "output": "rbf",
    "activation": {"ScaledTanh": {}},
}


def _preset(name: str, variant: str, twin: str, trainable: int, total: int, macs: int, field: int, shape: tuple, **arguments) -> Preset:
    given = {"input_shape": shape, "num_classes": 10, **arguments}
    return Preset(name, "lenet", _PAPER, 1998, variant, twin, trainable, total, macs, (field, field), given)


_DENSE = "the paper's sizes, in today's layers: C5 dense, after which the field (32 as a convolution) is global"

register(
    _preset("lenet5", f"LeNet-5; {_DENSE}", "Dive into Deep Learning, 28 pixels padded by 2", 61_706, 61_706, 416_520, 16, (32, 32, 1)),
    _preset(
        "lenet5_mnist",
        f"LeNet-5 with C1 padded, for 28 pixels; {_DENSE}",
        "Dive into Deep Learning, section 7.6",
        61_706,
        61_706,
        416_520,
        16,
        (28, 28, 1),
        padding=("same", "valid"),
    ),
    _preset(
        "lenet5_cifar10",
        f"ReLU and max pooling, three channels; {_DENSE}",
        "PyTorch's tutorial on CIFAR-10",
        62_006,
        62_006,
        651_720,
        16,
        (32, 32, 3),
        activation="relu",
        downsampling="max_pool",
    ),
    _preset(
        "lenet5_1998",
        "section II.B: table I, trainable sub-sampling, C5 a convolution, scaled tanh, distances from bitmaps (840 numbers, not trained)",
        "the paper: 60,000 trainable parameters",
        60_000,
        60_840,
        326_520,
        32,
        (32, 32, 1),
        **_1998,
    ),
)
