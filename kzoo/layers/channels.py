"""Channels moved about without weights: zeros added, some taken, groups of them shuffled."""

import keras

from ..errors import ArgumentError
from ..stack import ops


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


@keras.saving.register_keras_serializable("kzoo")
class ChannelSlice(keras.layers.Layer):
    """Takes the channels from `start` to before `stop`; the channel split of ShuffleNet v2 is two of them.

    Args:
        start: int, the first channel that is taken.
        stop: int, the first that is not; None for all that follow.

    Input: `(batch, *spatial, channels)`; output: `(batch, *spatial, stop - start)`.

    >>> import numpy as np
    >>> ChannelSlice(1, 3)(np.array([[[5.0, 6.0, 7.0, 8.0]]]))[0, 0].numpy().tolist()
    [6.0, 7.0]
    """

    def __init__(self, start: int, stop: int | None = None, **options):
        super().__init__(**options)
        self.start = start
        self.stop = stop

    def call(self, inputs):
        return inputs[..., self.start : self.stop]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], len(range(input_shape[-1])[self.start : self.stop]))

    def get_config(self) -> dict:
        return {**super().get_config(), "start": self.start, "stop": self.stop}


@keras.saving.register_keras_serializable("kzoo")
class ChannelShuffle(keras.layers.Layer):
    """Deals the channels of every group out to all groups (Zhang et al. 2018, "ShuffleNet", CVPR, figure 1).

    Channels in `groups` rows are read by columns: output channel `k * groups + g` is input channel `g * channels / groups + k`.

    Args:
        groups: int, a divisor of the channels.

    Input and output: `(batch, *spatial, channels)`.

    >>> import numpy as np
    >>> ChannelShuffle(2)(np.array([[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]]))[0, 0].numpy().tolist()
    [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    """

    def __init__(self, groups: int, **options):
        super().__init__(**options)
        self.groups = groups

    def build(self, input_shape):
        if input_shape[-1] % self.groups:
            raise ArgumentError("groups", f"expected a divisor of the {input_shape[-1]} channels. Received: {self.groups}.")
        self.built = True

    def call(self, inputs):
        sizes, channels = ops.shape(inputs)[1:-1], inputs.shape[-1]
        rows = ops.reshape(inputs, (-1, *sizes, self.groups, channels // self.groups))
        return ops.reshape(ops.swapaxes(rows, -1, -2), (-1, *sizes, channels))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "groups": self.groups}
