"""Lookahead (Zhang et al. 2019, "Lookahead optimizer: k steps forward, 1 step back", NeurIPS, arXiv:1907.08610)."""

from typing import Any

import keras

from ...errors import ArgumentError, check_rate
from ...stack import ops


@keras.saving.register_keras_serializable("kzoo")
class Lookahead(keras.optimizers.Optimizer):
    """Lets an optimizer run ahead for some steps, then goes back to a point between where it started and where it is.

    The successor of `tensorflow_addons.optimizers.Lookahead`, with its names, defaults and trajectories. It differs in that the inner
    optimizer takes its whole step: its own clipping, weight decay, moving average and accumulation of gradients count, which the original
    passes over; in that steps left out for gradients that are not finite are not counted; and in that `lr` and `decay` are refused.
    `learning_rate` and `iterations` are those of the inner optimizer.

    Args:
        optimizer: any Keras optimizer, its name or its configuration. `LossScaleOptimizer` goes around it, not into it.
        sync_period: int, the steps k between two looks back.
        slow_step_size: float above 0 and up to 1, where between the two points it goes.
        name: str, the optimizer's name.
        clipnorm: float, clips the norm of each gradient before the inner optimizer sees it.
        clipvalue: float, clips each value of the gradients likewise.
        global_clipnorm: float, clips the norm of all gradients likewise.

    Raises:
        ArgumentError: `sync_period` or `slow_step_size` is out of range, or the optimizer is a `LossScaleOptimizer`.

    >>> weight = keras.Variable([1.0])
    >>> optimizer = Lookahead(keras.optimizers.SGD(0.1), sync_period=2)
    >>> for _ in range(2):
    ...     optimizer.apply([ops.ones(1)], [weight])
    >>> round(float(weight[0]), 6)
    0.9
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer | str | dict[str, Any],
        sync_period: int = 6,
        slow_step_size: float = 0.5,
        name: str = "Lookahead",
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ):
        super().__init__(learning_rate=0.0, name=name, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        if isinstance(sync_period, bool) or not isinstance(sync_period, int) or sync_period < 1:
            raise ArgumentError("sync_period", f"expected a number of steps of at least 1. Received: {sync_period!r}.")
        if slow_step_size != 1:
            check_rate("slow_step_size", slow_step_size)
        self.inner_optimizer = keras.optimizers.get(optimizer)
        if isinstance(self.inner_optimizer, keras.optimizers.LossScaleOptimizer):
            raise ArgumentError("optimizer", "expected one without loss scaling. Received: LossScaleOptimizer. Put it around Lookahead.")
        self.sync_period = sync_period
        self.slow_step_size = slow_step_size

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.slow = [self.add_variable_from_reference(v, name="slow") for v in variables]
        if not self.inner_optimizer.built:
            self.inner_optimizer.build(variables)

    @property
    def variables(self):
        return self._variables + self.inner_optimizer.variables

    def apply(self, grads, trainable_variables=None):
        """A step of the inner optimizer, and in every `sync_period`-th the look back."""
        if not self.built:
            self.build(list(trainable_variables))
        self._start()
        self.inner_optimizer.apply(self._clip_gradients(list(grads)), trainable_variables)
        self._look_back()
        self._iterations.assign_add(1)

    def _start(self):
        """Lets the slow weights start where the first step does, which the build may not know: weights may have been loaded since."""
        first = ops.equal(self._iterations, 0)
        for fast, slow in self._pairs():
            self.assign(slow, ops.where(first, ops.convert_to_tensor(fast), ops.convert_to_tensor(slow)))

    def _look_back(self):
        """Moves both kinds of weights to a point between them, where it is due.

        An inner step that was left out, or that only accumulated gradients, finds them equal then and leaves them so.
        """
        due = ops.equal(ops.mod(self.inner_optimizer.iterations, self.sync_period), 0)
        for fast, slow in self._pairs():
            ahead, behind = ops.convert_to_tensor(fast), ops.convert_to_tensor(slow)
            between = behind + self.slow_step_size * (ahead - behind)
            self.assign(fast, ops.where(due, between, ahead))
            self.assign(slow, ops.where(due, between, behind))

    def _pairs(self):
        """Each variable with its slow twin."""
        return zip(self._trainable_variables, self.slow, strict=True)

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    def scale_loss(self, loss):
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict:
        names = ("name", "sync_period", "slow_step_size", "clipnorm", "clipvalue", "global_clipnorm")
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        return {"optimizer": inner, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        inner = keras.saving.deserialize_keras_object(config["optimizer"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer": inner})
