"""Every preset against what it declares and against what its paper says."""

import keras
import pytest

from kzoo import ArgumentError, build_preset, describe, list_presets, profile
from kzoo.models import PRESETS
from kzoo.stack import ops


@pytest.fixture
def zeros(monkeypatch):
    """Kernels of zeros, since random ones take most of the time that large networks take to build."""
    kernel = lambda _, shape, dtype=None, **__: ops.zeros(shape, dtype or "float32")  # noqa: E731
    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", kernel)


@pytest.mark.zoo
@pytest.mark.usefixtures("zeros")
@pytest.mark.parametrize("name", list_presets())
def test_a_preset_is_what_it_declares(name):
    preset = PRESETS[name]
    model = build_preset(name)
    found = profile(model)
    field = found.receptive_field
    assert (found.trainable, found.total, found.macs) == (preset.trainable, preset.total, preset.macs)
    assert (min(field.smallest), max(field.largest)) == preset.receptive_field
    assert model.name == name
    assert describe(model).builder == preset.builder
    assert 1998 <= preset.year <= 2030
    assert preset.paper
    assert preset.variant
    assert preset.twin


def test_published_integers_of_unets():
    """From the papers and from nnU-Net's own code: parameters, and MACs of the 2015 network, 150.43 G."""
    published = {"unet_2015": 31_030_658, "unet_2015_same": 31_030_658, "unet_32": 7_760_097, "nnunet_3d": 31_195_594}
    assert {name: PRESETS[name].trainable for name in published} == published
    assert round(PRESETS["unet_2015"].macs / 1e9, 2) == 150.43


PUBLISHED = {
    # trainable and total parameters, MACs in millions to the digits that were published, receptive field; None where none was
    "lenet5": (61_706, 61_706, "0.4165", None),
    "lenet5_1998": (60_000, None, None, None),
    "alexnet": (60_965_224, 60_965_224, "724.4", 195),
    "alexnet_single": (62_378_344, 62_378_344, "1135.3", 195),
    "alexnet_owt": (61_100_840, 61_100_840, "714.2", 195),
    "zfnet": (62_357_608, 62_357_608, "1168", 171),
    "nin_cifar10": (966_986, 966_986, "222.5", 27),
    "nin_imagenet": (7_595_176, 7_595_176, "1106", 195),
    "vgg11": (132_863_336, 132_863_336, "7609.1", 150),
    "vgg16": (138_357_544, 138_357_544, "15470.3", 212),
    "vgg19": (143_667_240, 143_667_240, "19632.1", 268),
    "vgg16_bn": (138_365_992, 138_365_992 + 8_448, "15470.3", 212),
    "googlenet": (6_998_552, 6_998_552, "1582.7", 715),
    "googlenet_torchvision": (6_624_904, 6_639_464, "1498.4", 379),
    "resnet18": (11_689_512, 11_699_112, "1814.1", 435),
    "resnet50": (25_557_032, 25_610_152, "4089.2", 427),
    "resnet50_v1": (25_557_032, None, "3858.0", 483),
    "resnet50_keras": (25_557_032 + 26_560, 25_636_712, "3858.0", 483),
    "resnet152": (60_192_808, 60_344_232, "11513.6", 1451),
    "resnet152_v1": (60_192_808, 60_344_232, "11282.4", 1507),
    "resnext50_32x4d": (25_028_904, 25_097_128, "4230.5", 427),
    "wide_resnet50_2": (68_883_240, 68_951_464, "11398", 427),
    "se_resnet50": (28_088_024, 28_141_144, "4091.7", 427),
    "densenet121": (7_978_856, 8_062_504, "2834", 2071),
    "squeezenet_1_0": (1_248_424, 1_248_424, "818.9", 155),
    "squeezenet_1_1": (1_235_496, 1_235_496, "349.2", 207),
    "mobilenet": (4_231_976, 4_253_864, "568.7", 315),
    "mobilenet_050": (1_331_592, 1_342_536, "149.5", 315),
    "mobilenet_v2": (3_504_872, 3_538_984, "300.8", 491),
    "xception": (22_855_952, 22_910_480, "8357", 1083),
    "inception_v3": (23_817_352, 23_851_784, None, 1311),
    "resnet20_cifar": (269_722, 271_098, "40.55", 81),
    "resnet56_cifar": (853_018, 857_082, "125.49", 249),
    "resnet110_cifar": (1_727_962, 1_736_058, "252.9", 501),
    "resnet20_cifar_b": (269_722 + 2_752, None, None, 81),
    "wrn_28_10": (36_479_194, 36_497_146, "5243", 109),
    "wrn_16_4": (2_748_890, 2_752_506, "392.6", 53),
    "densenet40_cifar": (1_019_722, 1_037_818, "264.8", 174),
    "densenet100_bc_cifar": (769_162, 793_150, "287.9", 230),
}
"""Every row of the table of classifiers, from papers and frameworks; the test above recomputes what the presets declare."""


@pytest.mark.parametrize(("name", "published"), PUBLISHED.items(), ids=list(PUBLISHED))
def test_published_integers_of_classifiers(name, published):
    preset = PRESETS[name]
    trainable, total, macs, field = published
    assert preset.trainable == trainable
    assert total in (None, preset.total)
    assert macs is None or f"{preset.macs / 1e6:.{len(macs.partition('.')[2])}f}" == macs
    assert field is None or preset.receptive_field == (field, field)


def test_presets_are_listed_and_filtered():
    assert list_presets() == sorted(PRESETS)
    assert list_presets("nnunet_?d") == ["nnunet_2d", "nnunet_3d"]
    assert list_presets("nothing*") == []


def test_a_preset_with_other_values():
    model = build_preset("tiny_unet", input_shape=(33, 40, 3), num_classes=5, name="mine")
    assert model.output_shape == (None, 33, 40, 5)
    assert model.name == "mine"


def test_unknown_presets_and_overrides_are_named():
    with pytest.raises(
        ArgumentError, match=r"^preset: expected one of the \d+ that .* lists. Received: unet2015. Did you mean unet_2015\?$"
    ):
        build_preset("unet2015")
    with pytest.raises(ArgumentError, match=r"filtres: unknown; expected one of input_shape, .* Did you mean filters\?"):
        build_preset("tiny_unet", filtres=3)
