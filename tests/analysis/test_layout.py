"""Positions that reshapes and permutations move: followed where they can be, global where they are mixed."""

import keras
import pytest
from keras import layers

import kzoo
from kzoo.analysis.layout import Part, regroup
from kzoo.stack import ops

from .brute_force import check_fields


def shuffle(x):
    """The channel shuffle of ShuffleNet."""
    *sizes, channels = x.shape[1:]
    x = layers.Reshape((*sizes, 2, channels // 2))(x)
    axes = range(1, len(sizes) + 1)
    return layers.Reshape((*sizes, channels))(layers.Permute((*axes, len(sizes) + 2, len(sizes) + 1))(x))


def as_tokens(x):
    """Merged, normalized and projected as by a transformer, and put back."""
    *sizes, channels = x.shape[1:]
    tokens = layers.Reshape((-1, channels))(x)
    tokens = layers.Add()([tokens, layers.Dense(channels, activation="gelu")(layers.LayerNormalization(scale=False)(tokens))])
    return layers.Reshape((*sizes, channels))(layers.Dropout(0.1)(tokens))


def flattened(x):
    return layers.Reshape(x.shape[1:])(layers.ReLU()(layers.Flatten()(x)))


def rows_as_tokens(x):
    return ops.reshape(ops.relu(ops.reshape(x, (-1, x.shape[1], x.shape[2] * x.shape[3]))), (-1, *x.shape[1:]))


def turned(x):
    return layers.Permute((2, 1, 3))(layers.Conv2D(4, (1, 3), padding="same")(layers.Permute((2, 1, 3))(x)))


MOVES = [shuffle, flattened, turned, lambda x: layers.Conv2D(4, 3)(shuffle(x)), pytest.param(rows_as_tokens, marks=pytest.mark.keras3)]


@pytest.mark.parametrize("move", MOVES)
def test_positions_that_come_back_are_followed(move):
    inputs = keras.Input((12, 14, 2))
    x = layers.Conv2D(4, (3, 2), padding="same")(inputs)
    model = keras.Model(inputs, layers.Conv2D(2, 3, padding="same")(move(x)))
    check_fields(model, count=2)
    assert kzoo.profile(model).status == "complete"


def test_tokens_are_followed():
    """By hand: projections see one position; the windows before and after see 3 + 3 - 1. Statistics keep brute force out."""
    inputs = keras.Input((12, 14, 2))
    x = as_tokens(layers.Conv2D(4, 3, padding="same")(inputs))
    profile = kzoo.profile(keras.Model(inputs, layers.Conv2D(2, 3)(x)))
    assert (profile.status, profile.receptive_field.largest, profile.receptive_field.is_global) == ("complete", (5, 5), False)
    assert [str(sizes) for sizes in profile.legal_sizes] == ["n == 12", "n == 14"]


def mixer(x):
    """The token mixing of an MLP-Mixer."""
    tokens = layers.Reshape((-1, x.shape[-1]))(x)
    mixed = layers.Permute((2, 1))(layers.Dense(tokens.shape[1], name="all")(layers.Permute((2, 1))(tokens)))
    return layers.Add()([tokens, mixed])


@pytest.mark.parametrize(
    "mix",
    [
        mixer,
        lambda x: layers.Dense(5, name="all")(layers.Flatten()(x)),
        lambda x: layers.Dense(5, name="all")(layers.Permute((1, 3, 2))(x)),
        lambda x: layers.Conv2D(5, 1, name="all")(layers.Permute((3, 1, 2))(x)),
        lambda x: layers.Conv1D(5, 1, name="all")(layers.Permute((2, 1))(layers.Reshape((-1, 4))(x))),
        lambda x: layers.LayerNormalization(name="all")(layers.Permute((1, 3, 2))(x)),
        lambda x: layers.Softmax(name="all")(layers.Flatten()(x)),
        lambda x: layers.Conv2D(5, 1, activation="softmax", name="all")(layers.Permute((1, 3, 2))(x)),
        lambda x: layers.GlobalAveragePooling1D(name="all")(layers.Reshape((-1, 4))(x)),
        lambda x: layers.MultiHeadAttention(1, 2, name="all")(*[layers.Reshape((-1, 4))(x)] * 2),
    ],
)
def test_positions_that_are_mixed_make_the_field_global(mix):
    inputs = keras.Input((8, 8, 2))
    profile = kzoo.profile(keras.Model(inputs, layers.ReLU()(mix(layers.Conv2D(4, 3, padding="same")(inputs)))))
    assert (profile.status, profile.receptive_field.global_by, profile.receptive_field.largest) == ("complete", "all", (3, 3))


@pytest.mark.parametrize("layer", [layers.DepthwiseConv1D(1), layers.Conv1D(64, 1, groups=2)])
def test_positions_as_channels_that_are_not_all_mixed_are_not_followed(layer):
    inputs = keras.Input((8, 8, 2))
    x = layer(layers.Permute((2, 1))(layers.Reshape((64, 2))(inputs)))
    profile = kzoo.profile(keras.Model(inputs, x))
    assert (profile.status, profile.unknown, profile.receptive_field) == ("partial", (layer.name,), None)
    assert any(warning.startswith(f"positions cannot be followed through {layer.name}:") for warning in profile.warnings)


def test_a_softmax_over_the_last_axis_of_channels_first_is_global():
    layer = layers.Conv2D(2, 3, data_format="channels_first", activation="softmax", name="columns")
    profile = kzoo.profile(keras.Sequential([keras.Input((3, 8, 8)), layer]))
    assert (profile.receptive_field.global_by, profile.receptive_field.largest) == ("columns", (3, 3))


def test_regrouping_without_a_size():
    rows, columns, features = (Part(None, 1),), (Part(16, 2),), (Part(6),)
    batch = (Part(None),)
    assert regroup((batch, rows, columns, features), (None, None, 6)) == (batch, (*rows, *columns), features)
    assert regroup((batch, rows, columns, features), (None, None, 16, 2, 3)) == (batch, rows, columns, (Part(2),), (Part(3),))
    assert regroup((batch, rows, columns, features), (None, None, 12)) is None
