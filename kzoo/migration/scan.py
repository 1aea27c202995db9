"""The uses of tensorflow-addons in Python, read and not run."""

import ast
import re
import warnings

from .table import packages, successors

LIBRARY = "tensorflow_addons"
WRITTEN = re.compile(rf"{LIBRARY}((?:\.\w+)*)|Addons>(\w+)")
"""Paths in strings; and the names under which Keras knows what addons has registered."""


class Scan(ast.NodeVisitor):
    """Collects the paths below `tensorflow_addons` by line; a use that cannot be followed has a code in place of its path.

    The names of imports are kept from one piece of a program to the next, as in the cells of a notebook.

    >>> scan = Scan()
    >>> scan.read("import tensorflow_addons as tfa; opt = tfa.optimizers\\nopt.Lookahead('adam')")
    >>> scan.paths
    [(2, 'optimizers.Lookahead')]
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.paths: list[tuple[int, str]] = []
        self.unfollowed: list[tuple[int, str]] = []
        self.imports: list[int] = []

    def read(self, source: str | bytes) -> None:
        """Reads Python.

        Raises:
            SyntaxError: it is none.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.visit(ast.parse(source))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] == LIBRARY:
                self.names[alias.asname or LIBRARY] = alias.name if alias.asname else LIBRARY
                self.imports.append(node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or (node.module or "").partition(".")[0] != LIBRARY:
            return
        self.imports.append(node.lineno)
        for alias in node.names:
            path = f"{node.module}.{alias.name}"
            if alias.name == "*":
                self.unfollowed.append((node.lineno, f"from {node.module} import *"))
                continue
            self.names[alias.asname or alias.name] = path
            if _below(path) not in packages():
                self._use(node.lineno, path)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """What a function binds itself is not what was imported outside of it."""
        outside = self.names
        inside = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        inside |= {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
        self.names = {name: path for name, path in outside.items() if name not in inside}
        self.generic_visit(node)
        self.names = outside

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef  # noqa: N815

    def visit_Assign(self, node: ast.Assign) -> None:
        """A part of addons under another name is followed."""
        path = self._path(node.value)
        if path is not None and _below(path) in packages() and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self.names[node.targets[0].id] = path
        else:
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self._path(node)
        if path is None:
            self.generic_visit(node)
        else:
            self._use(node.lineno, path)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self.names and isinstance(node.ctx, ast.Load):
            self._use(node.lineno, self.names[node.id])

    def visit_Call(self, node: ast.Call) -> None:
        """`getattr` with a name that is written down counts as the name; what is imported by a function is not followed."""
        if ast.unparse(node.func).endswith("import_module") and [getattr(a, "value", None) for a in node.args[:1]] == [LIBRARY]:
            self.unfollowed.append((node.lineno, ast.unparse(node)))
        if not (isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) > 1 and self._path(node.args[0])):
            self.generic_visit(node)
            return
        name = node.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            self._use(node.lineno, f"{self._path(node.args[0])}.{name.value}")
        else:
            self.unfollowed.append((node.lineno, ast.unparse(node)))
            self.visit(name)
        for other in node.args[2:]:
            self.visit(other)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and (path := written(node.value)):
            self.paths.append((node.lineno, path))

    def _path(self, node: ast.AST) -> str | None:
        """The whole path of `tfa.layers.GELU`, whatever the module is called here; None for anything else."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute) and (above := self._path(node.value)) is not None:
            return f"{above}.{node.attr}"
        return None

    def _use(self, line: int, path: str) -> None:
        self.paths.append((line, _below(path)))


def written(text: str) -> str | None:
    """The path below addons that a string names; None where it names none, empty for addons itself.

    >>> written("tensorflow_addons.layers.GELU"), written("Addons>GELU"), written("tensorflow_addons is old")
    ('layers.GELU', 'layers.GELU', None)
    """
    match = WRITTEN.fullmatch(text)
    if match is None:
        return None
    return _below(match[0]) if match[2] is None else _registered(match[2])


def _registered(name: str) -> str:
    """Where addons has what Keras knows as `Addons>name`."""
    return next((path for path in successors() if path.rpartition(".")[2] == name), name)


def _below(path: str) -> str:
    return path.removeprefix(LIBRARY).removeprefix(".")
