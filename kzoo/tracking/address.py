"""Where a store is: tracking URIs that can work, and how they are told."""

import re
from urllib.parse import urlsplit

from ..errors import InputError, one_line

SERVERS = ("http", "https", "databricks")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")

DRIVER = "Install it here (`postgresql+psycopg2://` takes psycopg2, for one), or name an MLflow server that holds the database: http://HOST:PORT."

EXPECTED = "Expected MLFLOW_TRACKING_URI as sqlite:///PATH, http://HOST:PORT or another database; without it, runs are kept in mlruns/."


def without_password(uri: str) -> str:
    """A URI as it may be shown.

    >>> without_password("postgresql://me:secret@host/db")
    'postgresql://host/db'
    """
    return re.sub(r"//[^/@]*@", "//", uri)


def is_server(uri: str) -> bool:
    """Whether a URI is that of a server that shows its runs itself."""
    return urlsplit(uri).scheme in SERVERS or uri == "databricks"


def check_uri(uri: str) -> None:
    """Raises `InputError` for a tracking URI that can never work, whether or not anybody answers there."""
    scheme = urlsplit(uri).scheme.split("+")[0]
    if scheme in ("http", "https"):
        if not _has_host(uri):
            raise InputError(f"tracking store {uri}: names no host. {EXPECTED}")
    elif scheme in DATABASES:
        _check_driver(uri)
    elif scheme not in SERVERS and uri != "databricks":
        raise InputError(f"tracking store {without_password(uri)}: cannot be opened (unknown scheme). {EXPECTED}")


def _has_host(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _check_driver(uri: str) -> None:
    from sqlalchemy import create_engine

    try:
        create_engine(uri).dispose()
    except ModuleNotFoundError as error:
        wanted = f"expected the driver of this database. Received: {error}"
        raise InputError(f"tracking store {without_password(uri)}: {wanted}. {DRIVER}") from error
    except Exception as error:
        raise InputError(f"tracking store {without_password(uri)}: cannot be opened ({one_line(error)[:200]}). {EXPECTED}") from error
