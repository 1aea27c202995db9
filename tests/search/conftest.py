"""One process for the tests that start many, since each would import for seconds."""

import pytest

from .searches import Forks


@pytest.fixture(scope="session")
def forks(tmp_path_factory):
    forks = Forks(tmp_path_factory.mktemp("forks"))
    yield forks
    forks.stop()
