"""Which layers are trusted: those that compute as the class does that has the rule."""

import keras
import pytest
from keras import layers

import kzoo
from kzoo.analysis import Facts, Window, rule
from kzoo.stack import ops


def profile_of(layer, shape=(8, 8, 2)):
    return kzoo.profile(keras.Sequential([keras.Input(shape), layer]))


def rolled(x):
    return ops.roll(x, 3, axis=1)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(2, 3, activation=rolled),
        layers.Dense(2, activation=lambda x: x + ops.mean(x, axis=1, keepdims=True)),
        layers.SeparableConv2D(2, 3, activation=rolled),
        layers.Conv2DTranspose(2, 3, activation=rolled),
        layers.Activation(rolled),
    ],
)
def test_a_function_of_the_user_as_activation_is_unknown(layer):
    profile = profile_of(layer)
    assert (profile.status, profile.unknown, profile.receptive_field) == ("partial", (layer.name,), None)


@pytest.mark.parametrize("activation", ["relu", "gelu", "softmax", None, keras.activations.swish, layers.LeakyReLU(0.2)])
def test_activations_of_keras_are_known(activation):
    profile = profile_of(layers.Conv2D(2, 3, activation=activation))
    assert (profile.status, profile.receptive_field.is_global) == ("complete", False)
    assert profile_of(layers.Activation(activation or "linear")).status == "complete"


class Rolled(layers.Conv2D):
    def convolution_op(self, inputs, kernel):
        return rolled(super().convolution_op(inputs, kernel))


class RolledAgain(Rolled):
    pass


class Named(layers.Conv2D):
    """Sets defaults and adds what the convolution does not use."""

    def __init__(self, filters, **options):
        super().__init__(filters, 3, **options)

    def get_config(self):
        return super().get_config() | {"own": 1}

    def describe(self):
        return "a convolution"


@pytest.mark.parametrize("layer", [Rolled(2, 3), RolledAgain(2, 3), pytest.param(layers.AdditiveAttention(), marks=pytest.mark.keras3)])
def test_a_subclass_that_computes_otherwise_is_unknown(layer):
    inputs = keras.Input((8, 8, 2))
    x = layer([inputs, inputs]) if isinstance(layer, layers.Attention) else layer(inputs)
    assert kzoo.profile(keras.Model(inputs, x)).unknown == (layer.name,)


def test_a_subclass_that_computes_the_same_is_known():
    profile = profile_of(Named(2))
    assert (profile.status, profile.receptive_field.largest) == ("complete", (3, 3))


class RolledConv(Rolled):
    pass


def test_a_rule_teaches_a_subclass_and_its_activation():
    rule(RolledConv)(lambda _: Facts(macs=5, moves=(Window(9), Window(3))))
    profile = profile_of(RolledConv(2, 3, activation=rolled))
    assert (profile.status, profile.macs, profile.receptive_field.largest) == ("complete", 5, (9, 3))


class Scale(layers.Layer):
    def call(self, x):
        return x * 2


def test_a_rule_that_says_nothing_of_the_channels_is_not_trusted_with_positions_there():
    rule(Scale)(lambda _: Facts())
    assert profile_of(Scale()).status == "complete"
    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Permute((1, 3, 2)), Scale(name="scale")])
    assert kzoo.profile(model).unknown == ("scale",)
    rule(Scale)(lambda _: Facts(stops=()))
    assert kzoo.profile(model).status == "complete"
