"""Skips: how the decoder takes in the encoder's map of the same size."""

from typing import Literal

import keras

from .blocks import linear_conv
from .style import Style

Skip = Literal["concat", "add", "attention", "none"]


def join(skip, x, kind: Skip, style: Style, name: str):
    """Joins an encoder map with the decoder map of the same size: concatenated, added, gated then concatenated, or left out."""
    if kind == "none":
        return x
    if kind == "add":
        return keras.layers.Add(name=f"{name}_add")([skip, x])
    if kind == "attention":
        skip = _attention_gate(skip, x, style, f"{name}_gate")
    return keras.layers.Concatenate(name=f"{name}_concat")([skip, x])


def _attention_gate(skip, gate, style: Style, name: str):
    """Additive attention (Oktay et al. 2018, figure 2): skip * sigmoid(psi(relu(W_x skip + W_g gate))), one weight per position.

    The gate is the up-sampled decoder map, at the skip's own size, so nothing is resampled inside the gate.
    """
    inner = max(skip.shape[-1] // 2, 1)
    query = linear_conv(gate, inner, 1, style, f"{name}_g")
    key = linear_conv(skip, inner, 1, style, f"{name}_x", use_bias=False)
    both = keras.layers.Activation("relu", name=f"{name}_relu")(keras.layers.Add(name=f"{name}_sum")([key, query]))
    logits = linear_conv(both, 1, 1, style, f"{name}_psi")
    weights = keras.layers.Activation("sigmoid", name=f"{name}_weights")(logits)
    return keras.layers.Multiply(name=name)([skip, weights])
