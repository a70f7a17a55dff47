"""Runs: one row per model, whatever is killed, stopped or shared."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from regcls import study
from regcls.utils import pace
from regcls.utils.cpu import cores
from tests.helpers.study_grids import rows, small
from tests.helpers.waiting import until


def start(toml: Path, store: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "regcls", "study", "run", str(toml), "--json"]
    return subprocess.Popen(
        [*command, "--store", str(store), "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_for_models(path: Path, more_than: int) -> None:
    def there() -> bool:
        if not path.exists():
            return False
        with study.Store(path) as store:
            return len(store.known()) > more_than

    until(there, 120)


def stamped(store: Path) -> dict[str, tuple]:
    with sqlite3.connect(store) as db:
        return {k: v for k, *v in db.execute("SELECT key, rowid, seconds, written_at FROM models")}


def test_a_run_killed_twice_loses_nothing_and_trains_nothing_twice(tmp_path, longer):
    store = tmp_path / "study.sqlite"
    grid = study.load(str(longer))
    before: dict[str, tuple] = {}
    for _ in range(2):
        process = start(longer, store)
        wait_for_models(store, len(before))
        process.kill()
        process.communicate(timeout=300)
        after = stamped(store)
        assert len(after) > len(before)
        assert {key: after[key] for key in before} == before  # none lost, none overwritten
        before = after
    assert len(before) < len(grid.models())
    with study.Store(store) as kept:
        last = study.run(grid, kept, jobs=1)
        assert kept.runners() == []
    assert last.finished
    assert last.trained == len(grid.models()) - len(before)
    assert set(stamped(store)) == {model.key for model in grid.models()}


def test_two_runners_share_the_work(tmp_path, longer):
    store = tmp_path / "study.sqlite"
    grid = study.load(str(longer))
    other = start(longer, store)
    wait_for_models(store, 0)
    with study.Store(store) as kept:
        assert len(kept.runners()) == 1
        assert study.read_status(grid, store).running
        mine = study.run(grid, kept, jobs=1)
    theirs = json.loads(other.communicate(timeout=300)[0])
    assert mine.finished
    assert mine.trained > 0
    assert mine.trained + theirs["trained"] == mine.models == len(rows(store))


def test_worker_processes_give_the_same_rows(tmp_path, finished):
    with study.Store(tmp_path / "s.sqlite") as store:
        assert study.run(small(), store, jobs=2).trained == 24
    assert rows(tmp_path / "s.sqlite") == rows(finished)


def test_a_finished_run_corrects_the_next_estimate(tmp_path, finished, monkeypatch):
    """An estimate of 20 s for a run of 73 s is not repeated."""
    monkeypatch.setenv(pace.PACE, str(tmp_path / "pace.json"))
    grid = small()
    before = study.read_status(grid, tmp_path / "none.sqlite").seconds_left
    with study.Store(tmp_path / "s.sqlite") as store:
        taken = study.run(grid, store, jobs=cores()).seconds
    after = study.read_status(grid, tmp_path / "none.sqlite").seconds_left
    shown = min(max(taken / before, 0.05), 20)  # the limits of a correction
    assert after == pytest.approx(before * shown, rel=0.2)
    with study.Store(tmp_path / "other.sqlite") as store:
        seen: list[study.Progress] = []
        study.run(grid, store, jobs=1, on_progress=seen.append)
    assert seen[0].seconds_left > before


def test_a_killed_worker_ends_the_run_with_an_error(tmp_path):
    def kill(progress: study.Progress) -> None:
        if progress.trained:
            for child in psutil.Process().children():
                # A child that was killed earlier may still be listed, without a command line.
                with contextlib.suppress(psutil.NoSuchProcess):
                    if any("loky.backend.popen" in word for word in child.cmdline()):
                        child.kill()

    with study.Store(tmp_path / "s.sqlite") as store:
        wide = small(hidden=[[n] for n in range(3, 12)])
        with pytest.raises(study.WorkerLost, match="all stored results are kept"):
            study.run(wide, store, jobs=2, on_progress=kill)
        assert store.known()
        assert store.runners() == []


def test_should_stop_ends_the_run_between_epochs_and_progress_grows(tmp_path):
    seen = []
    grid = small(hidden=[[n] for n in range(3, 9)], epochs=30)
    with study.Store(tmp_path / "s.sqlite") as store:
        stopped = study.run(
            grid, store, jobs=1, on_progress=seen.append, should_stop=lambda: len(seen) > 2
        )
        assert stopped.stopped
        assert 0 < stopped.done < stopped.models
        again = study.run(grid, store, jobs=1, on_progress=seen.append)
    assert again.finished
    shares = [p.share for p in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert seen[0].seconds_left > seen[-1].seconds_left == 0


def test_a_full_disk_stops_the_run_and_keeps_stored_results(tmp_path):
    with study.Store(tmp_path / "s.sqlite") as store:
        study.run(small(classes=[4]), store, jobs=1)
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(study.StoreError, match="the disk is full"):
            study.run(small(hidden=[[3], [4], [5]]), store, jobs=1)
        assert len(store.known()) >= 18
