"""docs/addons.md is what its script writes from the table, and what it links and names is there."""

import re
import runpy

from kzoo.migration import successors
from tests.addons.guide import PAGE


def test_the_table_is_that_of_the_data():
    written = runpy.run_path(str(PAGE.with_suffix(".py")))["guide"]()
    assert written == PAGE.read_text(encoding="utf-8"), "run: python docs/addons.py"


def test_every_name_stands_in_the_page_once():
    named = re.findall(r"^\| `([\w.*]+)` \|", PAGE.read_text(encoding="utf-8"), re.M)
    assert sorted(named) == sorted(successors())
