"""Runs in the background: start, status, stop and notes."""

from __future__ import annotations

import json

import psutil
import pytest

from regcls import study
from regcls.study import processes
from regcls.study.processes import NOTES
from tests.helpers.waiting import until


def test_a_background_run_reports_its_status_excludes_others_and_stops(tmp_path, longer):
    longer.write_text(
        longer.read_text().replace("epochs = 90", "epochs = 1000")
    )  # not finished before it is stopped
    store = tmp_path / "study.sqlite"
    grid = study.load(str(longer))
    log = study.start(str(longer), store)
    until(lambda: study.read_status(grid, store).done > 0, 120)
    now = study.read_status(grid, store)
    assert now.running
    assert 0 < now.share < 1
    assert now.seconds_left > 0
    with pytest.raises(ValueError, match="longer is already running"):
        study.start(str(longer), store)
    with pytest.raises(
        ValueError, match=r"longer is already running on this machine \(process \d+, store"
    ):
        study.start(str(longer), tmp_path / "another.sqlite")
    assert study.read_status(grid, tmp_path / "another.sqlite").elsewhere[0].store == str(store)
    assert study.stop(store) == 1
    until(lambda: not study.read_status(grid, store).running, 120)
    assert 0 < study.read_status(grid, store).done < now.models
    until(lambda: "Stopped" in log.read_text(), 120)
    assert study.stop(store) == study.stop(tmp_path / "none.sqlite") == 0


def test_a_run_has_a_lower_priority_than_the_app(tmp_path, longer, monkeypatch):
    monkeypatch.delenv(processes.NICENESS)
    store = tmp_path / "study.sqlite"
    study.start(str(longer), store)
    (runner,) = study.read_status(study.load(str(longer)), store).runners
    assert psutil.Process(runner.pid).nice() >= 10
    study.stop(store)
    until(lambda: not study.read_status(study.load(str(longer)), store).running, 120)


def test_notes_of_ended_processes_and_other_files_are_not_active_runs(tmp_path, monkeypatch):
    monkeypatch.setenv(NOTES, str(tmp_path))
    store = tmp_path / "s.sqlite"
    with processes.announced("mine", store):
        assert [run.grid for run in processes.active_runs()] == ["mine"]
        assert processes.active_runs(except_store=store) == []
        (note,) = tmp_path.glob("*.json")
        (tmp_path / "reused.json").write_text(
            json.dumps(json.loads(note.read_text()) | {"born": 1.0, "grid": "old"})
        )
        (tmp_path / "stranger.json").write_text("{}")
        assert [run.grid for run in processes.active_runs()] == ["mine"]
    assert [path.name for path in tmp_path.glob("*.json")] == ["stranger.json"]
    assert processes.active_runs() == []
