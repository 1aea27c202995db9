"""Attention: projections and the two products, written out."""

import keras
from keras import layers

import kzoo


def test_multi_head_attention_on_itself():
    inputs = keras.Input((10, 6))
    profile = kzoo.profile(keras.Model(inputs, layers.MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5, name="mha")(inputs, inputs)))
    projections = 10 * 6 * (6 + 6 + 10) + 10 * 10 * 6
    assert profile.macs == projections + 10 * 10 * (6 + 10)
    assert profile.receptive_field.global_by == "mha"


def test_multi_head_attention_over_another_sequence():
    query, value = keras.Input((10, 6)), keras.Input((7, 4))
    profile = kzoo.profile(keras.Model([query, value], layers.MultiHeadAttention(1, 3)(query, value)))
    assert profile.macs == 10 * 6 * 3 + 7 * 4 * 3 + 7 * 4 * 3 + 10 * 7 * 6 + 10 * 3 * 6


def test_dot_product_attention():
    query, value = keras.Input((10, 6)), keras.Input((7, 6))
    profile = kzoo.profile(keras.Model([query, value], layers.Attention()([query, value])))
    assert profile.macs == 10 * 7 * 6 + 10 * 7 * 6
