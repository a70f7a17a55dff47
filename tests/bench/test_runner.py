"""Runs of a bench: what is stored, resuming after kill -9 without a row lost or doubled, Dask."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from regcls.bench import runner
from regcls.bench.spec import prepare
from regcls.bench.store import Store, StoreError
from regcls.exceptions import UserError
from regcls.tabular.methods import KINDS
from tests.helpers.small_bench import small_bench
from tests.helpers.waiting import until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "bench.sqlite"
    with Store(path) as store:
        seen: list[runner.Progress] = []
        end = runner.run(small_bench(), store, jobs=1, on_progress=seen.append)
    assert (end.folds, end.done, end.trained, end.share, end.stopped) == (10, 10, 10, 1, False)
    assert [p.done for p in seen] == [*range(11)] and seen[-1].seconds_left == 0
    return path


def predictions(path: Path) -> dict[str, np.ndarray]:
    """Return the held-out predictions of all methods, by key of the fold."""
    tasks = [task for prepared in small_bench() for task in prepared.tasks]
    with Store(path) as store:
        found = store.results(tasks)
    assert [s.task.key for s in found] == [task.key for task in tasks]
    return {
        s.task.key: np.stack([s.result.test, *(s.result.predictions[k] for k in KINDS)])
        for s in found
    }


def test_every_row_is_held_out_once_and_every_method_predicts_it(finished):
    for prepared in small_bench():
        with Store(finished) as store:
            found = [stored.result for stored in store.results(prepared.tasks)]
        rows = np.concatenate([result.test for result in found])
        assert sorted(rows) == list(range(len(prepared.plan.problem.y)))
        assert all(set(result.predictions) == set(KINDS) for result in found)
        assert all(np.isfinite(list(r.predictions.values())).all() for r in found)
        assert all(set(result.selected) == set(KINDS) for result in found)


def test_a_finished_bench_trains_nothing_more(finished, monkeypatch):
    monkeypatch.setattr(runner, "fit", lambda *task: pytest.fail("trained again"))
    with Store(finished) as store:
        assert runner.run(small_bench(), store, jobs=1).trained == 0
        assert runner.progress(small_bench(), store).done == 10


def test_kill_9_loses_and_doubles_no_row(finished, tmp_path):
    path = tmp_path / "killed.sqlite"
    command = [sys.executable, "-m", "tests.helpers.small_bench", str(path)]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)

    def stored() -> int:
        if not path.exists():
            return 0
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            tables = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
            return db.execute("SELECT COUNT(*) FROM folds").fetchone()[0] if tables else 0

    until(lambda: stored() >= 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with Store(path) as store:
        before = len(store.done())
        end = runner.run(small_bench(), store, jobs=1)
    assert end.done == 10 and end.trained == 10 - before
    whole, resumed = predictions(finished), predictions(path)
    assert whole.keys() == resumed.keys()
    for key, values in whole.items():
        np.testing.assert_allclose(resumed[key], values, rtol=1e-4)


def test_a_run_stops_on_request_and_keeps_what_is_done(tmp_path):
    with Store(tmp_path / "b.sqlite") as store:
        done: list[int] = []
        end = runner.run(
            small_bench(),
            store,
            jobs=1,
            on_progress=lambda p: done.append(p.done),
            should_stop=lambda: bool(done and done[-1] >= 1),
        )
        assert end.stopped and 1 <= end.done < 10 and len(store.done()) == end.done


def test_dask_workers_give_the_same_folds(finished, tmp_path):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    )
    path = tmp_path / "dask.sqlite"
    with cluster, Store(path) as store:
        end = runner.run(small_bench(), store, scheduler=cluster.scheduler_address)
        assert (end.done, end.trained) == (10, 10)
    whole, other = predictions(finished), predictions(path)
    for key, values in whole.items():
        np.testing.assert_allclose(other[key], values, rtol=1e-4)


def test_an_unreachable_scheduler_and_an_unknown_budget_are_refused(tmp_path):
    with Store(tmp_path / "b.sqlite") as store:
        with pytest.raises(UserError, match="cannot be reached"):
            runner.run(small_bench(), store, scheduler="tcp://127.0.0.1:9")
        assert not store.done()
    with pytest.raises(UserError, match="budget must be one of quick, normal, thorough"):
        prepare([], budget="huge")


def test_a_foreign_a_damaged_and_an_unwritable_store_are_refused(tmp_path, finished):
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(StoreError, match="belongs to another program"):
        Store(foreign)
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"not a database, " * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(damaged)
    later = tmp_path / "later.sqlite"
    later.write_bytes(finished.read_bytes())
    with sqlite3.connect(later) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="has version 99"):
        Store(later)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file" / "b.sqlite")


def test_the_key_of_a_fold_depends_on_data_budget_and_seed():
    first, again = small_bench(), small_bench()
    assert [p.key for p in first] == [p.key for p in again]
    plan = first[0].plan
    other = type(first[0])(first[0].entry, type(plan)(plan.problem, plan.budget, seed=1))
    assert other.key != first[0].key != first[1].key
