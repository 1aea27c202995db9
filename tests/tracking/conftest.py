"""One server for the tests of a module, since it takes seconds to start."""

import pytest

from .servers import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server.start()
    server.kill()


@pytest.fixture(autouse=True)
def every_warning(monkeypatch):
    """What an earlier test was told is said again."""
    monkeypatch.setattr("kzoo.tracking.notice._said", set())


@pytest.fixture
def impatient(monkeypatch):
    """A store that did not answer is asked again soon."""
    monkeypatch.setattr("kzoo.tracking.delivery.RETRY", 0.3)
