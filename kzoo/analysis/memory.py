"""Memory: the peak of live activations at inference, and what training keeps.

Tensors only: scratch space inside a layer, fused operations and the framework's own memory are not in it. Layers run in Keras's order,
one after the other, and a tensor is freed after its last use, so that skips stay alive until they are joined.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import keras

from ..errors import ArgumentError
from .facts import Facts
from .graph import Graph


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
            found = keras.dtype_policies.DTypePolicy(policy)
        except ValueError as error:
            raise ArgumentError(
                "precision", f"expected a Keras dtype policy, such as float32 or mixed_bfloat16. Received: {policy!r}."
            ) from error
        return cls(found.compute_dtype, found.variable_dtype)


@dataclass(frozen=True)
class InferenceMemory:
    """What inference holds.

    Attributes:
        peak: bytes of activations that are alive at once, weights not included.
        layer: name of the layer that runs at the peak.
        weights: bytes.
    """

    peak: int
    layer: str
    weights: int

    @property
    def total(self) -> int:
        return self.peak + self.weights


@dataclass(frozen=True)
class TrainingMemory:
    """What a training step holds, in bytes: the output of every layer once, and per trainable weight a gradient and the optimizer's slots.

    Attributes:
        activations, weights, gradients, slots: bytes.
    """

    activations: int
    weights: int
    gradients: int
    slots: int

    @property
    def total(self) -> int:
        return self.activations + self.weights + self.gradients + self.slots


def bytes_of(dtype: str) -> int:
    """Bytes of one number of a Keras type; a boolean takes one.

    >>> bytes_of("bfloat16"), bytes_of("int64")
    (2, 8)
    """
    bits = re.search(r"\d+", dtype)
    return int(bits[0]) // 8 if bits else 1


def tensor_bytes(graph: Graph, tensor: int, batch_size: int, precision: Precision) -> int | None:
    """Bytes of a tensor for a batch, or None where a size is not known."""
    shape = graph.shapes[tensor][1:]
    if None in shape:
        return None
    dtype = graph.dtypes[tensor]
    if precision.activations and "float" in dtype:
        dtype = precision.activations
    return batch_size * prod(size or 0 for size in shape) * bytes_of(dtype)


def weight_bytes(weights: Sequence, precision: Precision) -> int:
    """Bytes of variables."""
    total = 0
    for weight in weights:
        dtype = keras.backend.standardize_dtype(weight.dtype)
        total += prod(weight.shape) * bytes_of(precision.variables if precision.variables and "float" in dtype else dtype)
    return total


def inference_peak(graph: Graph, facts: Sequence[Facts | None], sizes: Sequence[int]) -> tuple[int, str]:
    """The most bytes that are alive at once, and the name of the layer at which they are.

    The inputs belong to the caller and stay. A layer's inputs and outputs are alive together. Layers that do nothing at inference or
    only reshape give their input on.
    """
    store = _storage(graph, facts)
    last_use = _last_uses(graph, store)
    live = {store[tensor] for tensor in graph.inputs}
    held = peak = sum(sizes[tensor] for tensor in live)
    layer = graph.input_names[0]
    for number, call in enumerate(graph.calls):
        made = {store[tensor] for tensor in call.outputs} - live
        live |= made
        held += sum(sizes[tensor] for tensor in made)
        if held > peak:
            peak, layer = held, call.name
        done = {t for t in {store[tensor] for tensor in (*call.inputs, *call.outputs)} if last_use[t] <= number}
        live -= done
        held -= sum(sizes[tensor] for tensor in done)
    return peak, layer


def stored_activations(graph: Graph, facts: Sequence[Facts | None], sizes: Sequence[int]) -> int:
    """Bytes that the backward pass needs: inputs and layer outputs, each once; reshaped tensors are the same memory."""
    kept = set(graph.inputs)
    for call, known in zip(graph.calls, facts, strict=True):
        if known is None or known.shares != "always":
            kept |= set(call.outputs)
    return sum(sizes[tensor] for tensor in kept)


def _storage(graph: Graph, facts: Sequence[Facts | None]) -> dict[int, int]:
    """For every tensor, the tensor whose memory it lives in."""
    store = {tensor: tensor for tensor in range(len(graph.shapes))}
    for call, known in zip(graph.calls, facts, strict=True):
        if known is not None and known.shares != "never":
            store[call.outputs[0]] = store[call.inputs[0]]
    return store


def _last_uses(graph: Graph, store: dict[int, int]) -> dict[int, int]:
    """The number of the last call that reads a tensor's memory; never for inputs and outputs, at once where nobody does."""
    last = dict.fromkeys(store.values(), -1)
    for number, call in enumerate(graph.calls):
        last |= dict.fromkeys((store[tensor] for tensor in call.inputs), number)
    forever = len(graph.calls)
    return last | dict.fromkeys((store[tensor] for tensor in (*graph.inputs, *graph.outputs)), forever)
