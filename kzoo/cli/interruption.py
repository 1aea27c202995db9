"""Ctrl-C and requests to terminate, which end a training in order."""

import signal
import sys


class Interruption(BaseException):
    """Ctrl-C or a request to terminate: a training that it ends is marked KILLED and stays resumable."""


def interrupt(*_) -> None:
    """The first signal ends the training in order; a second one, while that goes on, asks for patience; a third ends at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ask_for_patience)
    raise Interruption


def _ask_for_patience(*_) -> None:
    print("ending the run; once more to stop at once", file=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
