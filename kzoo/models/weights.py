"""Weights of files and of keras.applications, brought into a network by the names of its layers."""

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ..errors import ArgumentError, InputError, one_line

if TYPE_CHECKING:
    from .presets import Preset

IMAGENET = "imagenet"
ENDINGS = (".keras", ".weights.h5")
FREE = {
    *("input_shape", "num_classes", "pooling", "dropout", "classifier_activation", "small_input", "features_only", "weights", "name"),
    *("block_dropout", "stochastic_depth", "auxiliary_heads", "padding"),
}
"""Arguments in which a network may differ from the one whose weights it takes."""

Find = Callable[[str], list[np.ndarray] | None]


def check_weights(weights: str | None) -> None:
    """Raises unless `weights` is None, `imagenet`, or the path of a file that exists."""
    if weights is None or weights == IMAGENET:
        return
    if not str(weights).endswith(ENDINGS):
        raise ArgumentError("weights", f"expected imagenet, or a path that ends in {' or '.join(ENDINGS)}. Received: {weights}.")
    if not Path(weights).is_file():
        raise InputError(f"{weights}: no such file.")


def load_weights(model: keras.Model, weights: str | Path) -> None:
    """Brings trained weights into a network of kzoo's.

    `imagenet` and `.keras` files are matched layer by layer, by name, and adapted: a head for another number of classes, and heads that
    are not there, keep their new weights; the first convolution takes another number of channels: its kernel is summed over them for one
    channel, and repeated in turn and scaled by their number there over their number here for others; a bias that this network leaves out
    before a batch norm is subtracted from its moving mean. Everything else must have its shape. Images must be scaled as
    `keras.applications.<network>.preprocess_input` scales them.

    Args:
        model: from one of kzoo's builders.
        weights: `imagenet`, for the networks that keras.applications holds (presets with an `application`), downloaded by
            keras.applications; the path of a `.keras` file of the same network; or that of a `.weights.h5` file, which must fit exactly.

    Raises:
        ArgumentError: no weights for this network, or a path that ends otherwise.
        InputError: a file that is not there or does not fit; no weight has changed then.

    >>> import tempfile
    >>> from kzoo import build_preset, save
    >>> small = {"input_shape": (32, 32, 1), "filters": 4}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(build_preset("resnet20_cifar", **small), folder + "/trained.keras")
    ...     model = build_preset("resnet20_cifar", **small, num_classes=3, weights=folder + "/trained.keras")
    """
    check_weights(str(weights))
    if weights == IMAGENET:
        _transfer(model, *_from_application(model))
    elif str(weights).endswith(".keras"):
        _transfer(model, *_from_file(Path(weights)))
    else:
        _load_exactly(model, Path(weights))


def _load_exactly(model: keras.Model, path: Path) -> None:
    before = model.get_weights()
    try:
        model.load_weights(path)
    except Exception as error:
        model.set_weights(before)
        raise InputError(
            f"{path}: expected the weights of {model.name}, as its save_weights writes them ({one_line(error)}). "
            "Build the network with the arguments that it had, or save it as a .keras file, which is matched by names."
        ) from error


def _from_file(path: Path) -> tuple[Find, str]:
    from .identity import load

    layers = {layer.name: layer for layer in load(path).layers}
    return lambda name: layers[name].get_weights() if name in layers else None, str(path)


def _from_application(model: keras.Model) -> tuple[Find, str]:
    """The layers of the same network in keras.applications, with its ImageNet weights."""
    preset = find_application(model)
    build = getattr(keras.applications, preset.application or "")
    plain = {"include_preprocessing": False} if "include_preprocessing" in inspect.signature(build).parameters else {}
    try:
        found = build(weights=IMAGENET, **plain)
    except Exception as error:
        raise InputError(
            f"keras.applications.{preset.application}: its ImageNet weights cannot be loaded ({one_line(error)}). "
            "Download them where there is a network, save the model by kzoo.save, and give the path of that file."
        ) from error
    layers = named_layers(found)
    rename = preset.keras_name or str

    def find(name: str) -> list[np.ndarray] | None:
        theirs = rename(name)
        return layers[theirs].get_weights() if theirs in layers else None

    return find, f"keras.applications.{preset.application}"


def named_layers(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """The layers by name. Names that Keras made of a layer's kind, which count on through a session, count from the first of the model.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.ReLU(), keras.layers.Dense(1, name="last"), keras.layers.ReLU()])
    >>> list(named_layers(model))
    ['last', 're_lu', 're_lu_1']
    """
    named: dict[str, keras.layers.Layer] = {}
    counted: dict[str, dict[int, keras.layers.Layer]] = defaultdict(dict)
    for layer in _single(model):
        kind, number = re.fullmatch(r"(.+?)(?:_(\d+))?", layer.name).groups()  # type: ignore[union-attr]
        if kind.replace("_", "") == type(layer).__name__.lower():
            counted[kind][int(number or 0)] = layer
        else:
            named[layer.name.replace("/", "_")] = layer  # Keras 2.15 calls the stem of DenseNet conv1/conv
    for kind, layers in counted.items():
        named |= {f"{kind}_{n}" if n else kind: layers[number] for n, number in enumerate(sorted(layers))}
    return named


def _single(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model and of the models within it, such as the stem of ConvNeXt."""
    for layer in model.layers:
        yield from _single(layer) if isinstance(layer, keras.Model) else [layer]


def find_application(model: keras.Model) -> "Preset":
    """The preset that keras.applications holds, and that a network equals but for its size, head and regularization."""
    from .identity import describe
    from .presets import PRESETS

    known = describe(model)
    candidates = [preset for preset in PRESETS.values() if preset.application]
    same = [preset for preset in candidates if preset.builder == known.builder and _essence(preset) == bare(known.builder, known.arguments)]
    if not same:
        names = ", ".join(preset.name for preset in candidates if preset.builder == known.builder) or "none of this builder"
        raise ArgumentError(
            "weights",
            f"expected a network that keras.applications holds ({names}), but for its size and head. Received: imagenet for {model.name}. "
            "Give the path of a .keras file, or None.",
        )
    return same[0]


def _essence(preset: "Preset") -> dict[str, Any]:
    return bare(preset.builder, preset.arguments)


def bare(builder: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that make the weights what they are, defaults included, in one way of writing them."""
    from .identity import canonical, plain
    from .registry import BUILDERS

    parameters = inspect.signature(BUILDERS[builder]).parameters
    given = {name: plain(arguments.get(name, parameter.default)) for name, parameter in parameters.items() if name not in FREE}
    return canonical(given, BUILDERS[builder])


def _transfer(model: keras.Model, find: Find, source: str) -> None:
    """All weights are found and adapted before the first one is changed."""
    ready = list(_adapted(model, find, source))
    for layer, values in ready:
        layer.set_weights(values)


def _adapted(model: keras.Model, find: Find, source: str) -> Iterator[tuple[keras.layers.Layer, list[np.ndarray]]]:
    biases: dict[str, np.ndarray] = {}
    norms = {layer.name: layer for layer in model.layers if layer.name.endswith("_norm")}
    first = next(layer.name for layer in model.layers if layer.weights)
    for layer in model.layers:
        if not layer.weights:
            continue
        values = find(layer.name)
        if values is None and (layer.name == "head" or layer.name.startswith("auxiliary")):
            continue
        if values is None:
            raise InputError(f"{source}: expected a layer {layer.name}, as {model.name} has. It has none of that name.")
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if len(values) == len(shapes) + 1 and _is_redundant(layer, norms.get(f"{layer.name}_norm")):
            biases[f"{layer.name}_norm"] = values.pop()
        if layer.name in biases:
            values = _folded(layer, values, biases.pop(layer.name))
        if len(values) == len(shapes):
            values = [_squeezed(value, shape) for value, shape in zip(values, shapes, strict=True)]
        if layer.name == first:
            values = [_with_channels(values[0], shapes[0]), *values[1:]]
        if [value.shape for value in values] == shapes:
            yield layer, values
        elif not layer.name.startswith(("head", "auxiliary")):
            raise InputError(
                f"{source}: expected weights of shapes {shapes} for {layer.name} of {model.name}. Received: {[v.shape for v in values]}."
                f"{_remedy(layer)}"
            )


def _remedy(layer: keras.layers.Layer) -> str:
    if isinstance(layer, keras.layers.Dense):
        return " Use num_classes=0, or the input size that the weights were trained for."
    return " Use the arguments that the network had, small_input included."


def _is_redundant(layer: keras.layers.Layer, norm: keras.layers.Layer | None) -> bool:
    """Whether a norm that follows a layer takes its bias away, as those do that take statistics over the positions of one channel."""
    if norm is None or norm.input is not layer.output:
        return False
    single = isinstance(norm, keras.layers.GroupNormalization) and norm.groups in (-1, layer.output.shape[-1])
    return single or isinstance(norm, keras.layers.BatchNormalization)


def _folded(norm: keras.layers.Layer, values: list[np.ndarray], bias: np.ndarray) -> list[np.ndarray]:
    """A batch norm subtracts its moving mean, the last but one of its weights: what it subtracts makes up for the bias."""
    if not isinstance(norm, keras.layers.BatchNormalization):
        return values
    return [*values[:-2], values[-2] - bias, values[-1]]


def _squeezed(value: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A dense kernel as that of a convolution of size 1, and the reverse."""
    fits = [n for n in value.shape if n > 1] == [n for n in shape if n > 1]
    return value.reshape(shape) if fits else value


def _with_channels(kernel: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The kernel of the first convolution for another number of channels."""
    had, wants = kernel.shape[-2], shape[-2] if len(shape) > 2 else 0
    if len(shape) != kernel.ndim or had == wants or (*kernel.shape[:-2], wants, kernel.shape[-1]) != tuple(shape):
        return kernel
    if wants == 1:
        return kernel.sum(axis=-2, keepdims=True)
    return np.take(kernel, np.arange(wants) % had, axis=-2) * (had / wants)
