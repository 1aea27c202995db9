"""Local response normalization: neighbouring channels compete."""

import keras

from ..errors import ArgumentError
from ..stack import ops


@keras.saving.register_keras_serializable("kzoo")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each number by a power of the squares of its neighbours in the channels, at the same position.

    Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 3.3:
    `a / (k + alpha * sum(neighbour ** 2)) ** beta` over the `n` channels around its own, fewer at the first and the last channels.

    Two conventions are in use for `alpha`: here, as in the paper and in `tf.nn.local_response_normalization`, it multiplies the plain sum;
    Caffe and torch multiply by `alpha / n`, so that their `alpha` is n times the one that is meant here.

    Args:
        n: int, odd, the number of channels that are summed over.
        k, alpha, beta: floats; the defaults are the paper's.

    Input and output: `(batch, *spatial, channels)`. It computes in float32 at least, since squares overflow in half precision.

    >>> import numpy as np
    >>> LocalResponseNormalization(n=3, k=2.0, alpha=1.0, beta=1.0)(np.array([[1.0, 1.0, 0.0]])).numpy().tolist()
    [[0.25, 0.25, 0.0]]
    """

    def __init__(self, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **options):
        super().__init__(**options)
        if n < 1 or n % 2 == 0:
            raise ArgumentError("n", f"expected an odd number of channels. Received: {n!r}.")
        self.n, self.k, self.alpha, self.beta = n, k, alpha, beta

    def call(self, inputs):
        wide = "float64" if self.compute_dtype == "float64" else "float32"
        x = ops.cast(inputs, wide)
        channels, reach = inputs.shape[-1], self.n // 2
        squares = ops.pad(ops.square(x), [*[(0, 0)] * (len(inputs.shape) - 1), (reach, reach)])
        total = sum(squares[..., shift : shift + channels] for shift in range(self.n))
        return ops.cast(x * ops.power(self.k + self.alpha * total, -self.beta), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "n": self.n, "k": self.k, "alpha": self.alpha, "beta": self.beta}
