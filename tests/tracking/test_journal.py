"""Journals on disk: cut off, held by two, left behind by a killed process."""

import json
import os
import signal
import subprocess
import sys

import pytest

from kzoo.tracking.journal import BusyError, Identity, Journal

IDENTITY = Identity("k", "e", "x", {"a": "b"}, None, 1, None)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal" / "k"


def written(folder, count=3):
    journal = Journal(folder, IDENTITY)
    for step in range(count):
        journal.append("metrics", values={"loss": step / 3}, step=step)
    return journal


def test_a_journal_is_read_as_it_was_written(folder):
    written(folder).close()
    again = Journal(folder)
    assert again.identity == IDENTITY
    assert [(e["n"], e["step"], e["values"]["loss"]) for e in again.pending] == [(1, 0, 0.0), (2, 1, 1 / 3), (3, 2, 2 / 3)]
    assert again.steps == {"loss": {0, 1, 2}}


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_last_line_that_is_cut_off_is_dropped_and_the_file_goes_on(folder, cut):
    written(folder).close()
    path = folder / "events.jsonl"
    os.truncate(path, path.stat().st_size - cut)
    journal = Journal(folder)
    assert [e["n"] for e in journal.pending] == [1, 2]
    journal.append("tags", values={"t": "1"})
    journal.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(e["n"], e["kind"]) for e in lines] == [(1, "metrics"), (2, "metrics"), (3, "tags")]


def test_a_broken_line_in_the_middle_costs_only_itself(folder):
    written(folder).close()
    path = folder / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"n": 2, "at\0\xff\n' + b"[]\n" + lines[2])
    assert [e["n"] for e in Journal(folder).pending] == [1, 3]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"unknown": 1}'])
def test_a_lost_note_of_what_was_sent_means_sending_again(folder, content):
    journal = written(folder)
    journal.mark_sent(2)
    journal.close()
    assert [e["n"] for e in Journal(folder, lock=False).pending] == [3]
    (folder / "sent.json").write_text(content)
    assert [e["n"] for e in Journal(folder).pending] == [1, 2, 3]


def test_one_process_owns_a_journal(folder):
    journal = written(folder)
    code = f"import pathlib, kzoo.tracking.journal as j\ntry: j.Journal(pathlib.Path({str(folder)!r}))\nexcept j.BusyError: print('busy')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout == "busy\n"
    with pytest.raises(BusyError):
        Journal(folder)
    journal.close()
    Journal(folder).close()


def test_a_killed_process_leaves_all_it_said(folder):
    code = (
        "import os, pathlib, signal\nfrom kzoo.tracking.journal import Identity, Journal\n"
        f"journal = Journal(pathlib.Path({str(folder)!r}), Identity('k', 'e', 'x', {{}}, None, 1, None))\n"
        "for step in range(500): journal.append('metrics', values={'loss': step / 7}, step=step)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == -signal.SIGKILL
    journal = Journal(folder)
    assert [e["values"]["loss"] for e in journal.pending] == [step / 7 for step in range(500)]


def test_what_is_neither_sent_nor_taken_is_kept(folder):
    journal = written(folder)
    journal.append("status", status="FINISHED")
    journal.close(keep=False)
    assert len(Journal(folder, lock=False).pending) == 4
    journal = Journal(folder)
    journal.sent.run_id = "r"
    journal.sent.refused.append([1, "metric loss", "bad"])
    journal.mark_sent(4)
    journal.close(keep=False)
    assert Journal(folder, lock=False).sent.refused == [[1, "metric loss", "bad"]]
    journal = Journal(folder)
    journal.sent.refused.clear()
    journal.close(keep=False)
    assert not folder.exists()


def test_a_run_may_go_on_after_its_journal_was_removed(folder):
    journal = written(folder)
    journal.append("status", status="FINISHED")
    journal.sent.run_id = "r"
    journal.mark_sent(4)
    journal.close(keep=False)
    journal.append("tags", values={"late": "1"})
    journal.close()
    again = Journal(folder)
    assert [(e["n"], e["kind"]) for e in again.pending] == [(5, "tags")]
    assert again.run_id == "r"


def test_a_disk_that_is_full_loses_no_event(folder, monkeypatch, capsys):
    journal = written(folder, 1)
    real = os.write

    def full(file, data):
        real(file, data[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    journal.append("tags", values={"lost": "1"})
    monkeypatch.setattr(os, "write", real)
    journal.append("tags", values={"next": "1"})
    assert [e["n"] for e in journal.pending] == [1, 2, 3]
    journal.close()
    assert [e["n"] for e in Journal(folder).pending] == [1, 3]
    assert "No space left" in capsys.readouterr().err


def test_reading_without_the_lock_makes_and_repairs_nothing(folder):
    with pytest.raises(OSError):
        Journal(folder)
    with pytest.raises(OSError):
        Journal(folder, lock=False)
    assert not folder.exists()
    written(folder).close()
    os.truncate(folder / "events.jsonl", 50)
    Journal(folder, lock=False)
    assert (folder / "events.jsonl").stat().st_size == 50


def test_an_artifact_that_was_refused_is_kept(folder):
    journal = Journal(folder, IDENTITY)
    for name in ("a", "b"):
        path = journal.place(name)
        path.write_text(name)
        journal.append("file", name=name, file=path.relative_to(folder / "files").as_posix())
    journal.append("status", status="FINISHED")
    journal.sent.run_id = "r"
    journal.sent.refused.append([2, "file b", "bad"])
    journal.mark_sent(3)
    journal.close(keep=False)
    assert path.read_text() == "b"


def test_what_is_left_for_another_time_is_tried_by_the_next_one(folder):
    journal = written(folder)
    journal.append("status", status="FINISHED")
    journal.sent.run_id = "r"
    journal.mark_sent(4, left=[2])
    assert journal.settled
    journal.close(keep=False)
    journal = Journal(folder)
    assert [e["n"] for e in journal.pending] == [2]
    journal.mark_sent(2, left=[2])
    journal.close(keep=False)
    journal = Journal(folder)
    journal.mark_sent(2)
    assert journal.sent.left == []
    journal.close(keep=False)
    assert not folder.exists()


def test_a_journal_that_was_given_back_learns_what_others_have_sent(folder):
    journal = written(folder)
    journal.doze()
    other = Journal(folder)
    with pytest.raises(BusyError):
        journal.reopen()
    other.sent.run_id = "r"
    other.mark_sent(2)
    other.doze()
    journal.reopen()
    assert (journal.run_id, [e["n"] for e in journal.pending]) == ("r", [3])
    journal.append("tags", values={"t": "1"})
    journal.doze()
    assert [e["n"] for e in Journal(folder, lock=False).pending] == [3, 4]
