"""What a failed request means: that the store does not answer, cannot now, or never will take it."""

from ..errors import one_line

REFUSALS = {
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "MALFORMED_REQUEST",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}
"""MLflow's codes for a request that would be wrong another time as well; not BAD_REQUEST, which any trouble of its database is."""

BUSY = "TEMPORARILY_UNAVAILABLE"
"""MLflow's code for a database that others keep locked."""


class UnreachableError(RuntimeError):
    """The store cannot do now what it was asked for; `silent` where it is known not to answer at all."""

    def __init__(self, message: str, silent: bool = False):
        super().__init__(message)
        self.silent = silent


class LostError(Exception):
    """The store has no such run any more."""


def is_refusal(error: Exception) -> bool:
    """Whether a request would fail in the same way at any other time."""
    if isinstance(error, OSError):
        return isinstance(error, FileNotFoundError)
    return getattr(error, "error_code", "") in REFUSALS or isinstance(error, TypeError | ValueError)


def plainly(error: Exception) -> str:
    """What went wrong, without the nesting of the libraries below MLflow."""
    text = one_line(error)
    causes = {
        "NewConnectionError": "connection refused",
        "Connection refused": "connection refused",
        "imed out": "timed out",
        "database is locked": "database is locked",
    }
    return next((said for sign, said in causes.items() if sign in text), text[:200])
