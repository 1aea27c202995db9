"""Short lines for people on the error stream, each said once."""

import sys
from contextlib import suppress

_said: set[str] = set()


def warn(key: str, text: str) -> None:
    """Says something once per process; `key` tells what is the same."""
    if key not in _said:
        _said.add(key)
        with suppress(OSError, ValueError, AttributeError):  # a stream that is closed, or none at all
            print(text, file=sys.stderr, flush=True)
