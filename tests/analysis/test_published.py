"""Integers that were published or computed elsewhere: parameters, MACs and receptive fields, to the last digit that is known."""

import keras
import pytest

import kzoo

from .executor import multiplications

CLASSIFIERS = [
    # builder, trainable, total, MACs in millions as published, field and stride at the last map
    ("VGG16", 138_357_544, 138_357_544, 15_470.3, 212),
    ("VGG19", 143_667_240, 143_667_240, 19_632.1, 268),
    ("ResNet50", 25_557_032 + 26_560, 25_636_712, 3_858.0, 483),
    ("ResNet152", 60_268_520, 60_419_944, 11_282.4, 1507),
    ("DenseNet121", 7_978_856, 8_062_504, 2_834, 2071),
    ("MobileNet", 4_231_976, 4_253_864, 568.7, 315),
    ("MobileNetV2", 3_504_872, 3_538_984, 300.8, 491),
    ("Xception", 22_855_952, 22_910_480, 8_357, 1083),
    ("InceptionV3", 23_817_352, 23_851_784, None, 1311),
]


@pytest.mark.parametrize(("name", "trainable", "total", "macs", "field"), CLASSIFIERS)
def test_classifiers_of_keras(name, trainable, total, macs, field):
    profile = kzoo.profile(getattr(keras.applications, name)(weights=None))
    assert (profile.status, profile.trainable, profile.total) == ("complete", trainable, total)
    assert macs is None or round(profile.macs / 1e6, 1 if isinstance(macs, float) else 0) == macs
    assert profile.receptive_field.smallest == profile.receptive_field.largest == (field, field)
    assert profile.receptive_field.stride == (32, 32)
    assert profile.receptive_field.is_global


TORCHVISION = [
    # trainable parameters and billions of multiplications that torchvision publishes with its weights, to the last digit
    ("EfficientNetB0", 5_288_548, 0.386),
    ("ConvNeXtTiny", 28_589_128, 4.456),
    ("MobileNetV3Small", 2_542_856, 0.057),
    ("MobileNetV3Large", 5_483_032, 0.217),
]


def with_functions(*names: str) -> list:
    """Networks of keras.applications that Keras 2 writes with functions of TensorFlow in the graph, of which nothing is known."""
    return [pytest.param(name, marks=pytest.mark.keras3) for name in names]


@pytest.mark.parametrize(("name", "trainable", "giga"), TORCHVISION)
def test_twins_of_torchvision(name, trainable, giga):
    profile = kzoo.profile(getattr(keras.applications, name)(weights=None), (224, 224, 3))
    assert (profile.trainable, round(profile.macs / 1e9, 3)) == (trainable, giga)


@pytest.mark.parametrize(
    "name",
    [
        *with_functions("ConvNeXtTiny", "MobileNetV3Large"),
        *("EfficientNetB0", "NASNetMobile", "Xception", "InceptionV3", "InceptionResNetV2"),
        *("DenseNet121", "ResNet50V2"),
    ],
)
def test_macs_are_those_of_a_real_run(name):
    size = {"Xception": 299, "InceptionV3": 299, "InceptionResNetV2": 299}.get(name, 224)
    model = getattr(keras.applications, name)(weights=None)
    profile = kzoo.profile(model, (size, size, 3))
    assert profile.status == "complete"
    assert profile.macs == multiplications(model, (size, size, 3))


@pytest.mark.parametrize("name", [*with_functions("ConvNeXtTiny", "MobileNetV3Small"), "EfficientNetB0", "EfficientNetV2B0", "ResNet50V2"])
def test_other_classifiers_of_keras_are_known_as_a_whole(name):
    model = getattr(keras.applications, name)(weights=None)
    profile = kzoo.profile(model, (224, 224, 3))
    assert (profile.status, profile.total) == ("complete", model.count_params())


def test_half_as_wide_mobilenet():
    profile = kzoo.profile(keras.applications.MobileNet(weights=None, alpha=0.5))
    assert (profile.trainable, profile.total, round(profile.macs / 1e6, 1)) == (1_331_592, 1_342_536, 149.5)


def test_shortest_paths_through_the_shortcuts():
    assert kzoo.profile(keras.applications.ResNet50(weights=None)).shortest_path == (11, 11)
    assert kzoo.profile(keras.applications.MobileNetV2(weights=None)).shortest_path == (163, 163)


def test_mnist_convnet_of_the_keras_example():
    profile = kzoo.profile(kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=10, filters=[32, 64], padding="valid", dense=[]))
    assert (profile.total, round(profile.macs / 1e6, 2)) == (34_826, 2.44)
    assert (profile.receptive_field.largest, profile.receptive_field.stride) == ((10, 10), (4, 4))


def unet(**options):
    return kzoo.profile(kzoo.build_unet(**{"input_shape": (512, 512, 1), "num_classes": 1, **options}))


UNETS = [
    ({}, 31_030_593, (188, 204)),
    ({"num_classes": 2}, 31_030_658, (188, 204)),
    ({"num_classes": 2, "input_shape": (512, 512, 3)}, 31_031_810, (188, 204)),
    ({"filters": 32}, 7_759_521, (188, 204)),
    ({"filters": 32, "input_shape": (512, 512, 3)}, 7_760_097, (188, 204)),
    ({"downsampling": "avg_pool"}, 31_030_593, (188, 204)),
    ({"upsampling": "nearest"}, 34_512_193, (220, 236)),
    ({"upsampling": "bilinear"}, 34_512_193, None),
    ({"downsampling": "strided_conv"}, 34_164_993, (203, 219)),
    ({"downsampling": "strided_conv", "upsampling": "nearest"}, 37_646_593, None),
]


@pytest.mark.parametrize(("options", "total", "field"), UNETS, ids=str)
def test_unets(options, total, field):
    profile = unet(**options)
    assert profile.total == total
    if field is not None:
        assert (profile.receptive_field.smallest, profile.receptive_field.largest) == ((field[0],) * 2, (field[1],) * 2)


def test_unet_with_batch_norm():
    profile = unet(normalization="batch")
    assert profile.total == 31_048_257
    assert profile.total - profile.trainable == 2 * sum(layer.output_shape[-1] for layer in profile.layers if "norm" in layer.name)


def grid_unet(down: str, up: str) -> keras.Model:
    """The 2015 network at 512 pixels with any down- and up-sampling, written in plain Keras."""
    x = inputs = keras.Input((512, 512, 1))
    skips = []
    for filters in (64, 128, 256, 512):
        x = two_convolutions(x, filters)
        skips.append(x)
        x = keras.layers.MaxPooling2D(2)(x) if down == "pool" else conv(x, filters, int(down), strides=2)
    x = two_convolutions(x, 1024)
    for filters in (512, 256, 128, 64):
        kind, kernel = up.split()
        if kind == "nearest":
            x = conv(keras.layers.UpSampling2D(2)(x), filters, int(kernel))
        else:
            x = keras.layers.Conv2DTranspose(filters, int(kernel), 2, padding="same")(x)
        x = two_convolutions(keras.layers.Concatenate()([skips.pop(), x]), filters)
    return keras.Model(inputs, conv(x, 1, 1))


def conv(x, filters: int, kernel: int, **options):
    return keras.layers.Conv2D(filters, kernel, padding="same", **options)(x)


def two_convolutions(x, filters: int):
    return conv(conv(x, filters, 3), filters, 3)


GRID = [
    # down, up, parameters, MACs in billions, smallest and largest field, where they are published
    ("pool", "transposed 2", 31_030_593, 192.37, (188, 204)),
    ("pool", "transposed 3", 34_512_193, 203.10, (204, 220)),
    ("pool", "nearest 2", 31_030_593, 218.14, (204, 220)),
    ("pool", "nearest 3", 34_512_193, 261.09, (220, 236)),
    ("2", "transposed 2", 32_424_193, 196.66, (188, 204)),
    ("2", "transposed 3", 35_905_793, None, None),
    ("2", "nearest 2", 32_424_193, None, None),
    ("2", "nearest 3", 35_905_793, None, None),
    ("3", "transposed 2", 34_164_993, None, (203, 219)),
    ("3", "transposed 3", 37_646_593, None, None),
    ("3", "nearest 2", 34_164_993, None, None),
    ("3", "nearest 3", 37_646_593, None, None),
]


@pytest.mark.parametrize(("down", "up", "total", "macs", "field"), GRID)
def test_grid_of_unets(down, up, total, macs, field):
    profile = kzoo.profile(grid_unet(down, up))
    assert profile.total == total
    assert macs is None or round(profile.macs / 1e9, 2) == macs
    found = profile.receptive_field
    assert field is None or (found.smallest, found.largest) == ((field[0],) * 2, (field[1],) * 2)


def nested_unet() -> keras.Model:
    """U-Net++ (Zhou et al. 2018, figure 1) with transposed convolutions, without deep supervision."""
    filters = (32, 64, 128, 256, 512)
    x = inputs = keras.Input((32, 32, 1))
    nodes = {}
    for row, width in enumerate(filters):
        nodes[row, 0] = x = two_convolutions(x, width)
        x = keras.layers.MaxPooling2D(2)(x)
    for column in range(1, 5):
        for row in range(5 - column):
            up = keras.layers.Conv2DTranspose(filters[row], 2, 2)(nodes[row + 1, column - 1])
            joined = keras.layers.Concatenate()([*(nodes[row, before] for before in range(column)), up])
            nodes[row, column] = two_convolutions(joined, filters[row])
    return keras.Model(inputs, conv(nodes[0, 4], 1, 1))


def test_nested_unet():
    profile = kzoo.profile(nested_unet())
    assert profile.total == 9_041_601
    assert profile.aligned
    assert (profile.receptive_field.smallest, profile.receptive_field.largest) == ((188, 188), (204, 204))


def nnunet() -> keras.Model:
    """nnU-Net's plain 3-D network of six stages (Isensee et al. 2021): instance norm, a head at every scale of the decoder."""
    filters = (32, 64, 128, 256, 320, 320)
    x = inputs = keras.Input((32, 32, 32, 1))
    skips = []
    for stage, width in enumerate(filters):
        x = block(block(x, width, strides=2 if stage else 1), width)
        skips.append(x)
    heads = []
    for width, skip in zip(filters[-2::-1], skips[-2::-1], strict=True):
        x = keras.layers.Concatenate()([skip, keras.layers.Conv3DTranspose(width, 2, 2)(x)])
        x = block(block(x, width), width)
        heads.append(keras.layers.Conv3D(2, 1)(x))
    return keras.Model(inputs, heads)


def block(x, width: int, strides: int = 1):
    x = keras.layers.Conv3D(width, 3, strides, padding="same")(x)
    return keras.layers.LeakyReLU(0.01)(keras.layers.GroupNormalization(groups=-1)(x))


def test_nnunet():
    profile = kzoo.profile(nnunet())
    assert profile.total == 31_195_594
    assert profile.receptive_field.global_by.startswith("group_normalization")
    assert len(profile.receptive_fields) == 5


@pytest.mark.parametrize(
    ("options", "giga"),
    [({}, 192.37), ({"upsampling": "nearest"}, 261.09), ({"input_shape": (256, 256, 1)}, 48.09)],
    ids=str,
)
def test_macs_of_unets(options, giga):
    assert round(unet(**options).macs / 1e9, 2) == giga


def test_the_2015_network():
    profile = unet(input_shape=(572, 572, 1), num_classes=2, padding="valid")
    assert profile.total == 31_030_658
    assert profile.output_shapes == ((388, 388, 2),)
    assert str(profile.legal_sizes[0]) == "n >= 188, n % 16 == 12"
    assert round(profile.macs / 1e9, 2) == 150.43


@pytest.mark.parametrize(("depth", "bottleneck"), [(2, 32), (3, 68), (4, 140), (5, 284)])
def test_field_at_the_bottleneck(depth, bottleneck):
    rows = {layer.name: layer for layer in unet(depth=depth, filters=2).layers}
    assert rows["bottleneck_conv2"].receptive_field.largest == (bottleneck, bottleneck)


@pytest.mark.parametrize(("depth", "legal"), [(2, "n >= 44, n % 4 == 0"), (3, "n >= 92, n % 8 == 4"), (4, "n >= 188, n % 16 == 12")])
def test_legal_sizes_of_unpadded_unets(depth, legal):
    model = kzoo.build_unet(input_shape=(None, None, 1), num_classes=1, filters=1, depth=depth, padding="valid")
    assert [str(sizes) for sizes in kzoo.profile(model).legal_sizes] == [legal, legal]
