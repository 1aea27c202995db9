"""Who a network is: the builder and hyperparameters that it was built from, kept with it in memory and in its file."""

import functools
import hashlib
import inspect
import json
import tempfile
import types
import typing
import zipfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..errors import ArgumentError, InputError, did_you_mean, one_line
from ..objects import normal
from ..schema import defaults
from ..schema import describe as in_words
from ..stack import config
from ..stack.crossing import load_model
from .precision import built_under
from .weights import load_weights

MEMBER = "kzoo.json"
"""The description's name inside a `.keras` file, which is a zip archive."""

_ATTRIBUTE = "kzoo_description"

_GROWING = {"filters", "decoder_filters"}
"""Arguments of which one value stands for a growing list, not for a list of it."""


@dataclass(frozen=True)
class Description:
    """What a network was built from.

    Attributes:
        builder: its name, such as `unet`.
        arguments: every hyperparameter, defaults included, as plain values.
        version: of kzoo.
        parameters: total, as Keras counts; a check when the network is built again.
        precision: the Keras dtype policy that it was built under.
    """

    builder: str
    arguments: Mapping[str, Any]
    version: str
    parameters: int
    precision: str

    @property
    def hash(self) -> str:
        """Twelve digits that are equal for equal configurations, whatever the model's name, precision and initial weights.

        One value for all stages, or for all axes, counts as a list of it, and 0 as 0.0. What is equal only after arithmetic, such as
        `filters=8` and the list of its doublings, differs; so does `filters=[8, 8]`, which is another network.
        """
        from .registry import BUILDERS

        text = json.dumps({"builder": self.builder, "arguments": canonical(self.arguments, BUILDERS[self.builder])}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def methods(self) -> str:
        """A paragraph for a methods section, with the works that it cites."""
        from .methods import paragraph

        return paragraph(self)

    def to_json(self) -> str:
        """The description as JSON text."""
        return json.dumps({**asdict(self), "hash": self.hash}, indent=1)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Description":
        """From what `to_json` wrote."""
        try:
            if not isinstance(values["arguments"], Mapping):
                raise TypeError("arguments")
            return cls(**{key: values[key] for key in ("builder", "arguments", "version", "parameters", "precision")})
        except (KeyError, TypeError) as error:
            raise ArgumentError(
                "description", f"expected what kzoo.describe gave. Received: {values!s:.80} ({one_line(error)})."
            ) from error


Builder = Callable[..., keras.Model]


def identified(builder: Builder) -> Builder:
    """A decorator of builders: names are checked against the signature, and the model remembers what it was built from."""
    parameters = inspect.signature(builder).parameters

    @functools.wraps(builder)
    def build(**arguments: Any) -> keras.Model:
        _check_names(builder, arguments)
        arguments = {name: _without_numpy(value) for name, value in arguments.items()}
        model = builder(**arguments)
        values = {name: plain(arguments.get(name, parameter.default)) for name, parameter in parameters.items()}
        name, precision = builder.__name__.removeprefix("build_"), config.dtype_policy().name
        remember(model, Description(name, values, _version(), model.count_params(), precision))
        if arguments.get("weights") is not None:
            load_weights(model, arguments["weights"])
        return model

    return build


def describe(model: keras.Model) -> Description:
    """What a network was built from.

    Args:
        model: built by one of kzoo's builders, or read by `kzoo.load`.

    Raises:
        ArgumentError: the model does not say.

    >>> from kzoo import build_unet, describe
    >>> description = describe(build_unet(input_shape=(64, 64, 1), num_classes=2, filters=8))
    >>> description.builder, description.arguments["filters"], description.arguments["depth"], description.hash
    ('unet', 8, 4, '...')
    """
    found = getattr(model, _ATTRIBUTE, None)
    if found is None:
        raise ArgumentError(
            "model",
            f"expected a network from one of kzoo's builders, or read by kzoo.load from a file of kzoo.save. Received: {_name(model)}.",
        )
    return replace(found, arguments=deepcopy(found.arguments))


def is_described(model: keras.Model) -> bool:
    """Whether a model says what it was built from."""
    return hasattr(model, _ATTRIBUTE)


def remember(model: keras.Model, description: Description) -> None:
    """Attaches a description to a model."""
    setattr(model, _ATTRIBUTE, description)


def differences(a: Description, b: Description) -> dict[str, tuple[Any, Any]]:
    """What two descriptions differ in, but for names and weights: the builder and its arguments, with a's value and b's.

    Two ways to say the same are no difference, as for `hash`; what only one of two builders takes is `-` for the other.

    >>> from kzoo import build_cnn, describe
    >>> given = {"input_shape": (28, 28, 1), "num_classes": 10}
    >>> differences(*(describe(build_cnn(**given, **more)) for more in ({"blocks": [2, 2], "kernel_size": [3, 3]}, {"depth": 1})))
    {'depth': (2, 1), 'blocks': ([2, 2], 1)}
    """
    from .registry import BUILDERS

    plain = [{"builder": each.builder, **each.arguments} for each in (a, b)]
    alike = [{"builder": each.builder, **canonical(each.arguments, BUILDERS[each.builder])} for each in (a, b)]
    names = [name for name in {**plain[0], **plain[1]} if name in {**alike[0], **alike[1]}]
    differ = [name for name in names if any(name not in each for each in alike) or alike[0][name] != alike[1][name]]
    return {name: (plain[0].get(name, "-"), plain[1].get(name, "-")) for name in differ}


def build(description: str | Description | Mapping[str, Any]) -> keras.Model:
    """Builds the network of a description again, with new weights and in the precision that it had.

    Args:
        description: from `describe`, what its `to_json` wrote, or a configuration: a preset's name, or a mapping with `builder` and its
            arguments, as in a recipe.

    Raises:
        ArgumentError: no such builder, or arguments that it does not take.
        InputError: the network has another number of parameters than it had, since kzoo's builders have changed.

    >>> from kzoo import build, build_unet, describe
    >>> description = describe(build_unet(input_shape=(64, 64, 1), num_classes=2, filters=8))
    >>> describe(build(description)) == description
    True
    """
    from .registry import BUILDERS

    name, arguments = configuration(description)
    wanted = _described(description)
    if wanted is None:
        return BUILDERS[name](**arguments)
    with built_under(wanted.precision):
        model = BUILDERS[name](**{**arguments, **({"weights": None} if "weights" in arguments else {})})
    if model.count_params() != wanted.parameters:
        raise InputError(
            f"description {wanted.hash}: expected {wanted.parameters:,} parameters, as kzoo {wanted.version} built it. "
            f"Received: {model.count_params():,} from kzoo {_version()}. Install that version."
        )
    return model


def configuration(given: str | Description | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The builder's name and all arguments of a configuration: a preset's name, a description, or a mapping with `builder` or `preset`."""
    from .presets import find_preset
    from .registry import BUILDERS

    if isinstance(given, str):
        preset = find_preset(given)
        return preset.builder, {**defaults(BUILDERS[preset.builder]), "name": given, **preset.arguments}
    described = _described(given)
    if described is not None:
        return described.builder, dict(described.arguments)
    if not isinstance(given, Mapping):
        raise ArgumentError(
            "configuration", f"expected a preset's name, a description, or a mapping with builder in it. Received: {given!s:.80}."
        )
    if "preset" in given:
        name, arguments = configuration(given["preset"])
        return name, {**arguments, **{key: value for key, value in given.items() if key != "preset"}}
    if "builder" not in given:
        raise ArgumentError("builder", f"missing; expected one of {', '.join(BUILDERS)}, beside its arguments; or preset.")
    return given["builder"], {**defaults(BUILDERS[given["builder"]]), **{k: v for k, v in given.items() if k != "builder"}}


def _described(given: Any) -> Description | None:
    """A description, also from its plain values; None for a configuration."""
    if isinstance(given, Description):
        return given
    return Description.from_dict(given) if isinstance(given, Mapping) and "arguments" in given else None


def save(model: keras.Model, path: str | Path) -> None:
    """Saves a network with its description as a `.keras` file, which plain Keras loads as well.

    A network made of Keras's own layers loads where kzoo is not installed; one with layers of `kzoo.layers` (such as
    `BlurPool`, `PadChannels` or `StochasticDepth`) or with extra heads needs `import kzoo.layers, kzoo.models`.

    Args:
        model: from one of kzoo's builders.
        path: ends in `.keras`. The file is replaced as a whole or not at all.

    Raises:
        ArgumentError: another ending, or a model that does not know what it was built from.

    >>> import tempfile
    >>> from kzoo import build_unet, describe, load, save
    >>> model = build_unet(input_shape=(64, 64, 1), num_classes=2, filters=8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, folder + "/unet.keras")
    ...     describe(load(folder + "/unet.keras")) == describe(model)
    True
    """
    description = describe(model)
    path = Path(path)
    if path.suffix != ".keras":
        raise ArgumentError("path", f"expected a file name that ends in .keras. Received: {path}.")
    if not path.parent.is_dir():
        raise ArgumentError("path", f"expected a folder that exists. Received: {path.parent}.")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".kzoo-") as folder:
        draft = Path(folder) / path.name
        model.save(draft)
        with zipfile.ZipFile(draft, "a") as archive:
            archive.writestr(MEMBER, description.to_json())
        draft.replace(path)


def load(path: str | Path) -> keras.Model:
    """Reads a `.keras` file; a network that `kzoo.save` wrote knows again what it was built from.

    Args:
        path: a file of `kzoo.save`, or any other that Keras can read.

    Returns:
        The model, compiled if it was.

    Raises:
        InputError: no such file, or Keras cannot read it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        model = load_model(path)
        described = _read_description(path)
    except Exception as error:
        raise InputError(f"{path}: expected a model that Keras can load ({one_line(error)}).") from error
    if described is not None:
        remember(model, described)
    return model


def _read_description(path: Path) -> Description | None:
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        return Description.from_dict(json.loads(archive.read(MEMBER))) if MEMBER in archive.namelist() else None


def _check_names(builder: Builder, arguments: Mapping[str, Any]) -> None:
    """Arguments that the builder does not have, or that are missing."""
    parameters = inspect.signature(builder).parameters
    for name in arguments:
        if name not in parameters:
            raise ArgumentError(name, f"unknown; expected one of {', '.join(parameters)}.{did_you_mean(name, parameters)}")
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ArgumentError(name, f"missing; expected {in_words(typing.get_type_hints(builder)[name])}.")


def canonical(arguments: Mapping[str, Any], builder: Builder) -> dict[str, Any]:
    """The arguments with every way to say the same made one."""
    hints = typing.get_type_hints(builder)
    broadcast = {name for name, hint in hints.items() if {int, float} & set(_members(hint)) and name in arguments} - _GROWING
    found = {name: normal(_number(value)) for name, value in arguments.items() if name not in ("name", "weights")}
    return {name: _collapsed(value) if name in broadcast else value for name, value in found.items()}


def _members(hint: Any) -> list[Any]:
    """The members of a union."""
    return [inner for member in typing.get_args(hint) for inner in _members(member)] if _is_union(hint) else [hint]


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _number(value: Any) -> Any:
    """Whole floats as integers."""
    if isinstance(value, list):
        return [_number(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _collapsed(value: Any) -> Any:
    """A list of equal values as the value."""
    if not isinstance(value, list):
        return value
    inner = [_collapsed(item) for item in value]
    return inner[0] if inner and all(item == inner[0] for item in inner) else inner


def _without_numpy(value: Any) -> Any:
    """Arrays as lists and NumPy's numbers as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return type(value)(map(_without_numpy, value)) if type(value) in (list, tuple) else value


def plain(value: Any) -> Any:
    """A hyperparameter as JSON holds it."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return [plain(inner) for inner in value]


def _name(model: Any) -> str:
    return f"{type(model).__name__} {getattr(model, 'name', '')}".strip()


def _version() -> str:
    from .. import __version__

    return __version__
