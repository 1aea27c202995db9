"""The ledger: rows that add up, redundant biases found in the graph and proved by numbers, the text."""

import keras
import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo import ArgumentError, build_vgg, describe, explain
from kzoo.analysis.biases import redundant_biases
from kzoo.analysis.graph import trace

VGG = {"builder": "vgg", "input_shape": (16, 16, 3), "num_classes": 5, "filters": 4, "blocks": [1, 2], "dense": [6]}


def test_torchvisions_vgg16_has_4224_redundant_biases():
    """ORACLES.md: 138,365,992 - 138,361,768; with narrow dense layers, which both have."""
    ledger = explain(*({"preset": name, "dense": [8, 8]} for name in ("vgg16_bn", "vgg16")))
    assert ledger.difference == 138_374_440 - 138_357_544
    assert ledger.rows == {
        "convolution kernels": 0,
        "dense kernels": 0,
        "redundant biases": 4_224,
        "other biases": -4_224,
        "norm scales and offsets": 8_448,
        "norm statistics": 8_448,
        "other": 0,
    }
    assert ledger.arguments == {"bias": ("always", "auto"), "normalization": ("batch", "none")}
    assert ledger.a.identity.endswith(" + 8,448 norm statistics + 4,224 redundant biases")


@pytest.fixture(scope="module")
def keras_resnets():
    """The ledger of two networks of keras.applications."""
    return explain(keras.applications.ResNet50(weights=None), keras.applications.ResNet50V2(weights=None))


def test_the_ledger_of_keras_resnet50(keras_resnets):
    """The identity that ORACLES.md and the issue give."""
    assert keras_resnets.a.identity == "25,636,712 = 25,557,032 + 53,120 norm statistics + 26,560 redundant biases"
    assert keras_resnets.a.macs == 3_857_973_248
    assert keras_resnets.a.receptive_field.largest == (483, 483)


def test_biases_that_meet_their_norm_behind_an_addition(keras_resnets):
    """timm's ResNet-50 v2 has 25,549,352 trainable parameters: none of these, nor the stem's 64, which pass a padding with zeros."""
    assert keras_resnets.b.kinds["redundant biases"] == 18_944
    assert keras_resnets.b.needed - 64 == 25_549_352


def test_the_rows_add_up_whatever_the_networks():
    first = {**VGG, "activation": {"PReLU": {}}, "normalization": "batch"}
    second = {"builder": "unet", "input_shape": (16, 16, 1), "num_classes": 2, "filters": 4, "depth": 2, "convolution": "separable"}
    ledger = explain(first, second)
    models = [kzoo.build(config) for config in (first, second)]
    assert [ledger.a.total, ledger.b.total] == [model.count_params() for model in models]
    assert ledger.difference == sum(ledger.rows.values()) == models[0].count_params() - models[1].count_params()
    assert ledger.rows["other"] == 4 + 8 + 8 + 6
    assert ledger.arguments["builder"] == ("vgg", "unet")
    assert ledger.arguments["depth"] == ("-", 2)
    assert explain(second, first).difference == -ledger.difference


def test_the_table_of_connections_of_1998():
    """ORACLES.md: 156 + 12 + 1,516 + 32 + 48,120 + 10,164; the last is the dense layer of 84 here and 840 fixed code words."""
    kinds = explain("lenet5_1998", "lenet5").a.kinds
    assert kinds["convolution kernels"] == 6 * 25 + 60 * 25 + 120 * 16 * 25
    assert kinds["other"] == 12 + 32 + 840
    assert explain("lenet5_1998", "lenet5").rows["convolution kernels"] == -(96 - 60) * 25 + 120 * 16 * 25


def norm(kind: str, **options):
    return getattr(layers, f"{kind}Normalization")(**options)


def row(*steps, bias_first: bool = True, shape=(6, 6, 2)) -> keras.Model:
    """A convolution named `first`, some layers, and a convolution named `last`."""
    x = inputs = keras.Input(shape)
    for step in (layers.Conv2D(4, 3, use_bias=bias_first, name="first"), *steps, layers.Conv2D(2, 1, name="last")):
        x = step(x)
    return keras.Model(inputs, x)


def joined(join) -> keras.Model:
    """Two convolutions that meet before a norm."""
    x = inputs = keras.Input((6, 6, 2))
    x, y = (layers.Conv2D(4, 3, name=name)(x) for name in ("first", "second"))
    return keras.Model(inputs, layers.Conv2D(2, 1, name="last")(layers.ReLU()(norm("Batch")(join(x, y)))))


def also_read_by(*steps) -> keras.Model:
    """Beside its norm, the convolution is read by others."""
    x = inputs = keras.Input((6, 6, 2))
    x = y = layers.Conv2D(4, 3, name="first")(x)
    for step in steps:
        y = step(y)
    return keras.Model(inputs, [norm("Batch")(x), y])


def called_twice(*, norms: int) -> keras.Model:
    shared = layers.Conv2D(4, 3, name="first")
    ends = [keras.Input((6, 6, 2)) for _ in range(2)]
    found = [shared(end) for end in ends]
    return keras.Model(ends, [norm("Batch")(x) for x in found[:norms]] + found[norms:])


def dense() -> keras.Model:
    x = inputs = keras.Input((5,))
    return keras.Model(inputs, layers.Dense(2, name="last")(norm("Batch")(layers.Dense(4, name="first")(x))))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: row(norm("Batch"), layers.ReLU()), {"first"}),
        (lambda: row(norm("Batch", center=False)), {"first"}),
        (lambda: row(norm("Group", groups=4)), {"first"}),
        (lambda: row(norm("Group", groups=-1)), {"first"}),
        (lambda: row(norm("Layer", axis=[1, 2])), {"first"}),
        (lambda: row(layers.MaxPooling2D(), norm("Batch")), {"first"}),
        (lambda: row(layers.AveragePooling2D(3, strides=1, padding="same"), norm("Batch")), {"first"}),
        (lambda: row(layers.Cropping2D(1), layers.Activation("linear"), norm("Batch")), {"first"}),
        (lambda: joined(lambda x, y: layers.Add()([x, y])), {"first", "second"}),
        pytest.param(lambda: joined(lambda x, y: x + y), {"first", "second"}, marks=pytest.mark.keras3),
        (lambda: joined(lambda x, y: layers.Concatenate()([x, y])), {"first", "second"}),
        (lambda: also_read_by(norm("Batch")), {"first"}),
        (lambda: called_twice(norms=2), {"first"}),
        (dense, {"first"}),
        (lambda: row(layers.ReLU(), norm("Batch")), set()),
        (lambda: row(layers.ZeroPadding2D(1), norm("Batch")), set()),
        (lambda: row(norm("Group", groups=2)), set()),
        (lambda: row(norm("Layer")), set()),
        (lambda: row(norm("Batch", axis=1)), set()),
        (lambda: row(norm("Unit")), set()),
        (lambda: row(layers.Identity()), set()),
        (lambda: joined(lambda x, y: layers.Multiply()([x, y])), set()),
        (lambda: joined(lambda x, y: layers.Concatenate(axis=1)([x, y])), set()),
        (lambda: also_read_by(), set()),
        (lambda: also_read_by(layers.ReLU()), set()),
        (lambda: called_twice(norms=1), set()),
        (lambda: row(norm("Batch"), bias_first=False), set()),
    ],
)
def test_a_bias_is_redundant_where_it_changes_no_output(make, expected):
    """What the graph says, and the outputs in training with other biases: equal for those that are redundant, else not."""
    model = make()
    biased = {layer.name: layer for layer in model.layers if getattr(layer, "bias", None) is not None}
    found = {id(bias) for bias in redundant_biases(trace(model))}
    assert {name for name, layer in biased.items() if id(layer.bias) in found} == expected
    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=(4, *tensor.shape[1:])).astype("float32") for tensor in model.inputs]

    def run():
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=True)
        return [np.array(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]

    before = run()
    for name, layer in biased.items():
        values = np.array(layer.bias)
        layer.bias.assign(values + rng.normal(size=values.shape))
        same = all(np.allclose(a, b, atol=1e-4) for a, b in zip(before, run(), strict=True))
        assert same == (name in expected), name
        layer.bias.assign(values)


def test_the_text_fits_and_says_what_differs():
    given = {**VGG, "name": "a" * 30}
    text = str(explain({**given, "filters": list(range(2, 62, 30))}, {**given, "kernel_size": 5, "dense": [8] * 40}))
    lines = text.splitlines()
    assert lines[0] == "aaaaaaaaaaaaaaa... (a) 13,025 = aaaaaaaaaaaaaaa... (b) 6,605 + 6,420 parameters"
    assert max(map(len, lines)) <= 100
    assert "filters                   [2, 32] | 4" in lines
    assert "[8, 8, " in text
    assert [line.split() for line in lines if line.startswith("receptive")] == [["receptive", "field", "14", "24"]]


def test_one_network_is_no_difference():
    text = str(explain(VGG, describe(build_vgg(**{key: value for key, value in VGG.items() if key != "builder"}))))
    assert text.startswith("vgg (a) ")
    assert " + 0 parameters" in text.splitlines()[0]
    assert text.endswith("no arguments differ")


def test_models_without_a_builder_or_fixed_sizes():
    model = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3), layers.PReLU(shared_axes=[1, 2])], name="mine")
    text = str(explain(model, VGG))
    cells = [line.split() for line in text.splitlines()]
    assert ["MACs", "not", "known", "83,742"] in cells
    assert ["other", "2", "0", "+2"] in cells
    assert text.endswith("arguments: known only of networks that kzoo has built")
    with pytest.raises(ArgumentError, match="model: expected a built functional or sequential"):
        explain(keras.Sequential([layers.Dense(2)]), VGG)
