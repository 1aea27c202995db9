"""The activation that a layer carries: pointwise, over the last axis, or a function of which nothing is known."""

from dataclasses import replace

from keras import layers

from ...stack import activations
from ..facts import Facts
from ..graph import Call

_OVER_THE_LAST_AXIS = ("softmax", "log_softmax", "sparsemax")
_UNKNOWN = ("glu",)


def activated(call: Call, facts: Facts) -> Facts | None:
    """The facts with those of the layer's activation; None for a function that Keras does not have."""
    activation = call.layer.activation
    if activation is None or type(activation) in (layers.ReLU, layers.LeakyReLU, layers.ELU):
        return facts
    name = getattr(activation, "__name__", "")
    if getattr(activations, name, None) is not activation or name in _UNKNOWN:
        return None
    return replace(facts, mixes=(*facts.mixes, len(call.output_shape) - 1)) if name in _OVER_THE_LAST_AXIS else facts
