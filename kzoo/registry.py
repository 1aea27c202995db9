"""Functions by name: how recipes and the command line find builders and data sources."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from .errors import check_choice

F = TypeVar("F", bound=Callable)
G = TypeVar("G", bound=Callable)


class Registry(Generic[F]):
    """Functions entered under a name by a decorator, and perhaps wrapped by another.

    >>> shapes = Registry("shape")
    >>> @shapes.register("square")
    ... def square(): ...
    >>> shapes["sqare"]
    Traceback (most recent call last):
    kzoo.errors.ArgumentError: shape: expected one of square. Received: sqare. Did you mean square?
    """

    def __init__(self, kind: str, wrap: Callable[[F], F] = lambda function: function):
        self.kind = kind
        self._wrap = wrap
        self._functions: dict[str, F] = {}

    def register(self, name: str) -> Callable[[G], G]:
        """A decorator that enters a function under `name`; for type checkers it keeps its signature."""

        def enter(function: G) -> G:
            wrapped: Any = self._wrap(function)  # type: ignore[arg-type]
            self._functions[name] = wrapped
            return wrapped

        return enter

    def __getitem__(self, name: str) -> F:
        check_choice(self.kind, name, list(self))
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._functions))
