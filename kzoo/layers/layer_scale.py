"""Layer scale (Touvron et al. 2021, "Going deeper with image transformers", ICCV, arXiv:2103.17239)."""

import keras


@keras.saving.register_keras_serializable("kzoo")
class LayerScale(keras.layers.Layer):
    """Multiplies every channel by a learned factor, which begins near 0, so that a residual block begins as its shortcut.

    Args:
        initial: float, the value of all factors before training.

    Input and output: `(batch, *spatial, channels)`.

    >>> import numpy as np
    >>> LayerScale(0.5)(np.array([[[2.0, 4.0]]]))[0, 0].numpy().tolist()
    [1.0, 2.0]
    """

    def __init__(self, initial: float = 1e-6, **options):
        super().__init__(**options)
        self.initial = initial
        self.supports_masking = True

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer=keras.initializers.Constant(self.initial), name="gamma")
        self.built = True

    def call(self, inputs):
        return inputs * self.gamma

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "initial": self.initial}
