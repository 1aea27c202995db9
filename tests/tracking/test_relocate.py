"""A project folder that is moved, with real databases."""

import shutil
import sqlite3

import pytest

from kzoo import InputError, Store, cli
from kzoo.tracking import notice, relocate

from .servers import content


@pytest.fixture
def moved(tmp_path):
    """A store with a run and its artifact, made in one place and moved to another, with spaces in its path; and what it held."""
    store = Store(root=tmp_path / "old place" / "mlruns")
    with store.start("moving 'house'", "x") as run:
        run.log_metrics({"a": 1.5})
        run.log_text("hello", "notes/a.txt")
        run.set_tags({"kzoo.state": str(run.folder)})
    with store.start("empty", "y"):
        pass
    found = {name: content(store._client, name) for name in ("moving 'house'", "empty")}
    (tmp_path / "old place").rename(tmp_path / "new place")
    return tmp_path / "new place", found


def dump(root):
    database = sqlite3.connect(root / "mlflow.db")
    lines = list(database.iterdump())
    database.close()
    return lines


def test_the_runs_find_their_artifacts_again_and_nothing_else_changes(moved, capsys):
    place, found = moved
    notice._said.clear()
    store = Store(root=place / "mlruns")
    said = capsys.readouterr().err
    assert said == (
        f"tracking: {place}/mlruns was made as {place.parent}/old place/mlruns, where its runs still look for their artifacts. "
        "Mend it: kzoo relocate\n"
    )
    done = relocate(store)
    assert done.roots == (place.parent / "old place" / "mlruns",)
    assert done.rows == {"experiments.artifact_location": 2, "runs.artifact_uri": 2, "tags.value": 1}
    assert "old%20place" not in "".join(dump(place / "mlruns"))
    for name, runs in found.items():
        now = content(store._client, name)
        for run in (*runs.values(), *now.values()):
            run["tags"].pop("kzoo.state", None)
        assert now == runs
    with store.start("moving 'house'", "z") as run:
        run.log_text("more", "b.txt")
    assert (store.root / "artifacts" / "moving_house_" / run.id / "artifacts" / "b.txt").read_text() == "more"


def test_twice_changes_nothing(moved, capsys):
    place, _ = moved
    store = Store(root=place / "mlruns")
    relocate(store)
    before = dump(store.root)
    assert relocate(store).rows == {}
    assert relocate(store).roots == ()
    assert dump(store.root) == before
    notice._said.clear()
    capsys.readouterr()
    Store(root=place / "mlruns")
    assert capsys.readouterr().err == ""


def test_a_copy_is_a_project_of_its_own(moved):
    place, _ = moved
    shutil.copytree(place, place.parent / "copy")
    relocate(Store(root=place / "mlruns"))
    before = dump(place / "mlruns")
    copy = Store(root=place.parent / "copy" / "mlruns")
    relocate(copy)
    assert dump(place / "mlruns") == before
    assert str(place.as_uri()) not in "".join(dump(copy.root))


def test_artifacts_that_somebody_keeps_elsewhere_stay_there(tmp_path):
    store = Store(root=tmp_path / "mlruns")
    elsewhere = tmp_path / "disk" / "artifacts" / "mine"
    elsewhere.mkdir(parents=True)
    experiment = store._client.create_experiment("mine", artifact_location=elsewhere.as_uri())
    store._client.create_run(experiment)
    assert relocate(store).rows == {}
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    done = relocate(store)
    assert (done.rows, done.roots, done.missing) == ({}, (), (tmp_path / "disk",))


def test_only_a_local_store(tmp_path):
    with pytest.raises(InputError, match=r"^relocate: expected the local store under mlruns/"):
        relocate(Store(f"sqlite:///{tmp_path}/other.db", root=tmp_path))


def test_the_commands(moved, monkeypatch, capsys):
    place, _ = moved
    monkeypatch.chdir(place)

    def kzoo(command):
        capsys.readouterr()
        cli.app([command], standalone_mode=False)
        return capsys.readouterr()

    assert "runs.artifact_uri: 2 changed\n" in kzoo("relocate").out
    assert tuple(kzoo("relocate")) == ("nothing to change: the artifacts are where the database says\n", "")
    assert kzoo("sync").out == "nothing to send\n"
