"""Stages: their names and what they hold, as a reader of the papers would draw them."""

import keras
import pytest
from keras import layers

import kzoo


def stages(model, input_shape=None) -> dict[str, list[str]]:
    """The names of the layers of every stage."""
    found: dict[str, list[str]] = {}
    for row in kzoo.profile(model, input_shape).layers:
        found.setdefault(row.stage, []).append(row.name)
    return found


def sizes(model, input_shape=None) -> dict[str, int]:
    """Rows of the last map of every stage."""
    rows = kzoo.profile(model, input_shape).layers
    return {row.stage: row.output_shape[0] for row in rows if len(row.output_shape) == 3}


def test_a_unet_of_kzoo():
    found = stages(kzoo.build_unet(input_shape=(16, 16, 1), num_classes=2, filters=2, depth=2))
    assert list(found) == ["encoder1", "encoder2", "bottleneck", "decoder2", "decoder1"]
    assert [names[0] for names in found.values()] == ["encoder1_conv1", "encoder1_down", "encoder2_down", "decoder2_up", "decoder1_up"]
    assert found["decoder1"][-1] == "head"


@pytest.mark.parametrize("options", [{"skip": "attention"}, {"padding": "valid", "input_shape": (60, 60, 1)}], ids=str)
def test_what_happens_to_a_skip_belongs_to_the_decoder(options):
    found = stages(kzoo.build_unet(**{"input_shape": (16, 16, 1), "num_classes": 2, "filters": 2, "depth": 2, **options}))
    assert found["encoder1"] == ["encoder1_conv1", "encoder1_conv2"]
    assert list(found) == ["encoder1", "encoder2", "bottleneck", "decoder2", "decoder1"]


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_a_cnn_of_kzoo(normalization):
    """The last pooling stands at the head, since no convolution follows it."""
    found = stages(kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=10, filters=[4, 8], normalization=normalization))
    assert list(found) == ["stage1", "stage2", "head"]
    assert [names[0] for names in found.values()] == ["stage1_conv1", "stage1_down", "stage2_down"]


CLASSIFIERS = {
    # published sizes of the maps at the end of each stage
    "VGG16": {"block1": 224, "block2": 112, "block3": 56, "block4": 28, "block5": 14},
    "ResNet50": {"conv1": 112, "conv2": 56, "conv3": 28, "conv4": 14, "conv5": 7},
    "ResNet50V2": {"conv1": 112, "conv2": 56, "conv3": 28, "conv4": 14, "conv5": 7},
    "DenseNet121": {"conv1": 112, "conv2": 56, "conv3": 28, "conv4": 14, "conv5": 7},
    "MobileNet": {"stage1": 112, "stage2": 56, "stage3": 28, "stage4": 14, "stage5": 7},
    "MobileNetV2": {"stage1": 112, "stage2": 56, "stage3": 28, "stage4": 14, "stage5": 7},
    "EfficientNetB0": {"stage1": 112, "stage2": 56, "stage3": 28, "stage4": 14, "stage5": 7},
    "ConvNeXtTiny": {"stage1": 56, "stage2": 28, "stage3": 14, "stage4": 7},
    "InceptionV3": {"stage1": 109, "stage2": 52, "stage3": 25, "stage4": 12, "stage5": 5},
}


DENSE = pytest.param("DenseNet121", marks=pytest.mark.keras3)  # Keras 2 names the layers of its stem otherwise


@pytest.mark.parametrize("name", [name if name != "DenseNet121" else DENSE for name in CLASSIFIERS])
def test_classifiers_of_keras(name):
    model = getattr(keras.applications, name)(weights=None)
    assert sizes(model, (224, 224, 3)) | {"head": 0} == CLASSIFIERS[name] | {"head": 0}
    assert list(stages(model, (224, 224, 3))) == [*CLASSIFIERS[name], "head"]


def test_poolings_stand_before_the_convolutions_that_follow():
    found = stages(keras.applications.VGG16(weights=None))
    assert [names[0] for names in found.values()][1:] == [f"block{number}_pool" for number in (1, 2, 3, 4, 5)]
    found = stages(keras.applications.ResNet50(weights=None))
    assert (found["conv1"][0], found["conv2"][:2]) == ("conv1_pad", ["pool1_pad", "pool1_pool"])


def test_names_that_keras_gives_become_numbers():
    convolution = {"kernel_size": 3, "padding": "same"}
    parts = [layers.Conv2D(2, **convolution), layers.ReLU(), layers.MaxPooling2D(), layers.Conv2D(4, **convolution), layers.ReLU()]
    model = keras.Sequential([keras.Input((8, 8, 1)), *parts, layers.GlobalMaxPooling2D(), layers.Dense(2)])
    assert [len(names) for names in stages(model).values()] == [2, 3, 2]
    assert list(stages(model)) == ["stage1", "stage2", "head"]


def test_a_name_that_keras_gives_is_no_name_of_a_stage():
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Conv2D(2, 3)])
    assert list(stages(model)) == ["stage1"]


def test_the_layer_that_leads_into_a_stage_does_not_name_it():
    """One convolution per stage, beside a pooling that carries the name of the stage before."""
    found = stages(kzoo.build_unet(input_shape=(16, 16, 1), num_classes=2, filters=2, depth=2, blocks=1, skip="none"))
    assert list(found) == ["encoder1", "encoder2", "bottleneck", "decoder2", "decoder1"]
    assert found["encoder2"] == ["encoder1_down", "encoder2_conv1"]


def test_vectors_that_weight_a_map_are_no_head():
    x = inputs = keras.Input((8, 8, 2))
    weights = layers.Dense(2, "sigmoid", name="excite")(layers.GlobalAveragePooling2D(name="squeeze")(x))
    x = layers.Conv2D(3, 1, name="mix")(layers.Multiply(name="scale")([x, layers.Reshape((1, 1, 2), name="shape")(weights)]))
    x = layers.Dense(2, name="classes")(layers.GlobalAveragePooling2D(name="pool")(x))
    assert stages(keras.Model(inputs, x)) == {"stage1": ["squeeze", "excite", "shape", "scale", "mix"], "head": ["pool", "classes"]}


def test_a_decoder_of_vectors_has_stages_too():
    parts = [layers.Dense(32, name="code"), layers.Reshape((4, 4, 2), name="map"), layers.Conv2DTranspose(1, 2, 2, name="up")]
    assert list(stages(keras.Sequential([keras.Input((3,)), *parts])).values()) == [["code"], ["map", "up"]]


def test_pyramid_branches_of_different_resolutions_are_stages_of_their_own():
    x = inputs = keras.Input((16, 16, 2))
    branches = [layers.UpSampling2D(n)(layers.Conv2D(1, 1)(layers.MaxPooling2D(n)(x))) for n in (2, 4)]
    model = keras.Model(inputs, layers.Conv2D(1, 1, name="last")(layers.Concatenate(name="join")([x, *branches])))
    kinds = [[name.partition("2d")[0] for name in names] for names in stages(model).values()]
    branch, trunk = ["max_pooling", "conv"], ["up_sampling", "up_sampling", "join", "last"]
    assert kinds == [branch, branch, trunk]
