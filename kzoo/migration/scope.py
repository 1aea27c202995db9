"""What the scopes of a Python program bind, and what of it comes from tensorflow-addons."""

import ast
from collections.abc import Iterator

LIBRARY = "tensorflow_addons"
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, *COMPREHENSIONS)


def parsed(source: str | bytes) -> ast.Module:
    """The program; annotations that are written as strings are Python in it too.

    >>> ast.unparse(parsed("def f(x: 'list[int]') -> 'a b': ..."))
    "def f(x: list[int]) -> 'a b':\\n    ..."
    """
    tree = ast.parse(source)
    for node in list(ast.walk(tree)):
        for field in ("annotation", "returns"):
            if isinstance(annotation := getattr(node, field, None), ast.AST):
                setattr(node, field, _Unquoted().visit(annotation))
    return tree


def own(scope: ast.AST) -> Iterator[ast.AST]:
    """The parts of a scope without those of the scopes inside it."""
    for part in ast.iter_child_nodes(scope):
        yield part
        if not isinstance(part, SCOPES):
            yield from own(part)


def shared(scope: ast.AST) -> set[str]:
    """The names that a function declares `global`."""
    return {name for part in own(scope) if isinstance(part, ast.Global) for name in part.names}


def bound(scope: ast.AST) -> set[str]:
    """The names that a scope binds itself, so that those of the scopes around it are not seen.

    >>> sorted(bound(parsed("def f(x):\\n    y = lambda z: z\\n    import os.path\\n").body[0]))
    ['os', 'x', 'y']
    """
    parts = list(own(scope))
    elsewhere = {name for part in parts if isinstance(part, ast.Global | ast.Nonlocal) for name in part.names}
    return {name for part in parts for name in _names(part)} - elsewhere


def imported(part: ast.AST) -> dict[str, str]:
    """The names which an import binds to parts of addons, with their paths.

    >>> imported(parsed("from tensorflow_addons import layers as tl").body[0])
    {'tl': 'tensorflow_addons.layers'}
    """
    if isinstance(part, ast.Import):
        of_addons = [alias for alias in part.names if alias.name.partition(".")[0] == LIBRARY]
        return {alias.asname or LIBRARY: alias.name if alias.asname else LIBRARY for alias in of_addons}
    if isinstance(part, ast.ImportFrom) and not part.level and (part.module or "").partition(".")[0] == LIBRARY:
        return {alias.asname or alias.name: f"{part.module}.{alias.name}" for alias in part.names if alias.name != "*"}
    return {}


def _names(part: ast.AST) -> list[str]:
    if isinstance(part, ast.Name):
        return [part.id] if isinstance(part.ctx, ast.Store) else []
    if isinstance(part, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in part.names]
    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return [part.name] if part.name else []
    return [part.arg] if isinstance(part, ast.arg) else []


class _Unquoted(ast.NodeTransformer):
    """Strings as the Python that they hold; whole paths of addons stay as they are."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str) or node.value.startswith(LIBRARY):
            return node
        try:
            tree = ast.parse(node.value, mode="eval").body
        except (SyntaxError, ValueError):
            return node
        for part in ast.walk(tree):
            ast.copy_location(part, node)
        return tree
