"""Stochastic depth (Huang et al. 2016, "Deep networks with stochastic depth", ECCV, arXiv:1603.09382)."""

import keras

from ..errors import ArgumentError, check_rate
from ..stack import ops, random


@keras.saving.register_keras_serializable("kzoo")
class StochasticDepth(keras.layers.Layer):
    """Drops the whole branch of a sample while training, and divides what it keeps by the share that is kept.

    It stands at the end of a residual branch, before the addition, so that a dropped block is its shortcut. The paper scales by the
    share at inference instead, which has the same expectation; `StochasticDepthAdd` does so, in the form of tensorflow-addons.

    Args:
        rate: float from 0 to below 1, the share of samples whose branch is dropped.
        seed: int, for the same choices in every run; None for Keras's global one.

    Input and output: `(batch, ...)`, of one shape.

    >>> import numpy as np
    >>> StochasticDepth(0.5)(np.ones((1, 4, 1)))[0, :, 0].numpy().tolist()
    [1.0, 1.0, 1.0, 1.0]
    >>> sorted({float(x) for x in StochasticDepth(0.5, seed=1)(np.ones((32, 1)), training=True)[:, 0]})
    [0.0, 2.0]
    """

    def __init__(self, rate: float, seed: int | None = None, **options):
        super().__init__(**options)
        check_rate("rate", rate)
        self.rate = float(rate)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape):
        if _several(input_shape):
            raise ArgumentError("inputs", f"expected one branch. Received: {len(input_shape)} inputs. Use StochasticDepthAdd for a sum.")
        self.built = True

    def call(self, inputs, training=None):
        if not training or self.rate == 0:
            return inputs
        shape = (ops.shape(inputs)[0], *[1] * (len(inputs.shape) - 1))
        kept = random.uniform(shape, dtype="float32", seed=self.seed_generator) >= self.rate
        return inputs * ops.cast(kept, inputs.dtype) / (1 - self.rate)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable("kzoo")
class StochasticDepthAdd(keras.layers.Layer):
    """Adds a residual branch to its shortcut; while training only now and then, at inference scaled by how often.

    The successor of `tensorflow_addons.layers.StochasticDepth`, with its arguments and outputs: one draw decides for the whole batch, as in
    the paper. It stands where `Add` would. `StochasticDepth` drops branches sample by sample before an `Add`, and leaves inference alone.

    Args:
        survival_probability: float above 0 and up to 1, how often the branch is kept.
        seed: int, for the same choices in every run; None for Keras's global one. Not in the original.

    Called on `[shortcut, branch]`, both `(batch, ...)` and of one shape.

    Raises:
        ArgumentError: the probability is out of range, or the layer is not called on two inputs.

    >>> import numpy as np
    >>> StochasticDepthAdd(0.75)([np.ones((1, 2)), np.ones((1, 2))])[0].numpy().tolist()
    [1.75, 1.75]
    """

    def __init__(self, survival_probability: float = 0.5, seed: int | None = None, **options):
        super().__init__(**options)
        if not 0 < survival_probability <= 1:
            raise ArgumentError("survival_probability", f"expected a number above 0 and up to 1. Received: {survival_probability!r}.")
        self.survival_probability = float(survival_probability)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def build(self, input_shape):
        if not _several(input_shape) or len(input_shape) != 2:
            raise ArgumentError("inputs", f"expected [shortcut, branch]. Received: {input_shape}. Use StochasticDepth for a branch alone.")
        self.built = True

    def call(self, inputs, training=None):
        shortcut, branch = inputs
        if not training:
            return shortcut + self.survival_probability * branch
        kept = random.uniform((), dtype="float32", seed=self.seed_generator) < self.survival_probability
        return shortcut + ops.cast(kept, branch.dtype) * branch

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self) -> dict:
        return {**super().get_config(), "survival_probability": self.survival_probability, "seed": self.seed}


def _several(input_shape) -> bool:
    """Whether a shape is that of a list of inputs."""
    return len(input_shape) > 0 and not (input_shape[0] is None or isinstance(input_shape[0], int))


def decayed_rates(last: float, blocks: int) -> tuple[float, ...]:
    """The rate of every block, linear in its number l: `l / blocks * last`, section 3 of the paper.

    >>> decayed_rates(0.5, 4)
    (0.125, 0.25, 0.375, 0.5)
    """
    return tuple(last * block / blocks for block in range(1, blocks + 1))


def stochastic_depth(x, rate: float, name: str):
    """`{name}_depth` at the end of a residual branch; no layer where the rate is 0."""
    return StochasticDepth(rate, name=f"{name}_depth")(x) if rate else x
