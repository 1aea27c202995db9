"""The project's own files: packaging, README, demo."""

import configparser
import re
from pathlib import Path

import pytest

from kzoo import Store
from kzoo.demo import EXPERIMENT, demo_recipes, run_demo

ROOT = Path(__file__).parents[1]


def test_every_room_is_packaged():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    rooms = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "kzoo").rglob("__init__.py")}
    assert listed == rooms | {"kzoo.recipes"}


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "README.md").read_text())
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_script_of_the_readme_runs():
    (script,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    exec(script, names := {})
    assert names["model"].output_shape == (None, 500, 333, 2)
    assert names["paper"].output_shape == (None, 388, 388, 2)


def test_the_demo_is_the_grid_and_a_classifier():
    recipes = list(demo_recipes())
    grid = {(r.model.get("downsampling"), r.model.get("upsampling")) for r in recipes[:4]}
    assert grid == {(d, u) for d in ("max_pool", "strided_conv") for u in ("transposed_conv", "nearest")}
    assert [r.builder for r in recipes] == ["unet"] * 4 + ["cnn"]
    assert len({r.digest() for r in recipes}) == 5


@pytest.mark.slow
def test_the_demo_trains_once(tmp_path):
    store = Store(root=tmp_path)
    first = run_demo(store)
    assert [r.status for r in first] == ["FINISHED"] * 5
    assert all(r.metrics["best/mean_iou"] > 0.9 for r in first[:4])
    assert [r.id for r in run_demo(store)] == [r.id for r in first]
    assert len(store.runs(EXPERIMENT)) == 5
