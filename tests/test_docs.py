"""Every example in a docstring is run."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import kzoo
from kzoo.stack import KERAS_3

NEED_KERAS_3 = ("kzoo.stack.keras3", "kzoo.training.optimizers", "kzoo.models.convolutionize")
OTHERS = ("kzoo.recipes", *(("kzoo.stack.keras2", "kzoo.stack.ops2") if KERAS_3 else NEED_KERAS_3))
FOUND = pkgutil.walk_packages(kzoo.__path__, "kzoo.", onerror=lambda _: None)
MODULES = [module.name for module in FOUND if not module.name.startswith(OTHERS)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    options = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    assert doctest.testmod(importlib.import_module(name), optionflags=options).failed == 0


def test_the_readmes_line_of_figures():
    """What the README says of `unet_2015_same` is what the profile says."""
    found = kzoo.profile(kzoo.build_preset("unet_2015_same"))
    field, peak = found.receptive_field, found.inference.peak
    line = (
        f"{found.total:,} parameters, {found.macs / 1e9:.2f} G MACs, receptive field {field.smallest[0]} to {field.largest[0]}, "
        f"{peak / 2**20:.0f} MiB of activations at the peak"
    )
    assert line in " ".join((Path(kzoo.__file__).parents[1] / "README.md").read_text().split())


def test_examples_are_found():
    finder = doctest.DocTestFinder(exclude_empty=True)
    count = sum(bool(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
    assert count >= 15
