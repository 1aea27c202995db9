"""The layers of the 1998 LeNet-5 that later networks dropped.

LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", section II.B and appendix A.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import keras
import numpy as np

from ..errors import ArgumentError
from ..stack import ops


@keras.saving.register_keras_serializable("kzoo")
class ScaledTanh(keras.layers.Layer):
    """`amplitude * tanh(slope * x)`: with the paper's constants 1 gives 1, -1 gives -1, and the curvature is largest there.

    Args:
        amplitude, slope: floats, A and S of appendix A.

    Input and output: any shape.

    >>> import numpy as np
    >>> ScaledTanh()(np.array([-1.0, 0.0, 1.0])).numpy().round(3).tolist()
    [-1.0, 0.0, 1.0]
    """

    def __init__(self, amplitude: float = 1.7159, slope: float = 2 / 3, **options):
        super().__init__(**options)
        self.amplitude = amplitude
        self.slope = slope

    def call(self, inputs):
        return self.amplitude * ops.tanh(self.slope * inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "amplitude": self.amplitude, "slope": self.slope}


@keras.saving.register_keras_serializable("kzoo")
class ConnectedConv(keras.layers.Layer):
    """A convolution whose output maps each see some of the input maps, by a table of connections.

    It has one kernel per connection and one bias per output map. The kernels begin as those of a full convolution do, at the places of the
    table.

    Args:
        connections: for every output map, the numbers of the input maps that it sees.
        kernel_size, strides: int or one per axis.
        padding: `same` or `valid`.
        use_bias, activation, kernel_initializer, kernel_regularizer: as in Keras's convolutions.

    Input `(batch, *spatial, channels)`, output `(batch, *spatial, len(connections))`.

    >>> layer = ConnectedConv([[0, 1], [2]], kernel_size=5)
    >>> tuple(layer(keras.Input((8, 8, 3))).shape), layer.count_params()
    ((None, 4, 4, 2), 77)
    """

    def __init__(
        self,
        connections: Sequence[Sequence[int]],
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        use_bias: bool = True,
        activation=None,
        kernel_initializer="glorot_uniform",
        kernel_regularizer=None,
        **options,
    ):
        super().__init__(**options)
        self.connections = [sorted(seen) for seen in connections]
        self.kernel_size: Any = kernel_size
        self.strides: Any = strides
        self.padding = padding
        self.use_bias = use_bias
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    @property
    def filters(self) -> int:
        return len(self.connections)

    def build(self, input_shape):
        self.kernel_size, self.strides = (_axes(size, input_shape) for size in (self.kernel_size, self.strides))
        channels = input_shape[-1]
        wrong = [number for seen in self.connections for number in seen if not 0 <= number < channels]
        if wrong:
            raise ArgumentError("connections", f"expected numbers of input maps from 0 to {channels - 1}. Received: {wrong[0]}.")
        pairs = [(seen, made) for made, maps in enumerate(self.connections) for seen in maps]
        self._kept = np.array([seen * self.filters + made for seen, made in pairs])
        self._places = np.full((channels, self.filters), len(pairs))
        for number, pair in enumerate(pairs):
            self._places[pair] = number
        shape = (*self.kernel_size, len(pairs))
        self.kernel = self.add_weight(shape=shape, initializer=self._initial, regularizer=self.kernel_regularizer, name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias") if self.use_bias else None
        self.built = True

    def _initial(self, shape, dtype=None):  # noqa: ARG002
        full = self.kernel_initializer((*self.kernel_size, *self._places.shape), dtype=dtype)
        return ops.take(ops.reshape(full, (*self.kernel_size, -1)), self._kept, axis=-1)

    def call(self, inputs):
        kernel = ops.concatenate([self.kernel, ops.zeros_like(self.kernel[..., :1])], axis=-1)
        full = ops.take(kernel, self._places, axis=-1)
        x = ops.conv(inputs, full, self.strides, self.padding, data_format="channels_last")
        return self.activation(x if self.bias is None else x + self.bias)

    def compute_output_shape(self, input_shape):
        return (*_windowed(input_shape, self.kernel_size, self.strides, self.padding), self.filters)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "connections": self.connections,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "use_bias": self.use_bias,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


@keras.saving.register_keras_serializable("kzoo")
class TrainableSubsampling(keras.layers.Layer):
    """The sum over a window, times a coefficient, plus a bias: one of each per map. It begins as average pooling.

    Args:
        pool_size: int or one per axis.
        strides: int or one per axis; None for the size of the window.
        padding: `same` or `valid`. A window that reaches over the border counts the mean of what is there for what is missing.

    Input and output: `(batch, *spatial, channels)`.

    >>> import numpy as np
    >>> TrainableSubsampling(2)(np.array([[[1.0], [3.0], [5.0], [7.0]]]))[0, :, 0].numpy().tolist()
    [2.0, 6.0]
    """

    def __init__(self, pool_size: int | Sequence[int], strides: int | Sequence[int] | None = None, padding: str = "valid", **options):
        super().__init__(**options)
        self.pool_size: Any = pool_size
        self.strides: Any = pool_size if strides is None else strides
        self.padding = padding

    def build(self, input_shape):
        self.pool_size, self.strides = (_axes(size, input_shape) for size in (self.pool_size, self.strides))
        mean = keras.initializers.Constant(1 / prod(self.pool_size))
        self.coefficient = self.add_weight(shape=(input_shape[-1],), initializer=mean, name="coefficient")
        self.bias = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs):
        mean = ops.average_pool(inputs, self.pool_size, self.strides, self.padding, data_format="channels_last")
        return prod(self.pool_size) * mean * self.coefficient + self.bias

    def compute_output_shape(self, input_shape):
        return (*_windowed(input_shape, self.pool_size, self.strides, self.padding), input_shape[-1])

    def get_config(self) -> dict:
        return {**super().get_config(), "pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}


@keras.saving.register_keras_serializable("kzoo")
class RadialBasis(keras.layers.Layer):
    """Minus the squared distance to each of some code words, which are not trained; the nearest word wins.

    The paper's output units give the distance itself, a penalty. The softmax of its negative is the posterior of the paper's equation 9
    (without the class of rubbish), so that the cross-entropy of it is the paper's criterion.

    Args:
        codes: one word per unit, of the length of the input.
        activation: name of a function in `keras.activations`, or None.

    Input `(batch, features)`, output `(batch, len(codes))`.

    >>> import numpy as np
    >>> RadialBasis([[1, 1], [-1, 1]])(np.array([[1.0, 0.0]])).numpy().tolist()
    [[-1.0, -5.0]]
    """

    def __init__(self, codes: Sequence[Sequence[float]], activation=None, **options):
        super().__init__(**options)
        self.codes = [list(map(float, word)) for word in codes]
        self.activation = keras.activations.get(activation)

    @property
    def units(self) -> int:
        return len(self.codes)

    def build(self, input_shape):
        length = len(self.codes[0])
        if input_shape[-1] != length:
            raise ArgumentError("codes", f"expected words of the input's length, {input_shape[-1]}. Received: {length}.")

        def words(shape, dtype=None):  # noqa: ARG001
            return ops.convert_to_tensor(self.codes, dtype=dtype)

        self.words = self.add_weight(shape=(self.units, length), initializer=words, trainable=False, name="words")
        self.built = True

    def call(self, inputs):
        apart = ops.expand_dims(inputs, -2) - self.words
        return self.activation(-ops.sum(ops.square(apart), axis=-1))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        return {**super().get_config(), "codes": self.codes, "activation": keras.activations.serialize(self.activation)}


def _axes(size: int | Sequence[int], shape: Sequence[int | None]) -> tuple[int, ...]:
    """One size per spatial axis of a shape."""
    return (size,) * (len(shape) - 2) if isinstance(size, int) else tuple(size)


def _windowed(shape: Sequence[int | None], window: int | Sequence[int], strides: int | Sequence[int], padding: str) -> tuple:
    """Batch and sizes after windows that move by strides."""
    lost = [0 if padding == "same" else size - 1 for size in _axes(window, shape)]
    sizes = zip(shape[1:-1], lost, _axes(strides, shape), strict=True)
    return (shape[0], *(n if n is None else -(-(n - gone) // s) for n, gone, s in sizes))
