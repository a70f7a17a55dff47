"""Runs on a Dask cluster: the same rows, and what happens if the scheduler is lost."""

from __future__ import annotations

import pytest

from regcls import study
from regcls.utils import dask_backend
from tests.helpers.study_grids import rows, small


def test_a_dask_cluster_gives_the_same_rows_and_may_be_lost(tmp_path, finished, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(dask_backend, "LOST_SECONDS", 300.0)  # a busy machine is not a lost one
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    )
    with cluster, study.Store(tmp_path / "s.sqlite") as store:
        address = cluster.scheduler_address
        done = study.run(small(), store, scheduler=address)
        assert (done.trained, done.note) == (24, "")
        assert rows(tmp_path / "s.sqlite") == rows(finished)

        monkeypatch.setattr(dask_backend, "LOST_SECONDS", 1.0)

        def lose(progress: study.Progress) -> None:
            if progress.trained:
                cluster.close()

        wide = small(hidden=[[n] for n in range(3, 12)])
        home = study.run(wide, store, jobs=1, scheduler=address, on_progress=lose)
        assert home.finished
        assert "cannot be reached any more; the run continued on this machine" in home.note


def test_with_an_unreachable_scheduler_the_run_stops_or_continues_locally(tmp_path):
    grid = small(functions=[1], data_seeds=1, classes=[4])
    with study.Store(tmp_path / "s.sqlite") as store:
        stopped = study.run(grid, store, scheduler="tcp://127.0.0.1:9", on_lost="stop")
        assert (stopped.trained, stopped.stopped) == (0, True)
        assert "cannot be reached; the run stopped" in stopped.note
        home = study.run(grid, store, jobs=1, scheduler="tcp://127.0.0.1:9")
        assert home.finished
        with pytest.raises(ValueError, match="on_lost must be one of local, stop"):
            study.run(grid, store, on_lost="cry")
