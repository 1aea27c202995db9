"""One process for the tests that start many, since each would import for seconds."""

from pathlib import Path

import pytest

from tests.forks import Forks

HOOKS = Path(__file__).parent / "hooks"


@pytest.fixture(scope="session")
def forks(tmp_path_factory):
    forks = Forks(tmp_path_factory.mktemp("forks"), HOOKS)
    yield forks
    forks.stop()
