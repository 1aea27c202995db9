"""Which process a run belongs to, and whether that is still alive."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path


def owner() -> dict[str, str]:
    """The tags that say which process trains a run."""
    return {"kzoo.host": socket.gethostname(), "kzoo.pid": str(os.getpid()), "kzoo.began": _began(os.getpid())}


def is_here(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags belongs to a process of this machine, dead or alive."""
    return tags.get("kzoo.host") == socket.gethostname()


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags belongs to a process of this machine that is no more."""
    pid = tags.get("kzoo.pid", "")
    if not pid.isdigit() or not is_here(tags):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    then, now = tags.get("kzoo.began", ""), _began(int(pid))
    return bool(then and now) and then != now


def _began(pid: int) -> str:
    """When a process began, and since which start of the machine that is counted, since its number is given again; empty where unknown."""
    try:
        start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {start}"
    except (OSError, IndexError):
        return ""
