"""What Keras's own executor does with real arrays: which buffers every operation reads and makes."""

import weakref
from math import prod
from typing import NamedTuple
from unittest import mock

import keras
import numpy as np

from kzoo.stack import ops, tree


class Buffer(NamedTuple):
    """A piece of memory that one or several tensors live in."""

    address: int
    nbytes: int


class Step(NamedTuple):
    """One operation as it was run: what it read and made, and what the layers inside it made."""

    name: str
    read: tuple[Buffer, ...]
    made: tuple[Buffer, ...]
    inner: tuple[Buffer, ...]


class Run:
    """Runs a model by `Function._run_through_graph` and watches.

    The executor holds every tensor until it ends, so that no address is used twice. A tensor that an operation gives on, as dropout
    does at inference, or sees in another shape, as a flatten does, has the address it had.
    """

    def __init__(self, model: keras.Model, batch_size: int):
        self.steps: list[Step] = []
        self.kept: list = []
        inputs = [np.zeros((batch_size, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs]
        tensors = [ops.convert_to_tensor(array) for array in inputs]
        self.inputs = self.buffers(tensors)
        self.outputs = self.buffers(model._run_through_graph(tensors, operation_fn=self.watched))

    def buffers(self, tensors) -> tuple[Buffer, ...]:
        found = [tensor for tensor in tree.flatten(tensors) if ops.is_tensor(tensor)]
        self.kept += found
        arrays = [np.asarray(tensor) for tensor in found]
        return tuple(Buffer(array.__array_interface__["data"][0], array.nbytes) for array in arrays)

    def watched(self, operation):
        if hasattr(operation, "_run_through_graph"):
            return lambda *arguments, **_: operation._run_through_graph(arguments, operation_fn=self.watched)

        def run(*arguments, **options):
            inside: set[Buffer] = set()
            with self.listening(operation, inside):
                answer = operation(*arguments, **options)
            read, made = self.buffers([arguments, options]), self.buffers(answer)
            self.steps.append(Step(operation.name, read, made, tuple(inside - {*read, *made})))
            return answer

        return run

    def listening(self, outer, inside: set[Buffer]):
        """Notes what the layers inside a layer keep for the backward pass: all answers, and what those with weights were given."""
        call = keras.layers.Layer.__call__

        def heard(layer, *arguments, **options):
            answer = call(layer, *arguments, **options)
            if layer is not outer:
                inside.update(self.buffers([answer, arguments, options] if layer.weights else answer))
            return answer

        return mock.patch.object(keras.layers.Layer, "__call__", heard)


def multiplications(model: keras.Model, shape: tuple[int, ...], batch_size: int = 1) -> int:
    """Counted while a model runs: every number of a kernel meets every position of the answer once.

    That of a transposed convolution meets every position that is given.
    """
    call, found = keras.layers.Layer.__call__, []

    def heard(layer, x, *arguments, **options):
        answer = call(layer, x, *arguments, **options)
        kind = type(layer).__name__
        if "Conv" in kind or kind == "Dense":
            numbers = sum(prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1)
            found.append(numbers * prod((x if "Transpose" in kind else answer).shape[:-1]))
        return answer

    with mock.patch.object(keras.layers.Layer, "__call__", heard):
        model(np.zeros((batch_size, *shape), "float32"), training=False)
    return sum(found)


def replay(run: Run) -> int:
    """The most bytes that were alive while arrays of the run's sizes were made in its order, each dropped after its last reader."""
    ledger = Ledger()
    caller = {buffer: ledger.hold(buffer.nbytes) for buffer in {*run.inputs}}
    arrays = dict(caller)
    for number, step in enumerate(run.steps):
        arrays |= {buffer: ledger.hold(buffer.nbytes) for buffer in {*step.made} - set(arrays)}
        inside = [ledger.hold(buffer.nbytes) for buffer in step.inner]
        needed = {*run.outputs}.union(*(later.read for later in run.steps[number + 1 :]))
        del inside
        arrays = {buffer: array for buffer, array in arrays.items() if buffer in needed}
    assert {*run.outputs} <= {*arrays, *caller}
    return ledger.peak


class Ledger:
    """Counts the bytes of the arrays that are really alive: an entry falls away when Python frees its array."""

    def __init__(self):
        self.alive = self.peak = 0

    def hold(self, nbytes: int) -> np.ndarray:
        array = np.empty(nbytes, np.uint8)
        self.alive += nbytes
        self.peak = max(self.peak, self.alive)
        weakref.finalize(array, self.free, nbytes)
        return array

    def free(self, nbytes: int) -> None:
        self.alive -= nbytes
