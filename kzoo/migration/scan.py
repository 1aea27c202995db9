"""The uses of tensorflow-addons in Python, read and not run."""

import ast
import re
import warnings
from collections.abc import Iterable

from .scope import COMPREHENSIONS, LIBRARY, bound, imported, own, parsed, shared
from .table import packages, successors

WRITTEN = re.compile(rf"{LIBRARY}((?:\.\w+)*)|Addons>(\w+)")
"""Paths in strings; and the names under which Keras knows what addons has registered."""

BEGUN = re.compile(rf"(?:{LIBRARY}\.(?:\w+\.)*|Addons>)(?:[%{{].*)?")
"""Strings that something is yet added to: `"Addons>" + name`, `"Addons>%s" % name`."""

IMPORTERS = ("import_module", "__import__", "exec", "eval")


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
        self.later: dict[str, str] = {}
        self.paths: list[tuple[int, str]] = []
        self.unfollowed: list[tuple[int, str]] = []
        self.imports: list[int] = []
        self._module = self.names
        self._shared: set[str] = set()
        self._in_class = False

    def learn(self, source: str | bytes) -> None:
        """Takes from Python only the names that its end leaves in `later`: functions of what is read may use them when they run.

        Raises:
            SyntaxError: it is none.
        """
        ahead = Scan()
        ahead.names = ahead._module = self.later
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ahead.visit(parsed(source))

    def read(self, source: str | bytes) -> None:
        """Reads Python.

        Raises:
            SyntaxError: it is none.
        """
        self.learn(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.visit(parsed(source))

    def visit_Import(self, node: ast.Import) -> None:
        for name, path in imported(node).items():
            self.imports.append(node.lineno)
            self._bind(node, name, path)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or (node.module or "").partition(".")[0] != LIBRARY:
            return
        self.imports.append(node.lineno)
        if node.names[0].name == "*":
            self.unfollowed.append((node.lineno, f"from {node.module} import *"))
        for name, path in imported(node).items():
            self._bind(node, name, path)
            if _below(path) not in packages():
                self._use(node.lineno, path)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for outside in (*node.decorator_list, node.args, *([node.returns] if node.returns else [])):
            self.visit(outside)
        self._enter(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit(node.args)
        self._enter(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """What a class binds are attributes: they are not seen outside, and their uses are not followed."""
        state = self.names, self._in_class
        self.names, self._in_class = dict(self.names), True
        self.generic_visit(node)
        self.names, self._in_class = state

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, COMPREHENSIONS) and bound(node) & {*self.names, *self.later}:
            self._enter(node, ast.iter_child_nodes(node))
        else:
            super().generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """A part of addons under another name is followed."""
        path = self._path(node.value)
        if path is not None and _below(path) in packages() and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self._bind(node, node.targets[0].id, path)
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
        called, first = ast.unparse(node.func).rpartition(".")[2], [getattr(a, "value", None) for a in node.args[:1]]
        if called in IMPORTERS and re.search(rf"\b{LIBRARY}\b", str(first)):
            self.unfollowed.append((node.lineno, ast.unparse(node)))
            return
        if called == "find_spec" and first == [LIBRARY]:
            return
        if not (isinstance(node.func, ast.Name) and called == "getattr" and len(node.args) > 1 and self._path(node.args[0])):
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
        if not isinstance(node.value, str):
            return
        if (path := written(node.value)) is not None:
            self.paths.append((node.lineno, path))
        elif BEGUN.fullmatch(node.value):
            self.unfollowed.append((node.lineno, ast.unparse(node)))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """`f"Addons>{name}"` is seen only when it runs."""
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "_" for part in node.values)
        inserted = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        if inserted and written(text) is not None:
            self.unfollowed.append((node.lineno, ast.unparse(node)))
        for part in inserted or node.values:
            self.visit(part)

    def _enter(self, scope: ast.AST, body: Iterable[ast.AST]) -> None:
        """Reads a scope that runs later: what it binds itself is not what was imported outside of it."""
        state = self.names, self.later, self._shared, self._in_class
        hidden = bound(scope)
        self.names = {name: path for name, path in {**self.later, **self.names}.items() if name not in hidden}
        self.names |= {name: path for part in own(scope) for name, path in imported(part).items()}
        self.later, self._shared, self._in_class = {}, shared(scope), False
        for part in body:
            self.visit(part)
        self.names, self.later, self._shared, self._in_class = state

    def _bind(self, node: ast.stmt, name: str, path: str) -> None:
        self.names[name] = path
        if name in self._shared:
            self._module[name] = path
        if self._in_class and _below(path) in {"", *packages()}:
            self.unfollowed.append((node.lineno, ast.unparse(node)))

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
