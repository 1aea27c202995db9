"""The residual networks that papers and frameworks define."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .presets import Preset, register

_HE = "He et al.: Deep residual learning for image recognition. CVPR"
_HE_V2 = "He et al.: Identity mappings in deep residual networks. ECCV"
_HE_TRICKS = "He et al.: Bag of tricks for image classification with convolutional neural networks. CVPR"
_ZAGORUYKO = "Zagoruyko and Komodakis: Wide residual networks. BMVC"
_XIE = "Xie et al.: Aggregated residual transformations for deep neural networks. CVPR"
_HU = "Hu, Shen and Sun: Squeeze-and-excitation networks. CVPR"

_IMAGENET: dict[str, Any] = {"input_shape": (224, 224, 3), "num_classes": 1000}
_CIFAR: dict[str, Any] = {"input_shape": (32, 32, 3), "num_classes": 10, "block": "basic", "filters": 16, "stem": "3x3"}
_WIDE: dict[str, Any] = {**_CIFAR, "block_order": "norm-act-conv", "stem_filters": 16}
_V1: dict[str, Any] = {**_IMAGENET, "stride_placement": "1x1"}
_V2: dict[str, Any] = {**_IMAGENET, "block_order": "norm-act-conv", "stride_placement": "last_block", "bias": "residual"}


def keras_name(name: str) -> str:
    """What keras.applications calls a layer, in v1 and v2."""
    whole = {"head": "predictions", "head_norm": "post_bn", "stem_conv": "conv1_conv", "stem_conv_norm": "conv1_bn"}
    if name in whole:
        return whole[name]
    stage, block, rest = re.fullmatch(r"stage(\d+)_block(\d+)_(.+)", name).groups()  # type: ignore[union-attr]
    number = {"shortcut": 0, "conv1": 1, "conv2": 2, "conv3": 3, "preact_conv1": 1, "preact_conv2": 2, "preact_conv3": 3}
    layer, norm = rest.removesuffix("_norm"), rest.endswith("_norm")
    place = f"conv{int(stage) + 1}_block{block}"
    if layer == "preact":
        return f"{place}_preact_bn"
    before = norm and layer.startswith("preact")
    return f"{place}_{number[layer] - before}_{'bn' if norm else 'conv'}"


Row = tuple[int, int, int, int, dict[str, Any]]


def _register(
    paper: str,
    year: int,
    variant: str,
    twin: str,
    shared: dict[str, Any],
    rows: dict[str, Row],
    applications: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Presets that share a paper: trainable, total, MACs, receptive field and what is their own."""
    for name, (trainable, total, macs, field, own) in rows.items():
        given, application = {**shared, **own}, applications.get(name)
        renamed = keras_name if application else None
        register(Preset(name, "resnet", paper, year, variant, twin, trainable, total, macs, (field, field), given, application, renamed))


_register(
    _HE,
    2016,
    "table 1; stride in the 3 x 3 convolutions",
    "torchvision",
    _IMAGENET,
    {
        "resnet18": (11_689_512, 11_699_112, 1_814_073_344, 435, {"blocks": (2, 2, 2, 2), "block": "basic"}),
        "resnet34": (21_797_672, 21_814_696, 3_663_761_408, 899, {"blocks": (3, 4, 6, 3), "block": "basic"}),
        "resnet50": (25_557_032, 25_610_152, 4_089_184_256, 427, {"blocks": (3, 4, 6, 3)}),
        "resnet101": (44_549_160, 44_654_504, 7_801_405_440, 971, {"blocks": (3, 4, 23, 3)}),
        "resnet152": (60_192_808, 60_344_232, 11_513_626_624, 1451, {"blocks": (3, 8, 36, 3)}),
    },
)
_register(
    _HE,
    2016,
    "table 1; stride in the first 1 x 1 convolutions",
    "the paper; keras.applications without its redundant biases",
    _V1,
    {
        "resnet50_v1": (25_557_032, 25_610_152, 3_857_973_248, 483, {"blocks": (3, 4, 6, 3)}),
        "resnet101_v1": (44_549_160, 44_654_504, 7_570_194_432, 1027, {"blocks": (3, 4, 23, 3)}),
        "resnet152_v1": (60_192_808, 60_344_232, 11_282_415_616, 1507, {"blocks": (3, 8, 36, 3)}),
    },
    {"resnet50_v1": "ResNet50", "resnet101_v1": "ResNet101", "resnet152_v1": "ResNet152"},
)
_register(
    _HE,
    2016,
    "table 1; stride in the first 1 x 1 convolutions; a bias before every norm",
    "keras.applications",
    {**_V1, "bias": "always"},
    {
        "resnet50_keras": (25_583_592, 25_636_712, 3_857_973_248, 483, {"blocks": (3, 4, 6, 3)}),
    },
    {"resnet50_keras": "ResNet50"},
)
_register(
    _HE_V2,
    2016,
    "pre-activation; stride in the last block of a stage",
    "keras.applications",
    _V2,
    {
        "resnet50_v2": (25_568_360, 25_613_800, 3_482_255_360, 483, {"blocks": (3, 4, 6, 3)}),
        "resnet101_v2": (44_577_896, 44_675_560, 7_194_476_544, 1027, {"blocks": (3, 4, 23, 3)}),
        "resnet152_v2": (60_236_904, 60_380_648, 10_906_697_728, 1507, {"blocks": (3, 8, 36, 3)}),
    },
    {"resnet50_v2": "ResNet50V2", "resnet101_v2": "ResNet101V2", "resnet152_v2": "ResNet152V2"},
)
_register(
    _HE_TRICKS,
    2019,
    "ResNet-50-D: deep stem, averaged shortcuts",
    "timm",
    {**_IMAGENET, "stem": "deep", "shortcut": "D"},
    {
        "resnet50_d": (25_576_264, 25_629_512, 4_328_824_832, 431, {"blocks": (3, 4, 6, 3)}),
    },
)
_register(
    _XIE,
    2017,
    "cardinality x filters of a group in the name; stride in the 3 x 3 convolutions",
    "torchvision",
    {**_IMAGENET, "cardinality": 32},
    {
        "resnext50_32x4d": (25_028_904, 25_097_128, 4_230_479_872, 427, {"blocks": (3, 4, 6, 3), "inner_width": 2.0}),
        "resnext101_32x8d": (88_791_336, 88_994_216, 16_414_015_488, 971, {"blocks": (3, 4, 23, 3), "inner_width": 4.0}),
    },
)
_register(
    _ZAGORUYKO,
    2016,
    "bottlenecks twice as wide inside; stride in the 3 x 3 convolutions",
    "torchvision",
    {**_IMAGENET, "inner_width": 2.0},
    {
        "wide_resnet50_2": (68_883_240, 68_951_464, 11_398_021_120, 427, {"blocks": (3, 4, 6, 3)}),
        "wide_resnet101_2": (126_886_696, 127_024_552, 22_753_050_624, 971, {"blocks": (3, 4, 23, 3)}),
    },
)
_register(
    _HU,
    2018,
    "squeeze and excitation, dense biases; stride in the 3 x 3 convolutions",
    "the published count",
    {**_IMAGENET, "se_reduction": 16},
    {
        "se_resnet50": (28_088_024, 28_141_144, 4_091_699_200, 427, {"blocks": (3, 4, 6, 3)}),
    },
)
_register(
    _HE,
    2016,
    "section 4.2; zero-padded shortcuts",
    "the paper",
    {**_CIFAR, "shortcut": "A"},
    {
        "resnet20_cifar": (269_722, 271_098, 40_551_040, 81, {"blocks": (3, 3, 3)}),
        "resnet32_cifar": (464_154, 466_426, 68_862_592, 137, {"blocks": (5, 5, 5)}),
        "resnet44_cifar": (658_586, 661_754, 97_174_144, 193, {"blocks": (7, 7, 7)}),
        "resnet56_cifar": (853_018, 857_082, 125_485_696, 249, {"blocks": (9, 9, 9)}),
        "resnet110_cifar": (1_727_962, 1_736_058, 252_887_680, 501, {"blocks": (18, 18, 18)}),
    },
)
_register(
    _HE,
    2016,
    "section 4.2; 1 x 1 projections",
    "the paper's option B",
    _CIFAR,
    {
        "resnet20_cifar_b": (272_474, 274_042, 40_813_184, 81, {"blocks": (3, 3, 3)}),
    },
)
_register(
    _ZAGORUYKO,
    2016,
    "WRN-depth-width for CIFAR",
    "the paper, in millions",
    _WIDE,
    {
        "wrn_16_4": (2_748_890, 2_752_506, 392_612_352, 53, {"blocks": (2, 2, 2), "filters": (64, 128, 256)}),
        "wrn_40_4": (8_949_210, 8_959_994, 1_298_582_016, 165, {"blocks": (6, 6, 6), "filters": (64, 128, 256)}),
        "wrn_28_10": (36_479_194, 36_497_146, 5_243_328_768, 109, {"blocks": (4, 4, 4), "filters": (160, 320, 640)}),
    },
)
