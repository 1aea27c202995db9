"""The project's own files: packaging, README, demo."""

import configparser
import re
from pathlib import Path

import pytest

from kzoo import Store, list_presets
from kzoo.demo import EXPERIMENT, demo_recipes, run_demo
from kzoo.models import BUILDERS, taps

ROOT = Path(__file__).parents[1]


def test_every_room_is_packaged():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    rooms = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "kzoo").rglob("__init__.py")}
    assert listed == rooms | {"kzoo.recipes", "kzoo.tuning"}


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "README.md").read_text())
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_scripts_of_the_readme_run(capsys):
    unets, classifiers = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    exec(unets, names := {})
    assert names["model"].output_shape == (None, 500, 333, 2)
    assert names["paper"].output_shape == (None, 388, 388, 2)
    exec(classifiers, names := {})
    assert names["small"].output_shape == (None, 10)
    assert [tap.strides[0] for tap in taps(names["features"])] == [2, 4, 8, 16, 32]
    assert names["unet"].output_shape == (None, 256, 256, 2)
    printed = capsys.readouterr().out
    assert "resnet50_keras 25,636,712 = resnet50 25,610,152 + 26,560 parameters" in printed
    assert re.search(r"redundant biases +26,560 +0 ", printed)


def test_presets_and_builders_that_the_readme_and_the_changelog_name_exist():
    readme, changelog = ((ROOT / name).read_text() for name in ("README.md", "CHANGELOG.md"))
    table = readme.partition("| family | presets |")[2].partition("\n\n")[0]
    named = {name for name in re.findall(r"`(\w+)`", table) if not name.startswith("_")}
    assert len(named) > 20
    assert named <= set(list_presets())
    assert all(f"build_{builder}`" in changelog for builder in BUILDERS)


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
