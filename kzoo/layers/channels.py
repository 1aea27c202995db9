"""Zero channels, where a shortcut must be widened without weights."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kzoo")
class PadChannels(keras.layers.Layer):
    """Adds channels of zeros, half of them before and half behind, the odd one behind.

    The parameter-free shortcut A of He et al. 2016 ("Deep residual learning for image recognition", section 3.3); the halves are those of
    the common implementations, the paper does not say.

    Args:
        filters: int, the channels of the output.

    Input: `(batch, *spatial, channels)`; output: `(batch, *spatial, filters)`.

    >>> import numpy as np
    >>> PadChannels(4)(np.ones((1, 1, 2)))[0, 0].numpy().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    def __init__(self, filters: int, **options):
        super().__init__(**options)
        self.filters = filters

    def call(self, inputs):
        missing = self.filters - inputs.shape[-1]
        return ops.pad(inputs, [*[(0, 0)] * (len(inputs.shape) - 1), (missing // 2, missing - missing // 2)])

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict:
        return {**super().get_config(), "filters": self.filters}
