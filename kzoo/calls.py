"""What a class or function can be called with, and the Keras classes that recipes name objects of."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal["optimizer", "loss", "metric", "layer", "activation", "callback"]


@dataclass(frozen=True)
class Call:
    """What can be given to a class or function: its parameters, those that it needs, and whether it takes any others."""

    parameters: Mapping[str, inspect.Parameter]
    needed: tuple[str, ...]
    takes_any: bool

    @classmethod
    def of(cls, found: Callable) -> "Call":
        signatures = list(_signatures(found))
        known: dict[str, inspect.Parameter] = {}
        for parameters in signatures:
            for p in parameters:
                if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                    known.setdefault(p.name, p)
        needed = [p.name for p in (signatures or [[]])[0] if p.name in known and p.default is p.empty]
        open_end = not signatures or any(p.kind is p.VAR_KEYWORD for p in signatures[-1])
        more = {name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in _more(found)}
        return cls(known | more, tuple(needed), open_end and not _is_closed(found))


def classes(kind: Kind) -> tuple[type, ...]:
    """The Keras classes that objects of a kind are instances of."""
    import keras

    found: dict[Kind, type] = {
        "optimizer": keras.optimizers.Optimizer,
        "loss": keras.losses.Loss,
        "metric": keras.metrics.Metric,
        "layer": keras.layers.Layer,
        "activation": keras.layers.Layer,
        "callback": keras.callbacks.Callback,
    }
    old = _legacy_optimizer() if kind == "optimizer" else None
    return (found[kind],) if old is None else (found[kind], old)


def _legacy_optimizer() -> type | None:
    """The base of the optimizers of tensorflow-addons, which Keras 3 no longer has."""
    import keras

    return getattr(getattr(keras.optimizers, "legacy", None), "Optimizer", None)


def _signatures(found: Callable) -> Iterator[list[inspect.Parameter]]:
    """The parameters of a function; of a class, those of its constructor and of all bases that it hands more arguments to."""
    if not isinstance(found, type):
        try:
            yield list(inspect.signature(found).parameters.values())
        except (TypeError, ValueError):
            return
        return
    for base in found.__mro__:
        if base is object or "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        yield parameters
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return


def _is_closed(found: Any) -> bool:
    """Whether a class ends in one of Keras's bases, which take no arguments but those that they name."""
    return isinstance(found, type) and any(issubclass(found, classes(kind)) for kind in get_args(Kind))


def _more(found: Any) -> tuple[str, ...]:
    """Arguments that Keras's bases take without naming them in their signatures."""
    if not isinstance(found, type):
        return ()
    old = _legacy_optimizer()
    if old is not None and issubclass(found, old):
        return ("lr", "decay", "clipnorm", "clipvalue", "global_clipnorm")
    is_layer = issubclass(found, classes("layer")) and not issubclass(found, classes("metric"))  # a metric of Keras 2 is both
    return ("activity_regularizer", "autocast") if is_layer else ()
