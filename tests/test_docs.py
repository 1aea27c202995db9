"""Every example in a docstring is run."""

import doctest
import importlib
import pkgutil

import pytest

import kzoo

MODULES = [m.name for m in pkgutil.walk_packages(kzoo.__path__, "kzoo.") if not m.name.startswith("kzoo.recipes")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    options = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    assert doctest.testmod(importlib.import_module(name), optionflags=options).failed == 0


def test_examples_are_found():
    finder = doctest.DocTestFinder(exclude_empty=True)
    count = sum(bool(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
    assert count >= 15
