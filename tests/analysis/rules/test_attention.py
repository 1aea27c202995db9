"""Attention: projections and the two products, written out."""

import keras
from keras import layers

import kzoo
from kzoo.stack import ops


def test_multi_head_attention_on_itself():
    inputs = keras.Input((10, 6))
    profile = kzoo.profile(keras.Model(inputs, layers.MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5, name="mha")(inputs, inputs)))
    projections = 10 * 6 * (6 + 6 + 10) + 10 * 10 * 6
    assert profile.macs == projections + 10 * 10 * (6 + 10)
    assert profile.receptive_field.global_by == "mha"


def test_several_axes_of_features_behind_the_attention():
    """By hand: three projections of 8 to 16, two products over 16 x 16 positions, and 16 to 3 x 4."""
    inputs = keras.Input((16, 8))
    for shape, features in (((3, 4), 12), ((5,), 5), (None, 8)):
        model = keras.Model(inputs, layers.MultiHeadAttention(2, 8, output_shape=shape)(inputs, inputs))
        assert kzoo.profile(model).macs == 3 * 16 * 8 * 16 + 16 * 16 * 32 + 16 * 16 * features


def test_multi_head_attention_over_another_sequence():
    query, value = keras.Input((10, 6)), keras.Input((7, 4))
    profile = kzoo.profile(keras.Model([query, value], layers.MultiHeadAttention(1, 3)(query, value)))
    assert profile.macs == 10 * 6 * 3 + 7 * 4 * 3 + 7 * 4 * 3 + 10 * 7 * 6 + 10 * 3 * 6


def test_dot_product_attention():
    query, value = keras.Input((10, 6)), keras.Input((7, 6))
    profile = kzoo.profile(keras.Model([query, value], layers.Attention()([query, value])))
    assert profile.macs == 10 * 7 * 6 + 10 * 7 * 6


def test_arguments_by_name_in_any_order_and_a_mask():
    """By hand: query (16, 8), value (20, 12), key (20, 6), two heads of 4."""
    query, value, key = keras.Input((16, 8)), keras.Input((20, 12)), keras.Input((20, 6))
    mask = keras.Input((16, 20), dtype="bool")
    macs = 16 * 8 * 8 + 20 * 6 * 8 + 20 * 12 * 8 + 16 * 20 * 16 + 16 * 8 * 8
    for options in ({"query": query, "value": value, "key": key}, {"key": key, "query": query, "value": value, "attention_mask": mask}):
        model = keras.Model([*options.values()], layers.MultiHeadAttention(2, 4)(**options))
        assert kzoo.profile(model).macs == macs
    model = keras.Model([query, mask], layers.MultiHeadAttention(2, 4)(query, query, attention_mask=ops.ones((1, 16, 16), "bool")))
    assert kzoo.profile(model).macs == 4 * 16 * 8 * 8 + 16 * 16 * 16


def test_attention_over_chosen_axes_is_said_to_be_unknown():
    inputs = keras.Input((8, 8, 4))
    profile = kzoo.profile(keras.Model(inputs, layers.MultiHeadAttention(2, 4, attention_axes=(2,), name="mha")(inputs, inputs)))
    assert (profile.status, profile.unknown) == ("partial", ("mha",))
