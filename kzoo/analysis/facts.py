"""What is known of a kind of layer, and the register of rules that say it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..errors import ArgumentError
from .graph import Call
from .moves import Move


@dataclass(frozen=True)
class Reference:
    """A second input that sets the sizes of the output and none of its numbers.

    Args:
        moves: one `Move` per spatial axis, from its sizes to those of the output.
        exact: whether the first input has to come out at these sizes by itself; if not, its last positions are cut off.
    """

    moves: tuple[Move, ...]
    exact: bool


@dataclass(frozen=True)
class Facts:
    """What a rule says of one call of a layer.

    Args:
        macs: multiplications of convolutions, dense layers and attention products, for one sample; None where they depend on a
            size that is not known.
        moves: one `Move` per spatial axis; empty where every position stays where it is.
        reach: `global` where every output position sees all positions of the input.
        positions: `lost` where the output has no positions any more, as after global pooling, or as of a local layer that only takes
            tensors without any; `regrouped` where the numbers stay in row-major order and only the axes are cut anew, as by a reshape.
        mixes: input axes along which every output depends on the whole axis: the channels for a convolution, the last axis for a
            dense layer. Where positions have been moved there, the layer is global.
        stops: input axes along which positions cannot be followed, as that of a concatenation. Unless given, the channels (if they
            are not mixed); `()` for a layer that treats every number alone.
        order: for layers that reorder axes or drop some, the input axis behind each output axis, batch included.
        fixed: input axes for which only the size that the model was built for fits, as where a layer has weights along them.
        shares: whether the output is the input's memory: `never`, at `inference` (dropout), or `always` (reshaping).
        reference: for a layer with a second input that only sets the sizes.
        inner: numbers that the layer holds inside itself while it runs and keeps for the backward pass, such as attention scores, for
            one sample; None where they depend on a size that is not known.

    `Facts()` is a layer that leaves every position where it is and costs nothing.
    """

    macs: int | None = 0
    moves: tuple[Move, ...] = ()
    reach: Literal["local", "global"] = "local"
    positions: Literal["kept", "lost", "regrouped"] = "kept"
    mixes: tuple[int, ...] = ()
    stops: tuple[int, ...] | None = None
    order: tuple[int, ...] | None = None
    fixed: tuple[int, ...] = ()
    shares: Literal["never", "inference", "always"] = "never"
    reference: Reference | None = None
    inner: int | None = 0


Rule = Callable[[Call], "Facts | None"]

_RULES: dict[type, Rule] = {}
_OPERATIONS: dict[str, Rule] = {}


def rule(*layer_classes: type) -> Callable[[Rule], Rule]:
    """Teaches the profile a kind of layer: decorates a function from a `Call` to `Facts`.

    The rule also holds for subclasses that override nothing of how the layer computes.

    Raises:
        ArgumentError: something that is not a class was given.

    >>> import keras
    >>> import kzoo
    >>> from kzoo.analysis import Facts, rule
    >>> class Swish(keras.layers.Layer):
    ...     def call(self, x):
    ...         return x * keras.activations.sigmoid(x)
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3), Swish(name="swish")])
    >>> profile = kzoo.profile(model)
    >>> profile.status, profile.unknown
    ('partial', ('swish',))
    >>> @rule(Swish)
    ... def swish(call):
    ...     return Facts()
    >>> kzoo.profile(model).status
    'complete'
    """
    for layer_class in layer_classes:
        if not isinstance(layer_class, type):
            raise ArgumentError("rule", f"expected layer classes, as in @rule(MyLayer). Received: {layer_class!r}.")

    def enter(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(layer_classes, function))
        return function

    return enter


def operations(*names: str) -> Callable[[Rule], Rule]:
    """Like `rule`, for what has no public class: the functions of `keras.ops` in a graph, the layers of `keras.applications`."""

    def enter(function: Rule) -> Rule:
        _OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return enter


def facts_of(call: Call) -> Facts | None:
    """What is known of a call, or None for a kind of layer without a rule."""
    found = _find(type(call.layer))
    return found(call) if found else None


_HARMLESS = ("build", "get_config", "from_config", "get_build_config", "compute_output_shape", "compute_output_spec")
"""What a subclass may define anew and still compute the same."""


def _find(kind: type) -> Rule | None:
    for parent in kind.__mro__:
        if parent in _RULES:
            return None if _overrides(kind, parent) else _RULES[parent]
    nameless = kind.__module__.startswith(("keras.src.ops.", "keras.src.applications."))
    return _OPERATIONS.get(kind.__name__) if nameless else None


def _overrides(kind: type, parent: type) -> bool:
    """Whether a subclass replaces something of how its parent computes, such as `call` or `convolution_op`."""
    below = kind.__mro__[: kind.__mro__.index(parent)]
    own = {name for child in below for name, value in vars(child).items() if callable(value) or isinstance(value, property)}
    return any(hasattr(parent, name) for name in own - set(_HARMLESS) if not name.startswith("__"))
