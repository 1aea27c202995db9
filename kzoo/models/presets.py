"""Presets: names for exact sets of hyperparameters, each with the paper that it reproduces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

import keras

from ..errors import check_choice
from .registry import BUILDERS


@dataclass(frozen=True)
class Preset:
    """One exact network.

    Attributes:
        name, builder, arguments: what it is called, and what builds it.
        paper, year: where it was published.
        variant: which network of the paper it is, and what differs.
        twin: the published number or framework that it equals.
        trainable, total: parameters without and with the statistics of batch normalization.
        macs: for one sample of its input shape.
        receptive_field: smallest and largest over all output phases, along the first axis; the last local one where it is global.
        application: the same network in `keras.applications`, if it is there.
        keras_name: what a layer of ours is called there.
    """

    name: str
    builder: str
    paper: str
    year: int
    variant: str
    twin: str
    trainable: int
    total: int
    macs: int
    receptive_field: tuple[int, int]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    application: str | None = None
    keras_name: Callable[[str], str] | None = None


PRESETS: dict[str, Preset] = {}


def register(*presets: Preset) -> None:
    """Enters presets under their names."""
    PRESETS.update({preset.name: preset for preset in presets})


def list_presets(pattern: str = "*") -> list[str]:
    """The names of the presets, sorted.

    Args:
        pattern: with `*` and `?` as in file names.

    >>> from kzoo import list_presets
    >>> list_presets("unet_2015*")
    ['unet_2015', 'unet_2015_same']
    """
    return sorted(name for name in PRESETS if fnmatch(name, pattern))


def build_preset(preset: str, **overrides: Any) -> keras.Model:
    """Builds a preset, perhaps with other values for some hyperparameters.

    Args:
        preset: one of `list_presets()`; also the name of the model.
        overrides: arguments of the preset's builder.

    Raises:
        ArgumentError: no such preset, or an override that its builder does not take.

    >>> from kzoo import build_preset
    >>> build_preset("unet_2015").count_params(), build_preset("unet_2015", num_classes=1).count_params()
    (31030658, 31030593)
    """
    found = find_preset(preset)
    return BUILDERS[found.builder](**{"name": preset, **found.arguments, **overrides})


def list_models(pattern: str = "*") -> list[str]:
    """The names that `build_model` takes: builders and presets, sorted.

    Args:
        pattern: with `*` and `?` as in file names.

    >>> from kzoo import list_models
    >>> list_models("vgg1?")
    ['vgg11', 'vgg13', 'vgg16', 'vgg19']
    """
    return sorted(name for name in {*PRESETS, *BUILDERS} if fnmatch(name, pattern))


def build_model(model: str, **overrides: Any) -> keras.Model:
    """Builds a network by its name.

    Args:
        model: one of `list_models()`: a preset, or a builder, which needs its `input_shape` and `num_classes`.
        overrides: arguments of the builder.

    Raises:
        ArgumentError: no such network, or an argument that its builder does not take.

    >>> from kzoo import build_model
    >>> build_model("vgg11", input_shape=(32, 32, 1), num_classes=10, dense=[], pooling="avg").output_shape
    (None, 10)
    >>> build_model("cnn", input_shape=(28, 28, 1), num_classes=10).name
    'cnn'
    """
    check_choice("model", model, list_models(), "kzoo.list_models()")
    return build_preset(model, **overrides) if model in PRESETS else BUILDERS[model](**overrides)


def find_preset(name: str) -> Preset:
    """The preset of a name."""
    check_choice("preset", name, list_presets(), "kzoo.list_presets() or `kzoo presets`")
    return PRESETS[name]
