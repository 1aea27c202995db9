"""What all convolutions of a network share: rank, padding, norm, activation, their order; and how an activation is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Annotated, Any, Literal, get_args

import keras

from ..calls import Kind
from ..errors import ArgumentError, check_choice, did_you_mean, one_line
from ..importing import is_path
from ..objects import Named, build, check, is_named, parse, takes
from ..stack import LeakyReLU, activations
from .lenet import ScaledTanh

Padding = Literal["same", "valid"]
Norm = Literal["none", "batch", "instance", "group", "layer"]
Normalization = Norm | Annotated[Mapping[str, Any], Named("layer")]
"""A word, or any Keras layer by its import path with its arguments: `{"keras.layers.GroupNormalization": {"groups": 4}}`."""
Alignment = Literal["same", "valid", "symmetric"] | int
"""The padding of one layer: `symmetric` pads both ends alike, whatever the stride, as the papers' own frameworks do; a number pads both
ends by so many positions."""
PoolAlignment = Alignment | Literal["ceil"]
"""The padding of a pooling: `ceil` pads the far end where the last window would lack positions, as Caffe does, and torchvision with
`ceil_mode`."""
BlockOrder = Literal["conv-norm-act", "norm-act-conv", "conv-act-norm"]
Convolution = Literal["standard", "separable"]
Bias = Literal["auto", "always"]
Activation = str | Mapping[str, Mapping[str, Any]] | Annotated[Mapping[str, Any], Named("activation", words=True)]
"""The name of a function in `keras.activations`, or a Keras layer with its arguments: `{"LeakyReLU": {"negative_slope": 0.01}}`; or any
layer or function by its import path, with its arguments: `{"keras.layers.Softmax": {"axis": -1}}`."""
Size = int | Sequence[int]
"""A size along every axis, or one per spatial axis: 3 or (1, 3, 3)."""

GROUPS = 8
"""Groups of `normalization="group"`: nnU-Net's and MONAI's number, which also fits narrow stages (Wu and He 2018 use 32)."""

INITIALIZER = "he_normal"
"""Standard deviation sqrt(2 / N), as in the U-Net paper (section 3, after He et al. 2015)."""

ACTIVATION_LAYERS = ("ReLU", "LeakyReLU", "PReLU", "ELU", "ScaledTanh")
"""Keras's activation layers that work on every position by itself, and kzoo's."""

NO_ACTIVATIONS = ("get", "serialize", "deserialize", "glu", "threshold")
"""Names in `keras.activations` that are no function from a map to one of the same shape, or need arguments of their own."""


@dataclass(frozen=True)
class Style:
    """What all convolutions of a network share; `order` is recorded in the names of the blocks, see `block_name`.

    `epsilon` and `momentum` are those of batch normalization, in which twins differ, and `scale` is whether it has a gamma.
    """

    rank: int
    padding: Padding = "same"
    activation: Activation = "relu"
    normalization: Normalization = "none"
    order: BlockOrder = "conv-norm-act"
    convolution: Convolution = "standard"
    bias: Bias = "auto"
    initializer: str = INITIALIZER
    l2: float = 0.0
    epsilon: float = 1e-3
    momentum: float = 0.99
    scale: bool = True

    @property
    def normalized(self) -> bool:
        return self.normalization != "none"

    def block_name(self, name: str) -> str:
        """`conv1`; `preact_conv1` where norm and activation come first, `postnorm_conv1` where the norm comes last."""
        prefix = {"conv-norm-act": "", "norm-act-conv": "preact_", "conv-act-norm": "postnorm_"}[self.order]
        return f"{prefix}{name}"

    @property
    def kernel_options(self) -> dict[str, Any]:
        """Initializer and regularizer of a convolution's kernel."""
        return {"kernel_initializer": self.initializer, "kernel_regularizer": keras.regularizers.L2(self.l2) if self.l2 else None}


def ranked(name: str, rank: int):
    """The Keras layer class of that name for 1-D, 2-D or 3-D maps: `ranked("Conv{}D", 2)` is `keras.layers.Conv2D`."""
    return getattr(keras.layers, name.format(rank))


def check_style(style: Style) -> None:
    """Raises `ArgumentError` for a choice that does not exist or has no effect."""
    check_choice("padding", style.padding, get_args(Padding))
    if names_object(style.normalization):
        _check_object("normalization", style.normalization, "layer")
    else:
        check_choice("normalization", style.normalization, get_args(Norm))
    check_choice("block_order", style.order, get_args(BlockOrder))
    check_choice("convolution", style.convolution, get_args(Convolution))
    check_choice("bias", style.bias, get_args(Bias))
    check_activation("activation", style.activation)
    _check_initializer(style.initializer, style.rank)
    _check_l2(style.l2)
    if style.order == "conv-act-norm" and not style.normalized:
        raise ArgumentError("block_order", 'expected conv-norm-act or norm-act-conv for normalization="none". Received: conv-act-norm.')
    if style.convolution == "separable" and style.rank == 3:
        raise ArgumentError(
            "convolution", "expected standard for volumes, since Keras has no separable 3-D convolution. Received: separable."
        )


def depthwise_initializer(initializer: str, channels: int, linear: bool = False) -> keras.initializers.Initializer:
    """An initializer for the kernels of a depthwise convolution, `(*size, channels, 1)`.

    Keras counts all channels as inputs of every output, which has one, so that variances would be too small by their number. A `linear`
    one, before a pointwise convolution, needs no factor 2 for an activation.

    >>> depthwise_initializer("he_normal", 16).scale, depthwise_initializer("he_normal", 16, linear=True).scale
    (32.0, 16.0)
    """
    found = keras.initializers.get(initializer)
    if not isinstance(found, keras.initializers.VarianceScaling):
        return found
    counted = {"fan_in": channels, "fan_avg": (channels + 1) / 2, "fan_out": 1}[found.mode]
    scale = min(found.scale, 1.0) if linear else found.scale
    return keras.initializers.VarianceScaling(scale * counted, found.mode, found.distribution)


def check_alignment(argument: str, padding: Alignment) -> None:
    """Raises `ArgumentError` unless it is the padding of one layer."""
    if isinstance(padding, bool) or not (padding in ("same", "valid", "symmetric") or (isinstance(padding, int) and padding >= 0)):
        raise ArgumentError(argument, f"expected same, valid, symmetric or a number of positions. Received: {padding!r}.")


def check_groups(argument: str, filters: Sequence[int], style: Style) -> None:
    """Raises `ArgumentError` for filter counts that a group norm cannot divide."""
    odd = [f for f in filters if f % GROUPS] if style.normalization == "group" else []
    if odd:
        raise ArgumentError(
            argument,
            f'expected multiples of {GROUPS}, the groups of normalization="group". Received: {odd[0]}. '
            f"Use {-(-odd[0] // GROUPS) * GROUPS}, or another normalization.",
        )


def check_activation(argument: str, activation: Activation) -> None:
    """Raises `ArgumentError` unless Keras knows an activation function, or makes an activation layer, of that name."""
    if names_object(activation):
        _check_object(argument, activation, "activation")
        return
    if isinstance(activation, Mapping):
        _check_activation_layer(argument, activation)
        return
    known = [n for n in dir(activations) if n not in NO_ACTIVATIONS and n[0] != "_"]
    if activation not in known:
        hint = did_you_mean(activation, known)
        raise ArgumentError(argument, f"expected the name of a function in keras.activations. Received: {activation}.{hint}")


def names_object(value: Any) -> bool:
    """Whether a norm or an activation is named by an import path."""
    return is_path(value) or is_named(value)


def is_function(activation: Activation) -> bool:
    """Whether an activation is a function that Keras knows by its name, which layers with weights can take in."""
    return isinstance(activation, str) and not is_path(activation)


def _check_object(argument: str, written: Any, kind: Kind) -> None:
    """Raises `ArgumentError`, by the path of what is wrong, for an object that cannot be made."""
    problems = check(written, kind, argument)[1]
    if problems:
        raise ArgumentError(*problems[0].split(": ", 1))
    path, arguments = parse(written)
    if "name" in arguments:
        raise ArgumentError(f"{argument}.{path}.name", f"expected none, since every layer gets its own. Received: {arguments['name']}.")
    build(written, kind, argument)


def _check_activation_layer(argument: str, activation: Mapping[str, Mapping[str, Any]]) -> None:
    example = '{"LeakyReLU": {"negative_slope": 0.01}}'
    if len(activation) != 1 or not all(isinstance(options, Mapping) for options in activation.values()):
        raise ArgumentError(argument, f"expected one layer with its arguments, as in {example}. Received: {activation!r}.")
    name = next(iter(activation))
    check_choice(argument, name, ACTIVATION_LAYERS)
    if "name" in activation[name]:
        raise ArgumentError(argument, f"expected no name, since every layer gets its own. Received: {dict(activation[name])}.")
    try:
        _activation_layer(name)(**activation[name])
    except (TypeError, ValueError) as error:
        home = "kzoo" if name == "ScaledTanh" else "keras"
        raise ArgumentError(
            argument, f"expected arguments of {home}.layers.{name}. Received: {dict(activation[name])} ({error})."
        ) from error


def _check_initializer(initializer: str, rank: int) -> None:
    """Tries a small kernel, since Keras also knows names that fit none."""
    try:
        if not isinstance(initializer, str):
            raise TypeError(type(initializer).__name__)
        keras.initializers.get(initializer)((*[1] * rank, 2, 2))
    except Exception as error:
        known = [n for n in dir(keras.initializers) if n.islower() and "_" in n]
        hint = did_you_mean(initializer, known)
        message = (
            f"expected the name of an initializer for kernels in keras.initializers, such as he_normal. Received: {initializer!r}.{hint}"
        )
        raise ArgumentError("initializer", message) from error


def _check_l2(l2: float) -> None:
    if isinstance(l2, bool) or not isinstance(l2, Real) or not 0 <= l2 < float("inf"):
        raise ArgumentError("l2", f"expected a number of at least 0. Received: {l2!r}.")


def normalize(x, style: Style, name: str):
    """Batch, instance (group norm with one group per channel), group or layer norm (over the channels of each position); or a named one."""
    if names_object(style.normalization):
        return _apply(x, style.normalization, "normalization", "layer", name)
    _check_positions(x, style, name)
    layers = {
        "batch": lambda: keras.layers.BatchNormalization(epsilon=style.epsilon, momentum=style.momentum, scale=style.scale, name=name),
        "instance": lambda: keras.layers.GroupNormalization(groups=-1, epsilon=1e-5, name=name),
        "group": lambda: keras.layers.GroupNormalization(groups=GROUPS, epsilon=1e-5, name=name),
        "layer": lambda: keras.layers.LayerNormalization(epsilon=1e-6, name=name),
    }
    return layers[str(style.normalization)]()(x)


def _apply(x, written: Any, argument: str, kind: Kind, name: str):
    """A named layer, or function, on a map."""
    made = build(_with_name(written, name), kind, argument)
    layer = made if isinstance(made, keras.layers.Layer) else keras.layers.Activation(made, name=name)
    expected = f"expected a layer for maps of shape {tuple(x.shape)}, as in {name}"
    try:
        made = layer(x)
    except Exception as error:
        raise ArgumentError(argument, f"{expected} ({one_line(error)}). Received: {written}.") from error
    shape = getattr(made, "shape", ())
    if len(shape) != len(x.shape) or any(a != b for a, b in zip(shape, x.shape, strict=True) if None not in (a, b)):
        raise ArgumentError(argument, f"{expected}, which keeps their shape. Received: {written}, which makes {tuple(shape)} of it.")
    return made


def _with_name(written: Any, name: str) -> Any:
    """A layer gets the name of its place; a function that makes one may not take it."""
    path, arguments = parse(written)
    return {path: {**arguments, **({"name": name} if takes(written, "name") else {})}}


def _check_positions(x, style: Style, name: str) -> None:
    """A group norm over one value gives 0, whatever comes in."""
    alone = style.normalization == "instance" or (style.normalization == "group" and x.shape[-1] == GROUPS)
    if alone and all(size == 1 for size in x.shape[1:-1]):
        raise ArgumentError(
            "normalization",
            f"expected another one than {style.normalization}, which makes zeros of the maps of one position in {name}. "
            f"Received: {style.normalization}. Use batch or layer, or a larger input.",
        )


def activate(x, activation: Activation, name: str):
    """An activation as a layer of its own; a PReLU has one slope per channel unless told otherwise."""
    if names_object(activation):
        return _apply(x, activation, "activation", "activation", name)
    if isinstance(activation, str):
        return keras.layers.Activation(activation, name=name)(x)
    kind, given = next(iter(activation.items()))
    shared = {"shared_axes": list(range(1, len(x.shape) - 1))} if kind == "PReLU" else {}
    return _activation_layer(kind)(**{**shared, **given, "name": name})(x)


def _activation_layer(kind: str):
    """The class of an activation layer."""
    return {"ScaledTanh": ScaledTanh, "LeakyReLU": LeakyReLU}.get(kind) or getattr(keras.layers, kind)
