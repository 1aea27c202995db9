"""The builders by name."""

from collections.abc import Callable

import keras

from ..registry import Registry

BUILDERS: Registry[Callable[..., keras.Model]] = Registry("builder")
