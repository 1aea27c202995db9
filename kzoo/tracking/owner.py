"""Which process a run belongs to, and whether that is still alive."""

import os
import socket
from collections.abc import Mapping


def owner() -> dict[str, str]:
    """The tags that say which process trains a run."""
    return {"kzoo.host": socket.gethostname(), "kzoo.pid": str(os.getpid())}


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags belongs to a process of this machine that is no more."""
    pid = tags.get("kzoo.pid", "")
    if not pid.isdigit() or tags.get("kzoo.host") != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
