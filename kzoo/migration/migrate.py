"""Where scripts, notebooks and recipes use tensorflow-addons."""

from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

import yaml

from ..errors import InputError
from . import notebook
from .finding import Finding, named
from .scan import Scan, written

SUFFIXES = (".py", ".ipynb", ".yaml", ".yml")
LEFT_OUT = {"__pycache__", "site-packages", "node_modules"}
MENTIONS = (b"tensorflow_addons", b"Addons>")
UNUSED = "Imported and not used: leave it out."


def migrate(path: str | PathLike) -> list[Finding]:
    """Finds the names of tensorflow-addons in a script, and their successors. Nothing is run or imported.

    Args:
        path: a `.py`, `.ipynb`, `.yaml` or `.yml` file; or a folder, of which all of these are read but those in hidden folders and in
            environments.

    Returns:
        The findings by file and line: a `Finding` says the file and line, the name, its successor, and how far the results are the same.

    Raises:
        InputError: there is no such file, or it is not what its name says. Within a folder that is a finding.

    >>> import tempfile
    >>> script = Path(tempfile.mkdtemp()) / "train.py"
    >>> _ = script.write_text("import tensorflow_addons as tfa\\nnorm = tfa.layers.InstanceNormalization()\\n")
    >>> [(found.line, found.name, found.kind, found.successor.write) for found in migrate(script)]
    [(2, 'layers.InstanceNormalization', 'equal', 'keras.layers.GroupNormalization(groups=-1)')]
    """
    path = Path(path)
    if path.is_dir():
        return [finding for file in _files(path) for finding in _read_kindly(file)]
    if not path.is_file():
        raise InputError(f"{path}: expected a file or a folder. Received: a path where there is none.")
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"{path}: expected a file that ends in {', '.join(SUFFIXES)}, or a folder. Received: {path.suffix or 'no ending'}."
        )
    return _read(path)


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        within = file.relative_to(folder).parts[:-1]
        if file.suffix in SUFFIXES and not any(part in LEFT_OUT or part.startswith(".") for part in within) and file.is_file():
            yield file


def _read_kindly(file: Path) -> list[Finding]:
    """The findings of a file among others; one that cannot be read is a finding too."""
    try:
        return _read(file) if any(word in file.read_bytes() for word in MENTIONS) else []
    except (InputError, OSError) as error:
        return [Finding(str(file), 1, file.name, "unread", None, str(error).removeprefix(f"{file}").lstrip(":, "))]


def _read(file: Path) -> list[Finding]:
    if file.suffix == ".py":
        scan = Scan()
        _parse(scan.read, file.read_bytes(), str(file))
        return _findings(file, scan)
    return _notebook(file) if file.suffix == ".ipynb" else _recipe(file)


def _parse(read: Callable[[str | bytes], None], source: str | bytes, where: str) -> None:
    try:
        read(source)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise InputError(f"{where}{line}: expected Python 3. Received: {getattr(error, 'msg', error)}.") from error


def _findings(file: Path, scan: Scan, cell: int | None = None) -> list[Finding]:
    """The findings of what was read, by line; an import of which nothing is used is one."""
    found = {named(str(file), line, path, cell) for line, path in scan.paths}
    found |= {
        Finding(str(file), line, code, "unfollowed", None, "names that are seen only when it runs", cell) for line, code in scan.unfollowed
    }
    if not found and cell is None:
        found = {Finding(str(file), line, "tensorflow_addons", "none", None, UNUSED) for line in scan.imports}
    return sorted(found, key=lambda finding: (finding.line, finding.name))


def _notebook(file: Path) -> list[Finding]:
    scan, found, cells = Scan(), [], notebook.cells(file)
    for number, source in cells:
        _parse_cell(scan.learn, source, f"{file}, cell {number}")
    for number, source in cells:
        scan.paths, scan.unfollowed = [], notebook.unfollowed(source, {*scan.later})
        _parse_cell(scan.read, source, f"{file}, cell {number}")
        found += _findings(file, scan, number)
    if not found and scan.imports:
        return [Finding(str(file), 1, "tensorflow_addons", "none", None, UNUSED)]
    return found


def _parse_cell(read: Callable[[str | bytes], None], source: str, where: str) -> None:
    try:
        _parse(read, source, where)
    except InputError:
        _parse(read, notebook.python(source), where)


def _recipe(file: Path) -> list[Finding]:
    """The paths that stand alone in a YAML file, as keys or values."""
    try:
        scalars = [s for document in yaml.compose_all(file.read_bytes()) for s in _scalars(document, set())]
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or error
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{file}{line}: expected YAML. Received: {problem}.") from error
    paths = {(scalar.start_mark.line + 1, path) for scalar in scalars if (path := written(scalar.value))}
    return [named(str(file), line, path) for line, path in sorted(paths)]


def _scalars(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.CollectionNode) and id(node) not in seen:
        seen.add(id(node))
        for child in node.value:
            for part in child if isinstance(child, tuple) else (child,):
                yield from _scalars(part, seen)
