"""Memory: the peak of live activations at inference, and what training keeps.

Counted are the outputs of layers and what a layer holds inside itself by its formula, such as attention scores. Scratch space, fused
operations and the framework's own memory are not in it. Layers run in Keras's order, one after the other, and a tensor is freed after
its last use, so that skips stay alive until they are joined.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from numbers import Integral
from typing import Any

import keras
import numpy as np

from ..calls import classes
from ..errors import ArgumentError, did_you_mean
from ..stack import KERAS_3, optimizer_variables, variable
from .facts import Facts
from .graph import Graph

OPTIMIZER_SLOTS = {
    "adadelta": 2,
    "adagrad": 1,
    "adam": 2,
    "adamax": 2,
    "adamw": 2,
    "ftrl": 2,
    "lamb": 2,
    "lion": 1,
    "nadam": 2,
    "rmsprop": 1,
    "schedulefreeadamw": 2,
    "sgd": 0 if KERAS_3 else 1,  # Keras 2.15 makes room for a momentum that is 0
    "sgd_momentum": 1,
}
"""Values that the optimizers of Keras keep per trainable weight, with their default settings."""

BY_SHAPE = ("adafactor", "muon")
"""Optimizers that keep more or fewer values for a weight by its shape or name."""


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
    """What a training step holds, in bytes.

    Attributes:
        activations: the output of every layer once, and what layers hold inside themselves.
        weights: all of them.
        gradients: one per trainable weight.
        slots: what the optimizer keeps per trainable weight.
    """

    activations: int
    weights: int
    gradients: int
    slots: int

    @property
    def total(self) -> int:
        return self.activations + self.weights + self.gradients + self.slots


@dataclass(frozen=True)
class Sizes:
    """Bytes for a batch, of every tensor of a graph and of what every call holds inside itself."""

    tensors: tuple[int, ...]
    inner: tuple[int, ...]

    @classmethod
    def of(cls, tensors: Sequence[int | None], inner: Sequence[int | None]) -> "Sizes | None":
        """The sizes, or None where any of them is not known."""
        known = [size for size in (*tensors, *inner) if size is not None]
        whole = len(known) == len(tensors) + len(inner)
        return cls(tuple(known[: len(tensors)]), tuple(known[len(tensors) :])) if whole else None


def optimizer_slots(optimizer: str | int | keras.optimizers.Optimizer | None) -> int | None:
    """Values per trainable weight: of an optimizer, of one by name, or as they are; None where that is not known.

    >>> optimizer_slots("adam"), optimizer_slots(keras.optimizers.Adam(amsgrad=True)), optimizer_slots(3)
    (2, 3, 3)
    """
    if optimizer is None:
        return None
    if isinstance(optimizer, classes("optimizer")):
        return _kept_by(optimizer)
    if isinstance(optimizer, str) and optimizer in OPTIMIZER_SLOTS:
        return OPTIMIZER_SLOTS[optimizer]
    if isinstance(optimizer, Integral) and not isinstance(optimizer, bool) and int(optimizer) >= 0:
        return int(optimizer)
    if optimizer in BY_SHAPE:
        raise _uneven(optimizer)
    raise ArgumentError(
        "optimizer",
        f"expected one of {', '.join(OPTIMIZER_SLOTS)}, or how many values it keeps per trainable weight. "
        f"Received: {optimizer!r}.{did_you_mean(optimizer, OPTIMIZER_SLOTS)}",
    )


def _kept_by(optimizer: keras.optimizers.Optimizer) -> int:
    """What a twin of the optimizer keeps for a matrix and for a vector, which tell apart what goes by shapes."""
    counts = []
    for shape in ((7, 11), (5,)):
        twin = type(optimizer).from_config(optimizer.get_config())
        kept = [tuple(slot.shape) for slot in optimizer_variables(twin, [variable(np.zeros(shape, "float32"))]) if len(slot.shape)]
        counts.append(len(kept) if set(kept) <= {shape} else None)
    if counts[0] is None or counts[0] != counts[1]:
        raise _uneven(optimizer.name)
    return counts[0]


def _uneven(name: str) -> ArgumentError:
    return ArgumentError(
        "optimizer",
        f"expected one that keeps as many values for every weight, or a number of them, as 2. Received: {name}, which goes by shapes.",
    )


def bytes_of(dtype: str) -> int:
    """Bytes of one number of a Keras type; a boolean takes one.

    >>> bytes_of("bfloat16"), bytes_of("int64")
    (2, 8)
    """
    bits = re.search(r"\d+", dtype)
    return int(bits[0]) // 8 if bits else 1


def tensor_bytes(graph: Graph, types: Sequence[str], batch_size: int) -> list[int | None]:
    """Bytes of every tensor for a batch, or None where a size is not known."""
    return [
        None if None in shape[1:] else batch_size * prod(size or 0 for size in shape[1:]) * bytes_of(name)
        for shape, name in zip(graph.shapes, types, strict=True)
    ]


def inner_bytes(graph: Graph, facts: Sequence[Facts | None], types: Sequence[str], batch_size: int) -> list[int | None]:
    """Bytes that every call holds inside itself; its numbers are of the type of its output."""
    held = [0 if known is None else known.inner for known in facts]
    names = [types[call.outputs[0]] for call in graph.calls]
    return [None if count is None else batch_size * count * bytes_of(name) for count, name in zip(held, names, strict=True)]


def weight_bytes(weights: Iterable[tuple[Any, str]]) -> int:
    """Bytes of variables, each with its type."""
    return sum(prod(weight.shape) * bytes_of(name) for weight, name in weights)


def inference_peak(graph: Graph, facts: Sequence[Facts | None], sizes: Sizes) -> tuple[int, str]:
    """The most bytes that are alive at once, and the name of the layer at which they are.

    The inputs belong to the caller and stay. A layer's inputs, its outputs and what it holds inside are alive together. Layers that do
    nothing at inference or only reshape give their input on.
    """
    store = _storage(graph, facts, sizes, ("inference", "always"))
    last_use = _last_uses(graph, store)
    live = {store[tensor] for tensor in graph.inputs}
    held = peak = sum(sizes.tensors[tensor] for tensor in live)
    layer = graph.input_names[0]
    for number, call in enumerate(graph.calls):
        made = {store[tensor] for tensor in call.outputs} - live
        live |= made
        held += sum(sizes.tensors[tensor] for tensor in made)
        if held + sizes.inner[number] > peak:
            peak, layer = held + sizes.inner[number], call.name
        done = {t for t in {store[tensor] for tensor in (*call.inputs, *call.outputs)} if last_use[t] <= number}
        live -= done
        held -= sum(sizes.tensors[tensor] for tensor in done)
    return peak, layer


def stored_activations(graph: Graph, facts: Sequence[Facts | None], sizes: Sizes) -> int:
    """Bytes that the backward pass needs: inputs, layer outputs and what layers hold inside, each once."""
    kept = set(_storage(graph, facts, sizes, ("always",)).values())
    return sum(sizes.tensors[tensor] for tensor in kept) + sum(sizes.inner)


def _storage(graph: Graph, facts: Sequence[Facts | None], sizes: Sizes, shared: Collection[str]) -> dict[int, int]:
    """For every tensor, the tensor whose memory it lives in; a layer that changes the type makes a new one."""
    store = {tensor: tensor for tensor in range(len(graph.shapes))}
    for call, known in zip(graph.calls, facts, strict=True):
        before, after = call.inputs[0], call.outputs[0]
        if known is not None and known.shares in shared and sizes.tensors[before] == sizes.tensors[after]:
            store[after] = store[before]
    return store


def _last_uses(graph: Graph, store: dict[int, int]) -> dict[int, int]:
    """The number of the last call that reads a tensor's memory; never for inputs and outputs, at once where nobody does."""
    last = dict.fromkeys(store.values(), -1)
    for number, call in enumerate(graph.calls):
        last |= dict.fromkeys((store[tensor] for tensor in call.inputs), number)
    forever = len(graph.calls)
    return last | dict.fromkeys((store[tensor] for tensor in (*graph.inputs, *graph.outputs)), forever)
