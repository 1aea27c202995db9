"""Things by import path: `keras.optimizers.Ftrl` is the class of that name in that module.

To name a path is to run the import of its module: a recipe that names objects is as trustworthy as a script. Besides installed packages,
modules in the current folder are found, after all others; the folder of a recipe does not count, since a training that is resumed, or
a worker, does not know it.
"""

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

from .errors import InputError, did_you_mean, one_line

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def is_path(value: Any) -> bool:
    """Whether a value is text in the form of an import path: names with dots between them.

    >>> is_path("keras.optimizers.Ftrl"), is_path("adam"), is_path("0.5")
    (True, False, False)
    """
    return isinstance(value, str) and _PATH.fullmatch(value) is not None


def find(path: str) -> Any:
    """What an import path names.

    Raises:
        InputError: it cannot be imported; without the path, which callers name by its place.

    >>> find("collections.OrderedDict")
    <class 'collections.OrderedDict'>
    """
    words = path.split(".")
    _open_current_folder(words[0])
    for end in range(len(words) - 1, 0, -1):
        module = _module(".".join(words[:end]))
        if module is not None:
            return _inside(module, words[end:])
    raise InputError(_not_installed(words[0]))


def _open_current_folder(name: str) -> None:
    """Lets Python find a module of the current folder where it knows none of that name; installed packages come first."""
    here = Path.cwd()
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        return
    if (here / f"{name}.py").is_file() or (here / name).is_dir():
        sys.path.append(str(here))
        importlib.invalidate_caches()


def _module(name: str) -> Any:
    """A module; None where there is none of that name, which may then be a class or function of the one before."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            return None
        if isinstance(error, InputError):
            raise
        raise InputError(_end_of_life() if _is_addons(name) else f"cannot be imported ({one_line(error)}).") from error


def _inside(module: Any, names: list[str]) -> Any:
    found = module
    for name in names:
        try:
            found = getattr(found, name)
        except AttributeError:
            where = getattr(found, "__name__", type(found).__name__)
            hint = did_you_mean(name, [known for known in dir(found) if known[0] != "_"])
            raise InputError(f"expected a name in {where}. Received: {name}.{hint}") from None
    return found


def _not_installed(package: str) -> str:
    """Says what to install, or the installed package that was meant."""
    if _is_addons(package) and not _is_keras_2():
        return _end_of_life()
    from importlib.metadata import packages_distributions

    remedy = f" Install the package that holds it, or start kzoo in the folder that holds {package}.py."
    hint = did_you_mean(package, packages_distributions())
    return f"expected something that is installed. Received: {package}, of which there is no package here.{hint or remedy}"


def _is_addons(name: str) -> bool:
    return name.partition(".")[0] == "tensorflow_addons"


def _is_keras_2() -> bool:
    import keras

    return keras.__version__.startswith("2.")


def _end_of_life() -> str:
    import keras

    if _is_keras_2():
        return "cannot be imported: tensorflow-addons 0.23 needs TensorFlow 2.15. Set up the environment with `make addons`."
    return (
        f"expected something that runs with Keras 3. Received: tensorflow_addons, whose life has ended and which needs Keras 2; this is "
        f"Keras {keras.__version__}. Name its successor (`kzoo migrate` does), or train in the environment of `make addons`."
    )
