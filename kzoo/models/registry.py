"""The builders by name. What they build knows what it was built from."""

from collections.abc import Callable

import keras

from ..registry import Registry
from .identity import identified

BUILDERS: Registry[Callable[..., keras.Model]] = Registry("builder", wrap=identified)
