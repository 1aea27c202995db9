"""The totals for people."""

import keras
import pytest
from keras import layers

import kzoo


@pytest.fixture(scope="module")
def unet():
    return kzoo.build_unet(input_shape=(32, 32, 1), num_classes=2, filters=4, depth=2)


def lines(model, flops=False, **options) -> list[str]:
    return kzoo.profile(model, **options).summary(flops=flops).split("\n")


def test_totals_of_a_unet(unet):
    """By hand: 7,402 = 40 + 148 + 296 + 584 + 1168 + 2320 + 520 + 1160 + 584 + 132 + 292 + 148 + 10 weights.

    MACs per sample: 1024 x 180 + 256 x 864 + 64 x 3456 at the encoder, 2 x 32768 for up-sampling, 256 x 1728 + 1024 x 440 behind it.
    At the peak two maps of 4 channels, one of 8 and the input are alive: 17 x 4 KiB per sample. Kept for training are 31 channels of
    32 x 32, 60 of 16 x 16 and 40 of 8 x 8.
    """
    assert lines(unet, batch_size=2) == [
        "input, output       32 x 32 x 1 -> 32 x 32 x 2",
        "parameters          7,402 trainable, 7,402 total, 28.9 KiB",
        "MACs                3.17 M for a batch of 2",
        "receptive field     44",
        "paths               9 along the shortest, 44 along the longest",
        "branches            aligned",
        "legal input sizes   n >= 4, n % 4 == 0",
        "up-sampling         by 2 in decoder2_up, decoder1_up: overlap 1, even",
        "memory for          a batch of 2 in the types of the model",
        "inference           164.9 KiB: 136.0 KiB activations at decoder1_concat, 28.9 KiB weights",
        "training            503.7 KiB: 388.0 KiB activations, 28.9 KiB weights, 28.9 KiB gradients, 57.8 KiB slots of adam",
        "status              complete",
        "warning: the receptive field exceeds the input from layer decoder2_conv1 on (36 > 32): deep stages see mostly padding.",
    ]


def test_flops_on_request_with_their_convention(unet):
    assert "FLOPs               3.17 M, counted as 2 x MACs; biases and pointwise layers left out" in lines(unet, flops=True)


@pytest.mark.parametrize(("optimizer", "end"), [("rmsprop", "28.9 KiB slots of rmsprop"), (3, "86.7 KiB slots, 3 per trainable weight")])
def test_the_optimizer_is_named(unet, optimizer, end):
    assert lines(unet, optimizer=optimizer)[10].endswith(end)


def test_the_precision_is_named(unet):
    assert "memory for          a batch of 1 in mixed_float16" in lines(unet, precision="mixed_float16")


def test_a_global_field_names_its_layer():
    model = kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=2, filters=2)
    assert "receptive field     10, global from dense1 on" in lines(model)


def test_every_output_has_its_field():
    x = inputs = keras.Input((16, 16, 1))
    x = fine = layers.Conv2D(2, 3, name="fine")(x)
    heads = [fine, layers.Conv2D(2, 5, name="coarse")(x), layers.GlobalMaxPooling2D(name="all")(x)]
    text = "\n".join(lines(keras.Model(inputs, heads)))
    assert ("receptive field     fine: 3\n                    coarse: 7\n                    all: 3, global from all on\n") in text


def test_outputs_that_see_several_inputs():
    left, right = keras.Input((16, 16, 1), name="left"), keras.Input((16, 16, 1), name="right")
    x = layers.Add(name="sum")([layers.Conv2D(2, 3, padding="same")(left), layers.Conv2D(2, 5, padding="same")(right)])
    assert {"receptive field     sum on left: 3", "                    sum on right: 5"} <= set(lines(keras.Model([left, right], x)))


def test_every_up_sampling_is_told_and_those_alike_in_one_line():
    up = [layers.Conv2DTranspose(1, kernel, 2, name=f"up{number}") for number, kernel in enumerate((3, 2, 3), start=1)]
    found = lines(keras.Sequential([keras.Input((64, 64, 1)), *up, layers.UpSampling2D(3, name="nearest")]))
    start = found.index("up-sampling         by 2 in up2: overlap 1, even")
    assert found[start + 1 : start + 3] == [
        "                    by 2 in up1, up3: overlap 1 to 4, unevenness 0.75",
        "                    by 3 in nearest: overlap 1, even",
    ]


def test_sizes_that_differ_by_axis():
    inputs = keras.Input((None, None, 1))
    x = layers.Concatenate()([inputs, layers.UpSampling2D((4, 2))(layers.MaxPooling2D((4, 2))(inputs))])
    assert "legal input sizes   n >= 4, n % 4 == 0; n >= 2, n % 2 == 0" in lines(keras.Model(inputs, x))


def test_unknown_numbers_are_question_marks_and_memory_is_left_out():
    found = lines(kzoo.build_unet(input_shape=(None, None, 1), num_classes=2, filters=2, depth=1))
    assert "MACs                ? for a batch of 1" in found
    assert not any(line.startswith(("inference", "training", "memory")) for line in found)
