"""Who counts as alive."""

import os
import socket
import subprocess
import sys
from types import SimpleNamespace

from kzoo.search.leases import Leases, has_died, worker_name


def test_a_lease_ends_unless_it_is_renewed(monkeypatch):
    now = 0.0
    monkeypatch.setattr("kzoo.search.leases.time", SimpleNamespace(monotonic=lambda: now))
    leases = Leases(0.3)
    for worker in ("silent", "heard", "left"):
        leases.renew(worker)
    leases.end("left")
    now = 0.2
    leases.renew("heard")
    now = 0.4
    assert leases.expired() == ["silent"]
    assert leases.expired() == []
    assert leases.holders == {"heard"}


def test_names_are_different_and_tell_who_is_there():
    names = {worker_name() for _ in range(5)}
    assert len(names) == 5
    assert not any(map(has_died, names))


def test_one_that_has_died_here_is_gone_at_once_and_one_elsewhere_may_live():
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    here, elsewhere = f"{socket.gethostname()}-{gone.pid}-abc", f"another-host-{gone.pid}-abc"
    leases = Leases(60)
    leases.renew(here)
    leases.renew(elsewhere)
    assert leases.expired() == [here]
    assert leases.holders == {elsewhere}


def test_a_host_may_have_dashes_in_its_name(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "gpu-node-7")
    assert worker_name().startswith(f"gpu-node-7-{os.getpid()}-")
    assert not has_died(worker_name())
