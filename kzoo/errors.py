"""What the user can mend: errors of one line that say what was expected, what was received and what to do."""

import difflib
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any


class InputError(ValueError):
    """An input that the user can mend. The command line prints its lines and exits with status 2, without a traceback."""


class ArgumentError(InputError):
    """An argument that is unknown, contradictory, ineffective or out of range; `argument` holds its name.

    >>> raise ArgumentError("depth", "expected a positive integer. Received: 0.")
    Traceback (most recent call last):
    kzoo.errors.ArgumentError: depth: expected a positive integer. Received: 0.
    """

    def __init__(self, argument: str, message: str):
        super().__init__(f"{argument}: {message}")
        self.argument = argument
        self.message = message

    def within(self, path: str) -> "ArgumentError":
        """The same error, its argument named by its place in a file: `filters` becomes `model.filters`."""
        return type(self)(f"{path}.{self.argument}", self.message)


class TrainingError(RuntimeError):
    """A training run that failed by itself, such as a loss that is no longer a number."""


def did_you_mean(received: object, valid: Iterable[str]) -> str:
    """The hint that ends a message: ` Did you mean max_pool?`, or nothing where no valid name is near.

    >>> did_you_mean("maxpol", ["max_pool", "avg_pool"])
    ' Did you mean max_pool?'
    """
    near = difflib.get_close_matches(str(received), list(valid), n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else ""


def check_choice(argument: str, received: object, choices: Sequence[str], listed_by: str | None = None) -> None:
    """Raises `ArgumentError` unless `received` is one of `choices`; those that `listed_by` lists are too many for a message."""
    if received not in choices:
        expected = ", ".join(choices) if listed_by is None else f"the {len(choices)} that {listed_by} lists"
        hint = did_you_mean(received, choices)
        raise ArgumentError(argument, f"expected one of {expected}. Received: {received}.{hint}")


def check_rate(argument: str, value: Any) -> None:
    """Raises `ArgumentError` unless `value` is a rate in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < 1:
        raise ArgumentError(argument, f"expected a rate from 0 to below 1. Received: {value!r}.")


def one_line(error: BaseException) -> str:
    """Any exception as one line: its type, and the first line of its message that says something; no more than 300 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0] == "in user code:":  # TensorFlow quotes the code, and says what is wrong at the end
        lines = lines[-1:]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= 300 else f"{text[:297]}..."
