"""The optimizer of a training and its learning rate, by a word or by a named object that may hold its own."""

from collections.abc import Mapping
from typing import Any

import keras
from keras.optimizers import SGD, Adam, AdamW, Lion, Nadam, RMSprop

from ..calls import classes
from ..errors import ArgumentError
from ..importing import find
from ..objects import build, inner, is_word, parse, takes

OPTIMIZERS = {kind.__name__.lower(): kind for kind in (Adam, AdamW, SGD, RMSprop, Nadam, Lion)}
"""By their words; `keras.optimizers.get` of Keras 2.15 gives the older kind, which has no weight decay."""


def own_rate(optimizer: str | Mapping[str, Any]) -> str | None:
    """Where a named optimizer, or one inside it, has its learning rate; None where the training gives it one.

    A function that makes an optimizer and takes no rate is taken to set it.

    >>> own_rate({"keras.optimizers.SGD": {"learning_rate": 0.1}}), own_rate("keras.optimizers.SGD"), own_rate("sgd")
    ('keras.optimizers.SGD.learning_rate', None, None)
    """
    if is_word(optimizer):
        return None
    given = _given(optimizer, "learning_rate", "lr")
    made = not isinstance(find(parse(optimizer)[0]), type) and with_argument(optimizer, "learning_rate", 0.0) is None
    return given or (parse(optimizer)[0] if made else None)


def rate_conflicts(values: Mapping[str, Any]) -> list[ArgumentError]:
    """What the settings of a training and the arguments of its named optimizer both say, or cannot say to it."""
    optimizer, found = values.get("optimizer", "adam"), []
    if is_word(optimizer):
        return []
    rate, decay = own_rate(optimizer), _given(optimizer, "weight_decay")
    usual = {"schedule": "constant", "warmup_epochs": 0}
    for name in ("learning_rate", "schedule", "warmup_epochs"):
        if rate and values.get(name) not in (None, usual.get(name)):
            found.append(_twice(name, values[name], rate, "the rate"))
    if values.get("weight_decay") is not None:
        if decay:
            found.append(_twice("weight_decay", values["weight_decay"], decay, "the decay"))
        elif with_argument(optimizer, "weight_decay", 0.0) is None:
            message = f"expected null for training.optimizer.{parse(optimizer)[0]}, which takes no weight_decay. Received"
            found.append(ArgumentError("weight_decay", f"{message}: {values['weight_decay']}."))
    return found


def make_optimizer(training: Any, steps_per_epoch: int) -> Any:
    """The optimizer of a `Training`, with its learning rate or schedule and its decay.

    Raises:
        ArgumentError: a named one refuses its arguments.
    """
    rate = None if training.learning_rate is None else learning_rate(training, steps_per_epoch)
    if not is_word(training.optimizer):
        return _named(training, rate)
    options = {} if training.weight_decay is None else {"weight_decay": training.weight_decay}
    optimizer = OPTIMIZERS[training.optimizer](**options)
    optimizer.learning_rate = rate
    return optimizer


def learning_rate(training: Any, steps_per_epoch: int) -> Any:
    """A number, or Keras's cosine schedule; its floor `alpha` of 1 keeps the rate constant after the warm-up."""
    if training.schedule == "constant" and not training.warmup_epochs:
        return training.learning_rate
    warmup = training.warmup_epochs * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else training.learning_rate,
        decay_steps=max(training.epochs * steps_per_epoch - warmup, 1),
        alpha=0.0 if training.schedule == "cosine" else 1.0,
        warmup_target=training.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def current_rate(optimizer: Any) -> float | None:
    """The learning rate of the next step; None for an optimizer that has none of that name."""
    rate = getattr(optimizer, "learning_rate", None)
    rate = rate(optimizer.iterations) if callable(rate) else rate
    return None if rate is None else float(rate)


def with_argument(optimizer: str | Mapping[str, Any], name: str, value: Any) -> dict[str, Any] | None:
    """A named optimizer with one argument more, given to the innermost optimizer that takes it; None where none does.

    >>> with_argument({"kzoo.training.optimizers.Lookahead": {"optimizer": {"keras.optimizers.SGD": {}}}}, "learning_rate", 0.1)
    {'kzoo.training.optimizers.Lookahead': {'optimizer': {'keras.optimizers.SGD': {'learning_rate': 0.1}}}}
    """
    path, arguments = parse(optimizer)
    for key, each in inner(optimizer):
        changed = with_argument(each, name, value) if _is_optimizer(each) else None
        if changed:
            return {path: {**arguments, key: changed}}
    return {path: {**arguments, name: value}} if takes(optimizer, name) else None


def _named(training: Any, rate: Any) -> Any:
    written = training.optimizer
    if training.weight_decay is not None:
        written = with_argument(written, "weight_decay", training.weight_decay) or written
    with_rate = None if rate is None else with_argument(written, "learning_rate", rate)
    optimizer = build(with_rate or written, "optimizer", "optimizer")
    if rate is not None and with_rate is None:
        _set_rate(optimizer, rate, parse(written)[0])
    return optimizer


def _set_rate(optimizer: Any, rate: Any, path: str) -> None:
    """Of an optimizer that goes around another one which is no named object."""
    try:
        optimizer.learning_rate = rate
    except Exception as error:
        raise ArgumentError(
            "learning_rate", f"expected null for training.optimizer.{path}, whose rate cannot be set. Received: {rate}."
        ) from error


def _given(optimizer: str | Mapping[str, Any], *names: str) -> str | None:
    """Where an optimizer, or one inside it, is given one of these arguments."""
    path, arguments = parse(optimizer)
    own = next((f"{path}.{name}" for name in names if name in arguments), None)
    if own:
        return own
    inside = ((key, _given(each, *names)) for key, each in inner(optimizer) if _is_optimizer(each))
    return next((f"{path}.{key}.{found}" for key, found in inside if found), None)


def _is_optimizer(value: Mapping[str, Any]) -> bool:
    """Whether a named object is an optimizer, or a function that may make one."""
    found = find(parse(value)[0])
    return not isinstance(found, type) or issubclass(found, classes("optimizer"))


def _twice(name: str, value: Any, place: str, what: str) -> ArgumentError:
    return ArgumentError(name, f"expected none beside training.optimizer.{place}, which sets {what}. Received: {value}. Leave one out.")
