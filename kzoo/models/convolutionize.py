"""Dense to convolution: a classifier of one window, turned into a network that slides over larger images.

A dense layer over a flattened map is a convolution with a kernel of the map's size (Sermanet et al. 2014, "OverFeat", section 3.5; Long
et al. 2015, "Fully convolutional networks for semantic segmentation", section 3.1); global pooling is pooling over windows of that size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import activations, layers

from ..errors import ArgumentError
from ..layers import (
    BlurPool,
    ChannelShuffle,
    ChannelSlice,
    ConnectedConv,
    LayerScale,
    LinearUpsampling,
    LocalResponseNormalization,
    PadChannels,
    PixelShuffle,
    RadialBasis,
    ScaledTanh,
    StochasticDepth,
    TrainableSubsampling,
)
from ..layers.style import ranked
from ..stack import KerasTensor, is_function, needs_keras_3, ops, tree

CONVOLUTIONS = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D, layers.SeparableConv1D, layers.SeparableConv2D),
)

WINDOWS = (
    *CONVOLUTIONS,
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
    *(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D, layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
    *(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    *(BlurPool, LinearUpsampling, PixelShuffle, ConnectedConv, TrainableSubsampling),
    *(LayerScale, StochasticDepth, LocalResponseNormalization, PadChannels, ChannelShuffle, ChannelSlice),
)
"""Layers that do the same at every position of a map, with a window around it."""

NUMBERS = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Identity, layers.ActivityRegularization),
    *(layers.Dropout, layers.AlphaDropout, layers.GaussianDropout, layers.GaussianNoise),
    ScaledTanh,
)
"""Layers that treat every number by itself; an activation may also run over the channels."""

POINTS = (layers.Dense, RadialBasis)
"""Layers that work on the last axis, whatever stands before it."""

CHANNELS = (
    *(layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization, layers.Normalization),
    *(layers.Softmax, layers.Concatenate),
)
"""Layers that work along one axis, which has to be that of the channels."""

MERGES = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
"""Layers that join tensors number by number."""

_FUNCTIONS = (
    *("Add", "Subtract", "Multiply", "Maximum", "Minimum"),
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "HardSilu", "Sigmoid", "HardSigmoid", "Tanh", "Clip"),
)
"""What functions of `keras.ops` that work number by number leave in a graph."""

_GLOBAL_POOLINGS = {
    getattr(layers, f"Global{kind}Pooling{rank}D"): f"{kind}Pooling{{}}D" for kind in ("Average", "Max") for rank in (1, 2, 3)
}


def convolutionize(model: keras.Model, local: Sequence[type] = ()) -> keras.Model:
    """Turns a trained classifier into a network that slides over larger images.

    The dense layer after a flatten becomes a convolution with a kernel of the map's size, the dense layers behind it become convolutions
    of size 1, and global pooling becomes pooling over windows of the map's size with stride 1, all with `padding="valid"`. Softmax runs
    over the channels. Weights are copied, and layers keep their names; what only training needs of dense layers (initializers,
    regularizers, constraints) is left behind.

    On an image of the size that the classifier was built for, the output is the classifier's, of shape `(batch, 1, 1, classes)` in two
    dimensions. On a larger one, the output at position p is the classifier's for the window that begins at p times the stride, if no
    layer pads its borders. With padding, a window sees its neighbours where the classifier saw zeros, and the outputs differ. Use sizes
    that exceed the classifier's by multiples of the stride: on others, the last position may have an incomplete window, and `same`
    padding may shift the grid.

    Args:
        model: a functional or sequential model for fixed sizes, `channels_last`; convolutions first, with any branches, then flatten
            or global pooling, then dense layers, norms, activations and dropout.
        local: layer classes of your own that treat all positions alike and work for any size; they may stand before the head.

    Returns:
        A functional `keras.Model`, not compiled, from `(batch, *spatial, channels)` with sizes of None.

    Raises:
        ArgumentError: a layer that has no convolutional equivalent, by name.

    >>> import numpy as np
    >>> from kzoo import build_cnn
    >>> from kzoo.models import convolutionize
    >>> classifier = build_cnn(input_shape=(28, 28, 1), num_classes=10, padding="valid", dense=[16])
    >>> sliding = convolutionize(classifier)
    >>> sliding(np.zeros((1, 28, 28, 1))).shape, sliding(np.zeros((1, 36, 28, 1))).shape
    (TensorShape([1, 1, 1, 10]), TensorShape([1, 3, 1, 10]))
    """
    needs_keras_3("kzoo.models.convolutionize", "Convert the model where Keras 3 is, and carry its file over.")
    for kind in local:
        if not isinstance(kind, type):
            raise ArgumentError("local", f"expected layer classes, as in [MyLayer]. Received: {kind!r}.")
    plain = _functional(model)
    names = {id(layer.output): layer.name for layer in plain.layers if isinstance(layer, layers.InputLayer)}
    images = tree.map_structure(lambda tensor: _image(tensor, names[id(tensor)]), plain.input)
    conversion = _Conversion(tuple(local))
    made = keras.models.clone_model(plain, input_tensors=images, clone_function=lambda layer: layer, call_function=conversion.call)
    conversion.check(made)
    return made


@dataclass(frozen=True)
class _Pooled:
    """A tensor of the head: `sizes` are those of a map that was flattened and not yet read; none where there are no positions left."""

    layer: str = field(compare=False)
    sizes: tuple[int, ...] = ()


class _Conversion:
    """Builds the new network call by call; of every tensor behind the maps it knows what it stands for."""

    def __init__(self, local: tuple[type, ...]):
        self.local = local
        self.made: dict[int, Any] = {}
        self.pooled: dict[int, _Pooled] = {}
        self.kept: list[Any] = []

    def call(self, layer, *arguments, **options):
        """The counterpart of one call of the classifier's layers."""
        tensors = [value for value in tree.flatten((arguments, options)) if isinstance(value, KerasTensor)]
        states = [self.pooled.get(id(tensor)) for tensor in tensors]
        new, state = self._counterpart(layer, tensors, states, (arguments, options))
        made = new(*arguments, **options)
        if getattr(layer, "weights", ()):
            _copy_weights(layer, new)
        for tensor in tree.flatten(made):
            self.kept.append(tensor)  # so that no other tensor gets its id
            if state is not None:
                self.pooled[id(tensor)] = state
        return made

    def check(self, made: keras.Model) -> None:
        """What can only be said of the whole."""
        for state in (self.pooled.get(id(tensor)) for tensor in made.outputs):
            if state is not None and state.sizes:
                raise _refused(state.layer, "is read by no dense layer")
        if not self.pooled:
            raise ArgumentError("model", f"expected a classifier, with a flatten or global pooling. Received: {made.name}, which has none.")

    def _counterpart(self, layer, tensors: Sequence, states: Sequence[_Pooled | None], arguments: tuple) -> tuple[Any, _Pooled | None]:
        """The new layer, and what its output stands for."""
        kind, state = type(layer), states[0]
        _check_layer(layer)
        if len(set(states)) > 1:
            raise _refused(layer, "joins maps with what was pooled or flattened")
        if state is not None and state.sizes and kind not in (layers.Dense, *NUMBERS):
            raise _refused(layer, f"reads what {state.layer} flattened, where only a dense layer can be converted")
        if kind is layers.Flatten:
            return self._once(layer, layers.Identity(name=layer.name)), state or _flattened(layer)
        if kind in _GLOBAL_POOLINGS:
            return self._once(layer, _window_pooling(layer, state)), state or _Pooled(layer.name)
        if kind is layers.Dense and state is not None:
            rank = len(tensors[0].shape) - 2
            return self._once(layer, _convolution(layer, state.sizes or (1,) * rank)), _Pooled(layer.name)
        self._check_kept(layer, state, arguments)
        if id(layer) not in self.made:
            self.made[id(layer)] = _copy(layer, len(tensors[0].shape), pooled=state is not None)
        return self.made[id(layer)], state

    def _once(self, layer, new):
        if id(layer) in self.made:
            raise _refused(layer, "is called more than once")
        self.made[id(layer)] = new
        return new

    def _check_kept(self, layer, state: _Pooled | None, arguments: tuple) -> None:
        """Raises unless the layer, as it is, does to every window what it did to the one it was built for."""
        kind = type(layer)
        if kind in NUMBERS:
            _check_numbers(layer, state)
        elif kind in CHANNELS:
            _check_axis(layer)
        elif kind is layers.PReLU:
            _check_constants(layer, [layer.alpha])
        elif kind in MERGES or _is_function(layer):
            _check_merge(layer, arguments)
        elif kind in WINDOWS and state is not None:
            if kind not in CONVOLUTIONS or {*layer.kernel_size, *layer.strides} != {1}:
                raise _refused(layer, f"looks at neighbours in what {state.layer} pooled")
        elif kind is layers.Rescaling:
            _check_constants(layer, [layer.scale, layer.offset])
        elif not (kind in (*WINDOWS, *POINTS) or (kind in self.local and state is None)):
            raise _refused(layer, "is of a kind that is not known to treat all positions alike")


def _functional(model) -> keras.Model:
    """The graph of a functional or sequential model, as a model of its own."""
    if not isinstance(model, keras.Model) or not type(model).call.__module__.startswith("keras.src.") or not getattr(model, "inputs", None):
        raise ArgumentError("model", f"expected a built functional or sequential keras.Model. Received: {type(model).__name__}.")
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return keras.Model(model.input, model.output, name=model.name)


def _image(tensor, name: str):
    """The input for any size."""
    shape = tuple(tensor.shape)
    if len(shape) < 3:
        raise ArgumentError("model", f"expected images, signals or volumes as inputs. Received: input {name} of shape {shape[1:]}.")
    return keras.Input((*[None] * (len(shape) - 2), shape[-1]), dtype=tensor.dtype, name=name)


def _check_layer(layer) -> None:
    if isinstance(layer, keras.Model):
        raise _refused(layer, "is a model inside the model")
    if getattr(layer, "data_format", None) == "channels_first":
        raise _refused(layer, "takes channels first")
    if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
        raise _refused(layer, "is quantized or has LoRA weights")
    function = getattr(layer, "activation", None)
    if function is not None and getattr(activations, getattr(function, "__name__", ""), None) is not function:
        raise _refused(layer, f"has an activation that Keras does not know, {function!r}")


def _sizes(layer) -> tuple[int, ...]:
    """The positions of the map that a layer of the head was built for."""
    try:
        sizes = tuple(layer.input.shape[1:-1])
    except (AttributeError, ValueError) as error:
        raise _refused(layer, "is called more than once") from error
    if None in sizes:
        raise _refused(layer, "pools over a size that is not fixed. Build the model for the size of a window, and copy the weights")
    return sizes


def _flattened(layer) -> _Pooled:
    """A single position is flat already."""
    sizes = _sizes(layer)
    return _Pooled(layer.name, sizes if set(sizes) != {1} else ())


def _window_pooling(layer, state: _Pooled | None):
    if state is not None:
        return layers.Identity(name=layer.name)
    sizes = _sizes(layer)
    pooling = ranked(_GLOBAL_POOLINGS[type(layer)], len(sizes))
    return pooling(sizes, strides=1, padding="valid", name=layer.name, dtype=layer.dtype_policy)


def _convolution(layer: layers.Dense, sizes: tuple[int, ...]):
    kind = ranked("Conv{}D", len(sizes))
    options = {name: getattr(layer, name) for name in ("activation", "use_bias", "name", "trainable")}
    return kind(layer.units, sizes, padding="valid", dtype=layer.dtype_policy, **options)


def _copy(layer, rank: int, *, pooled: bool):
    """A new layer of the same configuration; axes of vectors become those of maps."""
    config = layer.get_config()
    if pooled and config.get("axis"):
        config["axis"] = -1
    if pooled and isinstance(layer, layers.PReLU):
        config["shared_axes"] = list(range(1, rank - 1))
    return type(layer).from_config(config)


def _copy_weights(layer, new) -> None:
    """The same numbers; a dense kernel is cut into positions in the order in which they were flattened."""
    pairs = zip(layer.weights, new.weights, strict=True)
    new.set_weights([np.reshape(ops.convert_to_numpy(old), weight.shape) for old, weight in pairs])
    if isinstance(new, layers.Normalization):
        new.finalize_state()


def _check_numbers(layer, state: _Pooled | None) -> None:
    mixing = (activations.softmax, activations.log_softmax, getattr(activations, "sparsemax", None), getattr(activations, "glu", None))
    if state is not None and state.sizes and getattr(layer, "activation", None) in mixing:
        raise _refused(layer, f"runs over all positions of what {state.layer} flattened")
    if state is not None and getattr(layer, "noise_shape", None) is not None:
        raise _refused(layer, "has a noise shape for vectors")


def _check_axis(layer) -> None:
    rank = len(tree.flatten(_inputs(layer))[0].shape)
    axis = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    if {a % rank for a in axis} - {rank - 1}:
        raise _refused(layer, "works along positions")


def _check_merge(layer, arguments: tuple) -> None:
    """Maps of one size, and constants without positions."""
    if len({tuple(tensor.shape[1:-1]) for tensor in tree.flatten(_inputs(layer))}) > 1:
        raise _refused(layer, "joins maps of different sizes")
    _check_constants(layer, [value for value in tree.flatten(arguments) if not isinstance(value, KerasTensor)])


def _check_constants(layer, values: Sequence) -> None:
    if any(set(np.shape(value)[:-1]) - {1} for value in values):
        raise _refused(layer, "has values of its own for every position")


def _inputs(layer):
    try:
        return layer.input
    except (AttributeError, ValueError) as error:
        raise _refused(layer, "is called more than once") from error


def _is_function(layer) -> bool:
    return is_function(layer) and type(layer).__name__ in _FUNCTIONS


def _refused(layer, reason: str) -> ArgumentError:
    name = layer if isinstance(layer, str) else f"{layer.name} ({type(layer).__name__})"
    return ArgumentError("model", f"expected layers that have an equivalent for larger images. Received: layer {name}, which {reason}.")
