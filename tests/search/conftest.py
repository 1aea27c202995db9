"""What saves time: nothing is compiled for a few steps, and processes need not import anything."""

from pathlib import Path

import pytest

from tests.forks import Forks

HOOKS = Path(__file__).parent / "hooks"


@pytest.fixture(scope="module")
def eager():
    """Trains without compiling, which takes longer than the few steps of such tests."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def forks(tmp_path_factory):
    forks = Forks(tmp_path_factory.mktemp("forks"), HOOKS)
    yield forks
    forks.stop()
