"""Keras 3 on any backend, or Keras 2.15 on TensorFlow: the names in which the two differ, for all rooms alike.

What both have, rooms import from `keras` itself. `keras3.py` and `keras2.py` say what the other names mean, each the same names. Keras 2.15
is the last version that tensorflow-addons runs with (`make addons`).
"""

import keras

from ..errors import InputError

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

if KERAS_3:
    from .keras3 import *  # noqa: F403
else:
    from .keras2 import *  # type: ignore[no-redef,assignment]  # noqa: F403


def needs_keras_3(name: str, instead: str) -> None:
    """Raises for what Keras 2 has no ground for.

    Args:
        name: of what was asked for.
        instead: what to do with Keras 2.

    Raises:
        InputError: the Keras that is installed is older.
    """
    if not KERAS_3:
        raise InputError(f"{name}: expected Keras 3. Received: Keras {keras.__version__}. {instead}")
