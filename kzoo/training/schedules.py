"""Learning rates that rise and fall: cyclical (Smith 2017, arXiv:1506.01186) and one cycle (Smith and Topin 2019, arXiv:1708.07120)."""

from collections.abc import Callable
from math import pi
from typing import Literal

import keras

from ..errors import ArgumentError, check_choice
from ..stack import ops

ScaleMode = Literal["cycle", "iterations"]
Annealing = Literal["cosine", "linear"]


@keras.saving.register_keras_serializable("kzoo")
class CyclicalLearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Rises in a line for `step_size` steps, falls for as many, and so on; a function scales how far.

    The successor of `tensorflow_addons.optimizers.CyclicalLearningRate`, with its names, defaults and values. To be saved, `scale_fn` is
    registered by `keras.saving.register_keras_serializable`.

    Args:
        initial_learning_rate: float, the lowest rate.
        maximal_learning_rate: float, the highest one, where the scale is 1.
        step_size: number of steps from one to the other.
        scale_fn: a function of the cycle's number, from 1, or of the step, from 0, both as float tensors.
        scale_mode: `cycle` or `iterations`, which of the two `scale_fn` is given.
        name: str, the schedule's name.

    >>> schedule = CyclicalLearningRate(0.0, 1.0, 2, scale_fn=lambda cycle: 1 / cycle)
    >>> [float(schedule(step)) for step in range(8)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        maximal_learning_rate: float,
        step_size: float,
        scale_fn: Callable,
        scale_mode: ScaleMode = "cycle",
        name: str = "CyclicalLearningRate",
    ):
        super().__init__()
        check_choice("scale_mode", scale_mode, ("cycle", "iterations"))
        if step_size <= 0:
            raise ArgumentError("step_size", f"expected a positive number of steps. Received: {step_size}.")
        self.initial_learning_rate = initial_learning_rate
        self.maximal_learning_rate = maximal_learning_rate
        self.step_size = step_size
        self.scale_fn = scale_fn
        self.scale_mode = scale_mode
        self.name = name

    def __call__(self, step):
        step = ops.cast(step, "float32")
        cycle = ops.floor(1 + step / (2 * self.step_size))
        distance = ops.abs(step / self.step_size - 2 * cycle + 1)
        height = ops.maximum(1 - distance, 0.0) * self.scale_fn(cycle if self.scale_mode == "cycle" else step)
        return self.initial_learning_rate + (self.maximal_learning_rate - self.initial_learning_rate) * height

    def get_config(self) -> dict:
        return {**self._rates(), "scale_fn": keras.saving.serialize_keras_object(self.scale_fn)}

    def _rates(self) -> dict:
        names = ("initial_learning_rate", "maximal_learning_rate", "step_size", "scale_mode", "name")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config):
        if "scale_fn" in config:
            config = {**config, "scale_fn": keras.saving.deserialize_keras_object(config["scale_fn"])}
        return cls(**config)


@keras.saving.register_keras_serializable("kzoo")
class TriangularCyclicalLearningRate(CyclicalLearningRate):
    """Cycles that all reach the highest rate. The arguments are those of `CyclicalLearningRate`.

    >>> schedule = TriangularCyclicalLearningRate(0.0, 1.0, 2)
    >>> [float(schedule(step)) for step in range(8)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        maximal_learning_rate: float,
        step_size: float,
        scale_mode: ScaleMode = "cycle",
        name: str = "TriangularCyclicalLearningRate",
    ):
        super().__init__(initial_learning_rate, maximal_learning_rate, step_size, ops.ones_like, scale_mode, name)

    def get_config(self) -> dict:
        return self._rates()


@keras.saving.register_keras_serializable("kzoo")
class Triangular2CyclicalLearningRate(CyclicalLearningRate):
    """Cycles that are half as high as the one before. The arguments are those of `CyclicalLearningRate`.

    >>> schedule = Triangular2CyclicalLearningRate(0.0, 1.0, 2)
    >>> [float(schedule(step)) for step in (2, 6, 10)]
    [1.0, 0.5, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        maximal_learning_rate: float,
        step_size: float,
        scale_mode: ScaleMode = "cycle",
        name: str = "Triangular2CyclicalLearningRate",
    ):
        super().__init__(initial_learning_rate, maximal_learning_rate, step_size, lambda x: 2.0 ** (1 - x), scale_mode, name)

    def get_config(self) -> dict:
        return self._rates()


@keras.saving.register_keras_serializable("kzoo")
class ExponentialCyclicalLearningRate(CyclicalLearningRate):
    """Cycles whose height shrinks by `gamma` with every step, or with every cycle. The other arguments are those of `CyclicalLearningRate`.

    Args:
        gamma: float, the factor; 1 for none.

    >>> schedule = ExponentialCyclicalLearningRate(0.0, 1.0, 1, gamma=0.5)
    >>> [float(schedule(step)) for step in (1, 3)]
    [0.5, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        maximal_learning_rate: float,
        step_size: float,
        scale_mode: ScaleMode = "iterations",
        gamma: float = 1.0,
        name: str = "ExponentialCyclicalLearningRate",
    ):
        super().__init__(initial_learning_rate, maximal_learning_rate, step_size, lambda x: gamma**x, scale_mode, name)
        self.gamma = gamma

    def get_config(self) -> dict:
        return {**self._rates(), "gamma": self.gamma}


@keras.saving.register_keras_serializable("kzoo")
class OneCycleLearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Rises once to the highest rate, then falls far below where it began, within the whole training.

    tensorflow-addons has none; the values are those of PyTorch's `OneCycleLR` with its defaults, which also moves the momentum: this does
    not.

    Args:
        maximal_learning_rate: float, the highest rate.
        total_steps: int, steps of the whole training; the last rate stays for any that come after.
        warmup_proportion: float above 0 and below 1, the share of the steps in which the rate rises.
        initial_divisor: float, the highest rate divided by the first.
        final_divisor: float, the first rate divided by the last.
        annealing: `cosine` or `linear`, the form of both slopes.
        name: str, the schedule's name.

    Raises:
        ArgumentError: an argument is out of range, or there are too few steps for the rate to rise.

    >>> schedule = OneCycleLearningRate(1.0, total_steps=10, annealing="linear", initial_divisor=10, final_divisor=10)
    >>> [round(float(schedule(step)), 3) for step in (0, 1, 2, 9, 10)]
    [0.1, 0.55, 1.0, 0.01, 0.01]
    """

    def __init__(
        self,
        maximal_learning_rate: float,
        total_steps: int,
        warmup_proportion: float = 0.3,
        initial_divisor: float = 25.0,
        final_divisor: float = 1e4,
        annealing: Annealing = "cosine",
        name: str = "OneCycleLearningRate",
    ):
        super().__init__()
        check_choice("annealing", annealing, ("cosine", "linear"))
        if not 0 < warmup_proportion < 1:
            raise ArgumentError("warmup_proportion", f"expected a share between 0 and 1. Received: {warmup_proportion}.")
        if warmup_proportion * total_steps <= 1:
            raise ArgumentError(
                "total_steps", f"expected more than {1 / warmup_proportion:.0f}, for the rate to rise. Received: {total_steps}."
            )
        self.maximal_learning_rate = maximal_learning_rate
        self.total_steps = total_steps
        self.warmup_proportion = warmup_proportion
        self.initial_divisor = initial_divisor
        self.final_divisor = final_divisor
        self.annealing = annealing
        self.name = name

    def __call__(self, step):
        step = ops.cast(step, "float32")
        peak, last = self.warmup_proportion * self.total_steps - 1, self.total_steps - 1
        first = self.maximal_learning_rate / self.initial_divisor
        rising = self._between(first, self.maximal_learning_rate, step / peak)
        fallen = ops.minimum((step - peak) / (last - peak), 1.0)
        return ops.where(step <= peak, rising, self._between(self.maximal_learning_rate, first / self.final_divisor, fallen))

    def _between(self, start: float, end: float, share):
        """From `start` at share 0 to `end` at share 1."""
        bent = (1 - ops.cos(pi * share)) / 2 if self.annealing == "cosine" else share
        return start + (end - start) * bent

    def get_config(self) -> dict:
        names = ("maximal_learning_rate", "total_steps", "warmup_proportion", "initial_divisor", "final_divisor", "annealing", "name")
        return {name: getattr(self, name) for name in names}
