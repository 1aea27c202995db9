"""The types that a model's tensors and variables have, or would have under another dtype policy."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ..errors import ArgumentError
from ..stack import DTypePolicy, output_specs, spec, standardize_dtype
from .graph import Call, Graph


@dataclass(frozen=True)
class Precision:
    """The types of activations and of variables; None keeps those of the model.

    >>> Precision.of("mixed_float16")
    Precision(activations='float16', variables='float32')
    """

    activations: str | None = None
    variables: str | None = None

    @classmethod
    def of(cls, policy: str | None) -> "Precision":
        """From the name of a Keras dtype policy."""
        if policy is None:
            return cls()
        try:
            found = DTypePolicy(policy)
        except (ValueError, TypeError) as error:
            raise _refused("the name of a Keras dtype policy", policy) from error
        if not all("float" in name for name in (found.compute_dtype, found.variable_dtype)):
            raise _refused("a floating-point policy", policy)
        return cls(found.compute_dtype, found.variable_dtype)


def _refused(expected: str, received: object) -> ArgumentError:
    return ArgumentError("precision", f"expected {expected}, such as float32 or mixed_bfloat16. Received: {received!r}.")


def tensor_types(model: keras.Model, graph: Graph, precision: Precision) -> tuple[str, ...]:
    """The type of every tensor.

    Inputs keep theirs, and so do the outputs of layers that were given a type of their own; functions of `keras.ops` follow their inputs.
    """
    types = list(graph.dtypes)
    if precision.activations is None:
        return tuple(types)
    following = _following(model, [call.layer for call in graph.calls])
    for call in graph.calls:
        if not isinstance(call.layer, keras.layers.Layer):
            made = _answered(call, [graph.shapes[tensor] for tensor in call.inputs], [types[tensor] for tensor in call.inputs])
        elif id(call.layer) in following:
            made = [_replaced(types[tensor], call.layer.compute_dtype, precision.activations) for tensor in call.outputs]
        else:
            continue
        for tensor, name in zip(call.outputs, made, strict=True):
            types[tensor] = name
    return tuple(types)


def weight_types(model: keras.Model, graph: Graph, precision: Precision) -> tuple[list[tuple[Any, str]], list[tuple[Any, str]]]:
    """All weights and the trainable ones, each once with its type."""
    layers = [call.layer for call in graph.calls if isinstance(call.layer, keras.layers.Layer)]
    following = _following(model, layers)
    found: dict[int, tuple[Any, str]] = {}
    for layer in layers:
        for weight in layer.weights:
            name = standardize_dtype(weight.dtype)
            if precision.variables and id(layer) in following:
                name = _replaced(name, layer.variable_dtype, precision.variables)
            found.setdefault(id(weight), (weight, name))
    return list(found.values()), [found[id(weight)] for weight in model.trainable_weights if id(weight) in found]


def _following(model: keras.Model, layers: Iterable[Any]) -> set[int]:
    """The ids of the layers that took the global policy when they were made.

    They share one policy object with the model. In a model from a file every layer has an object of its own: there, the policy's name
    that most layers have decides, and a layer that was given the same one by name can't be told from the others.
    """
    policies = {id(layer): layer.dtype_policy for layer in (model, *layers) if isinstance(layer, keras.layers.Layer)}
    shared, count = Counter(map(id, policies.values())).most_common(1)[0]
    if 2 * count > len(policies):
        return {layer for layer, policy in policies.items() if id(policy) == shared}
    name = Counter(policy.name for policy in policies.values()).most_common(1)[0][0]
    return {layer for layer, policy in policies.items() if policy.name == name}


def _replaced(name: str, own: str, new: str) -> str:
    return new if name == own and "float" in name else name


def _answered(call: Call, shapes: Sequence, types: Sequence[str]) -> list[str]:
    """The types that a function of `keras.ops` answers with, as Keras says."""
    stand_ins = {id(tensor): spec(shape, name) for tensor, shape, name in zip(call.arguments.keras_tensors, shapes, types, strict=True)}
    arguments, options = call.arguments.fill_in(stand_ins)
    made = output_specs(call.layer, arguments, options)
    return [standardize_dtype(tensor.dtype) for tensor in made]
