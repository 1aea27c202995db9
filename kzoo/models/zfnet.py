"""ZFNet (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", ECCV, arXiv:1311.2901).

AlexNet in a single tower, with a finer stem: 7 x 7 by 2 in place of 11 x 11 by 4, and a stride of 2 in the second convolution. Contrast is
normalized after the pooling, not before (section 2, "iv"); the paper does not give the constants, which are AlexNet's here. Of the paddings
figure 3 only shows the sizes 224, 110, 55, 26, 13 and 6, which these have.
"""

from collections.abc import Sequence

import keras

from ..layers import LocalResponseNormalization
from ..layers.downsampling import Downsampling
from ..layers.style import Activation, Alignment, Normalization, Size, Style, check_alignment
from . import stages
from .alexnet import STAGES, check_filters
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk


@classifier("zfnet")
def build_zfnet(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: Sequence[int] = (96, 256, 384, 384, 256),
    kernel_size: Size | Sequence[Size] = (7, 5, 3),
    strides: Size | Sequence[Size] = (2, 2, 1),
    stem_padding: Alignment = 1,
    local_response_norm: bool = True,
    dense: Sequence[int] = (4096, 4096),
    downsampling: Downsampling | None = None,
    activation: Activation = "relu",
    normalization: Normalization = "none",
    pooling: Pooling | None = "flatten",
    dropout: float = 0.5,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "zfnet",
) -> keras.Model:
    """Builds a ZFNet; the default is that of figure 3.

    Args:
        filters: one per convolution, at least three; all from the third on make the third stage.
        kernel_size: int or one for each of the three stages, each an int or one per axis.
        strides: likewise, of the first convolution of each stage.
        stem_padding: of the first convolution: `valid`, `same`, `symmetric`, or positions added at both ends.
        local_response_norm: bool, whether the pooled maps of the first two stages pass a `LocalResponseNormalization`.
        dense: widths of the hidden dense layers; empty for none.
        {shared}

    >>> from kzoo import build_zfnet
    >>> build_zfnet(input_shape=(224, 224, 3), num_classes=1000, dense=[]).output_shape
    (None, 1000)
    """
    rank = stages.rank_of(input_shape)
    style = Style(rank, "same", activation, normalization, epsilon=1e-5, momentum=0.9)
    check_filters(filters, 1, input_shape, style)
    kernels = stages.sizes_per_stage("kernel_size", kernel_size, 3, rank, STAGES)
    steps = stages.sizes_per_stage("strides", strides, 3, rank, STAGES)
    check_alignment("stem_padding", stem_padding)
    head = Head(num_classes, pooling, classifier_activation, dense, dropout)
    places = [
        Place("stage1_conv1", kernels[0], steps[0], stem_padding),
        Place("stage1_pool", 3, 2, "same"),
        Place("stage2_conv1", kernels[1], steps[1], "valid"),
        Place("stage2_pool", 3, 2, "same"),
        Place("stage3_conv1", kernels[2], steps[2], "symmetric"),
        Place("stage3_pool", 3, 2, "valid", least=1),
    ]
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)

    x = net.image
    for stage, widths in enumerate((filters[:1], filters[1:2], filters[2:]), start=1):
        x = net.conv_at(x, widths[0], f"stage{stage}_conv1")
        for number, width in enumerate(widths[1:], start=2):
            x = net.conv(x, width, kernels[2], f"stage{stage}_conv{number}")
        net.tap(x, f"stage{stage}")
        x = net.pool_at(x, f"stage{stage}_pool")
        if local_response_norm and stage < 3:
            x = LocalResponseNormalization(name=f"stage{stage}_lrn")(x)
        net.tap(x, f"stage{stage}_pooled")
    net.tap(x, "pooled")
    return net.model(x, head, features_only=features_only, name=name)


_PAPER = "Zeiler and Fergus: Visualizing and understanding convolutional networks. ECCV"


def _preset(name: str, variant: str, twin: str, parameters: int, macs: int, **arguments) -> Preset:
    given = {"input_shape": (224, 224, 3), "num_classes": 1000, **arguments}
    return Preset(name, "zfnet", _PAPER, 2014, variant, twin, parameters, parameters, macs, (171, 171), given)


register(
    _preset("zfnet", "figure 3", "imgclsmob's zfnet", 62_357_608, 1_168_032_896),
    _preset(
        "zfnet_wide",
        "the larger one of table 2: layers 3 to 5 with 512, 1024 and 512 maps",
        "imgclsmob's zfnetb",
        107_627_624,
        2_476_704_896,
        filters=(96, 256, 512, 1024, 512),
    ),
)
