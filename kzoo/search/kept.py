"""Files from which a search is taken up again: whole or as before whenever a process is killed, with a copy beside each."""

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import write_atomically


def keep(path: Path, text: str) -> None:
    """Writes a file, and the same beside it as `.bak`, for a disk that loses one of them."""
    write_atomically(path, text)
    shutil.copyfile(path, path.with_suffix(".bak"))


def kept(path: Path) -> dict[str, Any] | None:
    """What `keep` has written, as JSON, or its copy; None if neither can be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep(Path(folder) / "state.json", '{"trials": 3}')
    ...     _ = (Path(folder) / "state.json").write_text('{"tri')
    ...     kept(Path(folder) / "state.json")
    {'trials': 3}
    """
    for file in (path, path.with_suffix(".bak")):
        with contextlib.suppress(OSError, ValueError):
            return json.loads(file.read_text())
    return None


def needed(path: Path) -> dict[str, Any]:
    """As `kept`, for files without which a search cannot be taken up again.

    Raises:
        InputError: neither can be read.
    """
    found = kept(path)
    if found is None:
        raise InputError(f"{path}: cannot be read, nor can the copy beside it. Begin the search anew with --fresh.")
    return found
