"""Adam whose adaptive rate is rectified (Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", arXiv:1908.03265)."""

from math import log

import keras
import numpy as np

from ...errors import ArgumentError, check_rate
from ...stack import ops


@keras.saving.register_keras_serializable("kzoo")
class RectifiedAdam(keras.optimizers.Optimizer):
    """Adam that takes plain momentum steps until the variance of its adaptive rate can be told, and rectifies the rate afterwards.

    The successor of `tensorflow_addons.optimizers.RectifiedAdam`, with its names, defaults and trajectories. It differs in that `lr` and
    `decay` are refused as all optimizers of Keras 3 do, and in that `exclude_from_weight_decay` is heeded. What decides between the two
    kinds of steps is computed more exactly than there; a `sma_threshold` within 0.02 of a whole number may be passed one step apart.

    Args:
        learning_rate: float or `LearningRateSchedule`.
        beta_1: float, decay of the mean of the gradients.
        beta_2: float, decay of the mean of their squares.
        epsilon: float, added to the root of that mean.
        weight_decay: float or `LearningRateSchedule`: each step also takes `rate * weight_decay * weight` from a weight.
        amsgrad: bool, whether to divide by the largest mean of squares so far; not in the paper.
        sma_threshold: float, the length of the simple moving average from which on steps are adaptive.
        total_steps: int, steps of a linear warm-up and the linear decay after it; 0 for neither.
        warmup_proportion: float, the share of `total_steps` in which the rate rises from 0 to `learning_rate`.
        min_lr: float, the rate at `total_steps` and later; unused without them.
        name: str, the optimizer's name.
        options: those of `keras.optimizers.Optimizer`: `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema`, ...

    Raises:
        ArgumentError: a beta or `warmup_proportion` is out of range, or `total_steps` is negative.

    >>> weight = keras.Variable([1.0])
    >>> optimizer = RectifiedAdam(learning_rate=0.1)
    >>> optimizer.apply([ops.ones(1)], [weight])
    >>> round(float(weight[0]), 6)
    0.9
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | keras.optimizers.schedules.LearningRateSchedule = 0.0,
        amsgrad: bool = False,
        sma_threshold: float = 5.0,
        total_steps: int = 0,
        warmup_proportion: float = 0.1,
        min_lr: float = 0.0,
        name: str = "RectifiedAdam",
        **options,
    ):
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, name=name, **options)
        check_rate("beta_1", beta_1)
        check_rate("beta_2", beta_2)
        if warmup_proportion != 1:
            check_rate("warmup_proportion", warmup_proportion)
        if total_steps < 0:
            raise ArgumentError("total_steps", f"expected a number of steps, 0 for no warm-up. Received: {total_steps}.")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.sma_threshold = sma_threshold
        self.total_steps = int(total_steps)
        self.warmup_proportion = warmup_proportion
        self.min_lr = min_lr

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.means = [self.add_variable_from_reference(v, name="m") for v in variables]
        self.squares = [self.add_variable_from_reference(v, name="v") for v in variables]
        self.largest = [self.add_variable_from_reference(v, name="vhat") for v in variables] if self.amsgrad else []

    def update_step(self, gradient, variable, learning_rate):
        """One step of one variable; Algorithm 2 of the paper."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        index = self._get_variable_index(variable)
        mean = self._follow(self.means[index], gradient, self.beta_1)
        square = self._follow(self.squares[index], ops.square(gradient), self.beta_2)
        if self.amsgrad:
            square = ops.maximum(self.largest[index], square)
            self.assign(self.largest[index], square)
        step = ops.cast(self.iterations + 1, "float32")
        unbiased = mean / ops.cast(_remainder(self.beta_1, step), dtype)
        root = ops.sqrt(square / ops.cast(_remainder(self.beta_2, step), dtype))
        adaptive, factor = self._rectification(step)
        update = ops.where(adaptive, ops.cast(factor, dtype) * unbiased / (root + self.epsilon), unbiased)
        if self._decays(variable):
            update = update + ops.cast(self._current_decay(), dtype) * variable
        self.assign_sub(variable, ops.cast(self._warmed(ops.cast(learning_rate, "float32"), step), dtype) * update)

    def _follow(self, average, value, beta: float):
        """Moves a running mean towards a value, and returns it."""
        average_now = average + (value - average) * (1 - beta)
        self.assign(average, average_now)
        return average_now

    def _rectification(self, step):
        """Whether a step is adaptive, and the factor that rectifies it, from the length of the simple moving average."""
        longest = 2 / (1 - _float32(self.beta_2)) - 1
        remainder = _remainder(self.beta_2, step)
        length = longest - 2 * step * (1 - remainder) / remainder
        # Below 4 the factor has no root; such steps are not adaptive unless the threshold allows them, where the original gives no number.
        ratio = (length - 4) / (longest - 4) * (length - 2) / (longest - 2) * longest / length
        return length >= self.sma_threshold, ops.sqrt(ratio)

    def _warmed(self, rate, step):
        """The rate of a step: linear up to `learning_rate`, then linear down to `min_lr`."""
        if not self.total_steps:
            return rate
        rise = self.total_steps * self.warmup_proportion
        fall = max(self.total_steps - rise, 1)
        falling = rate + (self.min_lr - rate) / fall * ops.minimum(step - rise, fall)
        return ops.where(step <= rise, rate * (step / rise), falling) if rise else falling

    def _decays(self, variable) -> bool:
        return (callable(self.weight_decay) or bool(self.weight_decay)) and self._use_weight_decay(variable)

    def _current_decay(self):
        return self.weight_decay(self.iterations) if callable(self.weight_decay) else self.weight_decay

    def _apply_weight_decay(self, variables):
        """Nothing: Keras would not decay by the rate of the warm-up, so that `update_step` does it."""

    def get_config(self) -> dict:
        decay = self.weight_decay
        names = ("beta_1", "beta_2", "epsilon", "amsgrad", "sma_threshold", "total_steps", "warmup_proportion", "min_lr")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "weight_decay": keras.saving.serialize_keras_object(decay) if callable(decay) else decay,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        decay = config.get("weight_decay")
        if isinstance(decay, dict):
            config = {**config, "weight_decay": keras.saving.deserialize_keras_object(decay, custom_objects=custom_objects)}
        return super().from_config(config, custom_objects)


def _float32(value: float) -> float:
    """A number as the original holds it; `1 / (1 - beta)` shows the difference in the fifth digit."""
    return float(np.float32(value))


def _remainder(beta: float, step):
    """`1 - beta ** step`, without the loss of digits that the subtraction means in the first steps."""
    return -ops.expm1(step * log(_float32(beta))) if beta else ops.ones_like(step)
