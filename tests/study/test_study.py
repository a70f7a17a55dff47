"""The study: plans, one row a model whatever happens, comparisons, commands, bad input."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from typer.testing import CliRunner

from regcls import study
from regcls.cli import output
from regcls.cli.app import app
from regcls.cli.output import BAD_INPUT
from regcls.lab.run import Lab
from regcls.study import dask_backend, loader, processes, worker
from regcls.study import rows as study_rows
from regcls.study.processes import NOTES
from regcls.utils.text import duration

RUNNER = CliRunner()
SMALL = {
    "version": 1, "functions": [1, 4, 7], "data_seeds": 2, "classes": [4, 32],
    "samples": 900, "batch": 64, "epochs": 4,
}  # fmt: skip
SMALL_TOML = "\n".join(f"{key} = {json.dumps(value)}" for key, value in SMALL.items())
SEARCH = {
    "budget": 3, "lr": [1e-3, 1e-2], "weight": [1, 100], "weight_decay": [1e-5, 1e-3],
    "classes": [4, 8], "functions": [2],
}  # fmt: skip


def small(name: str = "small", **changes) -> study.Grid:
    return loader.from_dict(name, SMALL | changes)


def rows(path: Path) -> dict[str, tuple]:
    """What the file holds by key, but for what depends on the clock."""
    with sqlite3.connect(path) as db:
        found = db.execute("SELECT key, config, test_mse, val_mse, ranges, curve FROM models")
        return {row[0]: row[1:] for row in found}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The small grid, trained in this process; tests read it only."""
    path = tmp_path_factory.mktemp("study") / "study.sqlite"
    with study.Store(path) as store:
        progress = study.run(small(), store, jobs=1)
    assert progress.finished
    return path


# Plans


def test_the_papers_grid_has_its_size():
    grid = study.load("paper")
    models = grid.models()
    assert len(grid.cells) == 60
    assert sum(model.classes > 0 for model in models) == 3000
    plain = [model.weight for model in models if not model.classes]
    assert (len(plain), plain.count(1.0)) == (1200, 600)  # reg, and a control for each
    assert len({model.key for model in models}) == len(models) == 4200


def test_every_shipped_grid_can_be_planned():
    assert set(study.names()) == {
        "paper", "quick", "fair", "architecture", "losses", "optimizers", "bins",
    }  # fmt: skip
    hashes = {study.load(name).hash for name in study.names()}
    assert len(hashes) == len(study.names())
    assert all(study.load(name).title for name in study.names())


def test_architectures_have_one_parameter_budget():
    counts = []
    for hidden in study.load("architecture").hidden:
        sizes = (1, *hidden, 1)
        counts.append(sum((a + 1) * b for a, b in itertools.pairwise(sizes)))
    assert max(counts) - min(counts) <= 2
    assert 133 in counts


def test_a_models_key_never_changes():
    """Results that people have stored are found by it."""
    model = study.load("paper").models()[0]
    assert model.key == "5dc82c7c8d4295a7b06e2b282fcb88027d417285ea4b68bbb40c197c971f0513"
    assert replace(model, init_seed=1).key != model.key


def test_hash_follows_what_is_asked_not_how():
    assert small().hash == small("other", title="another").hash
    assert small(weight=[100]).hash == small(weight=[100.0]).hash
    assert small(epochs=5).hash != small().hash


def test_no_initialisation_is_shared_by_two_data_sets():
    runs = small(repeats=3).runs
    assert len({run.init_seed for run in runs}) == len(runs) == 18
    assert len({run.data_seed for run in runs}) == 6


def test_reg_and_control_are_shared_by_cells():
    grid = small(weight=[10, 100])
    assert len(grid.cells) == 4
    by_kind = pd.Series([(m.variant, m.weight) for m in grid.models()]).value_counts()
    assert by_kind.to_dict() == {
        ("reg", 1.0): 6, ("reg", 10.0): 6, ("reg", 100.0): 6,
        ("reg+cls", 10.0): 12, ("reg+cls", 100.0): 12,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampeling": ["mild"]}, "did you mean 'sampling'"),
        ({"sampling": ["mlid"]}, "did you mean 'mild'"),
        ({"sampling": ["own"]}, "sampling has an unknown value"),
        ({"version": 2}, "version = 1"),
        ({"classes": [4, 1024]}, "samples must be at least"),
        ({"batch": 4000}, "samples must be at least"),
        ({"classes": []}, "classes must be a list"),
        ({"classes": [4.5]}, "classes has a value of the wrong type"),
        ({"lr": ["papre"]}, "lr must be numbers or 'paper'"),
        ({"lr": [-1]}, "lr must be from"),
        ({"functions": [11]}, "numbers from 1 to 10"),
        ({"data_seeds": 0}, "data_seeds must be a whole number"),
        ({"epochs": "many"}, "epochs must be one number"),
        ({"hidden": [15]}, "hidden has a value of the wrong type"),
        ({"roles": ["reg", "contrl"]}, "did you mean 'control'"),
        ({"search": SEARCH}, "classes is tuned by the search"),
    ],
)
def test_a_grid_that_cannot_be_is_told(changes, message):
    with pytest.raises(study.GridError, match=message):
        small(**changes)


def test_a_search_that_cannot_be_is_told():
    def searched(**changes):
        return loader.from_dict("fair", {"version": 1, "search": SEARCH | changes})

    with pytest.raises(study.GridError, match="did you mean 'budget'"):
        searched(budgte=3)
    with pytest.raises(study.GridError, match=r"search.lr must be \[lowest, highest\]"):
        searched(lr=[1e-2, 1e-3])
    with pytest.raises(study.GridError, match="invalid setting: classes must be"):
        searched(classes=[1])
    with pytest.raises(study.GridError, match="the search lacks lr"):
        loader.from_dict("fair", {"version": 1, "search": {"budget": 3}})


# Training


def test_a_run_is_the_labs_run():
    grid = small(repeats=2)
    cell, run = grid.cells[1], grid.runs[2]
    lab = Lab(cell.lab_settings(run, grid.protocol))
    while not lab.done:
        lab.advance_epoch()
    models = [models[2] for models in grid.models_of(cell).values()]
    ours = [worker.train([model])[0].test_mse for model in models]
    assert ours == pytest.approx(lab.test_mse[:, 0], rel=1e-6)


@pytest.mark.parametrize(
    "changes",
    [{}, {"bins": ["equalized"]}, {"class_loss": ["soft"]}, {"scenario": ["noisy"], "bins": ["quantile"]}],
    ids=str,
)  # fmt: skip
def test_what_a_model_learns_does_not_depend_on_its_batch(changes):
    models = [m for m in small(**changes).models() if m.classes == 32]
    for batch in worker.pack(models):
        together = worker.train(batch)
        alone = worker.train([batch[-1]])[0]
        assert replace(together[-1], seconds=0) == replace(alone, seconds=0)


def test_batches_hold_every_model_once_and_only_alike_ones():
    models = study.load("paper").models()
    batches = worker.pack(models, jobs=2)
    assert sorted(m.key for b in batches for m in b) == sorted(m.key for m in models)
    for batch in batches:
        assert len({(m.classes, m.scenario, m.sampling) for m in batch}) == 1
        assert sum(model.core_seconds for model in batch) < 40


def test_errors_per_range_add_up_to_the_whole():
    result = worker.train(small(scenario=["noisy"]).models()[:1])[0]
    ranges = result.ranges
    assert sum(ranges["train"]) == sum(ranges["test"]) == 300
    total = sum(n * (e or 0) for n, e in zip(ranges["test"], ranges["mse"], strict=True))
    assert total / 300 == pytest.approx(result.test_mse, rel=1e-4)
    assert result.curve["epoch"][-1] == 4
    assert result.curve["test_mse"][-1] == pytest.approx(result.test_mse, rel=1e-4)


def test_a_model_that_diverges_is_kept_as_such(tmp_path):
    grid = small(optimiser=["sgd"], lr=[1.0], weight=[1e6], functions=[1], classes=[4])
    with study.Store(tmp_path / "s.sqlite") as store:
        assert study.run(grid, store, jobs=1).finished
        assert math.inf in store.known().values()
    results = study.read(grid, tmp_path / "s.sqlite")
    row = results.cells.iloc[0]
    assert row["diverged"] > 0
    assert np.isnan(row["regcls_mse"])
    json.dumps(output.plain(study.summary(results)), allow_nan=False)


# Runs: whatever happens, one row a model


def start(toml: Path, store: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "regcls", "study", "run", str(toml), "--json"]
    return subprocess.Popen(
        [*command, "--store", str(store), "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_until(what, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.02)


def wait_for_models(path: Path, more_than: int) -> None:
    def there() -> bool:
        if not path.exists():
            return False
        with study.Store(path) as store:
            return len(store.known()) > more_than

    wait_until(there)


@pytest.fixture
def longer(tmp_path):
    """A grid of many batches, some seconds long in all."""
    toml = tmp_path / "longer.toml"
    widths = ", ".join(f"[{n}]" for n in range(2, 14))
    toml.write_text(f"{SMALL_TOML.replace('epochs = 4', 'epochs = 90')}\nhidden = [{widths}]\n")
    return toml


def test_killed_again_and_again_it_loses_nothing_and_does_nothing_twice(tmp_path, longer):
    store = tmp_path / "study.sqlite"
    grid = study.load(str(longer))
    before: dict[str, tuple] = {}
    for _ in range(2):
        process = start(longer, store)
        wait_for_models(store, len(before))
        process.kill()
        process.communicate(timeout=30)
        after = stamped(store)
        assert len(after) > len(before)
        assert {key: after[key] for key in before} == before  # none lost, none written again
        before = after
    assert len(before) < len(grid.models())
    with study.Store(store) as kept:
        last = study.run(grid, kept, jobs=1)
        assert kept.runners() == []
    assert last.finished
    assert last.trained == len(grid.models()) - len(before)
    assert set(stamped(store)) == {model.key for model in grid.models()}


def stamped(store: Path) -> dict[str, tuple]:
    with sqlite3.connect(store) as db:
        return {k: v for k, *v in db.execute("SELECT key, rowid, seconds, written_at FROM models")}


def test_two_runners_share_the_work(tmp_path, longer):
    store = tmp_path / "study.sqlite"
    grid = study.load(str(longer))
    other = start(longer, store)
    wait_for_models(store, 0)
    with study.Store(store) as kept:
        assert len(kept.runners()) == 1
        assert study.read_status(grid, store).running
        mine = study.run(grid, kept, jobs=1)
    theirs = json.loads(other.communicate(timeout=60)[0])
    assert mine.finished
    assert mine.trained > 0
    assert mine.trained + theirs["trained"] == mine.models == len(rows(store))


def test_a_run_in_the_background_is_watched_refused_twice_and_stopped(tmp_path, longer):
    longer.write_text(longer.read_text().replace("epochs = 90", "epochs = 300"))  # not done before
    store = tmp_path / "study.sqlite"
    grid = study.load(str(longer))
    log = study.start(str(longer), store)
    wait_until(lambda: study.read_status(grid, store).done > 0)
    now = study.read_status(grid, store)
    assert now.running
    assert psutil.Process(now.runners[0].pid).nice() >= 10  # pages that people look at go first
    assert 0 < now.share < 1
    assert now.seconds_left > 0
    with pytest.raises(ValueError, match="longer is already running"):
        study.start(str(longer), store)
    with pytest.raises(ValueError, match=r"longer is already running on this machine \(process \d+, store"):
        study.start(str(longer), tmp_path / "another.sqlite")
    assert study.read_status(grid, tmp_path / "another.sqlite").elsewhere[0].store == str(store)
    assert study.stop(store) == 1
    wait_until(lambda: not study.read_status(grid, store).running)
    assert 0 < study.read_status(grid, store).done < now.models
    wait_until(lambda: "Stopped" in log.read_text())
    assert study.stop(store) == study.stop(tmp_path / "none.sqlite") == 0


def test_notes_of_runs_that_died_and_notes_of_strangers_are_no_runs(tmp_path, monkeypatch):
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


def test_worker_processes_give_the_same_rows(tmp_path, finished):
    with study.Store(tmp_path / "s.sqlite") as store:
        assert study.run(small(), store, jobs=2).trained == 24
    assert rows(tmp_path / "s.sqlite") == rows(finished)


def test_a_worker_that_is_killed_ends_the_run_with_a_sentence(tmp_path):
    def kill(progress: study.Progress) -> None:
        if progress.trained:
            for child in psutil.Process().children():
                # One that an earlier report killed may still stand in the list, without a command.
                with contextlib.suppress(psutil.NoSuchProcess):
                    if any("loky.backend.popen" in word for word in child.cmdline()):
                        child.kill()

    with study.Store(tmp_path / "s.sqlite") as store:
        wide = small(hidden=[[n] for n in range(3, 12)])
        with pytest.raises(study.WorkerLost, match="all stored results are kept"):
            study.run(wide, store, jobs=2, on_progress=kill)
        assert store.known()
        assert store.runners() == []


def test_a_dask_cluster_gives_the_same_rows_and_its_loss_is_no_loss(
    tmp_path, finished, monkeypatch
):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(dask_backend, "LOST_SECONDS", 1.0)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    )
    with cluster, study.Store(tmp_path / "s.sqlite") as store:
        address = cluster.scheduler_address
        done = study.run(small(), store, scheduler=address)
        assert (done.trained, done.note) == (24, "")
        assert rows(tmp_path / "s.sqlite") == rows(finished)

        def lose(progress: study.Progress) -> None:
            if progress.trained:
                cluster.close()

        wide = small(hidden=[[n] for n in range(3, 12)])
        home = study.run(wide, store, jobs=1, scheduler=address, on_progress=lose)
        assert home.finished
        assert "cannot be reached any more; the run continued on this machine" in home.note


def test_an_unreachable_scheduler_stops_or_sends_home(tmp_path):
    grid = small(functions=[1], data_seeds=1, classes=[4])
    with study.Store(tmp_path / "s.sqlite") as store:
        stopped = study.run(grid, store, scheduler="tcp://127.0.0.1:9", on_lost="stop")
        assert (stopped.trained, stopped.stopped) == (0, True)
        assert "cannot be reached; the run stopped" in stopped.note
        home = study.run(grid, store, jobs=1, scheduler="tcp://127.0.0.1:9")
        assert home.finished
        with pytest.raises(ValueError, match="on_lost must be one of local, stop"):
            study.run(grid, store, on_lost="cry")


def test_should_stop_ends_between_epochs_and_progress_grows(tmp_path):
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


def test_a_dead_runners_claims_are_free_and_a_live_ones_are_not(tmp_path):
    models = small().models()
    with study.Store(tmp_path / "s.sqlite") as store:
        first, second = store.start("small"), store.start("small")
        assert store.claim(first, models[:4]) == models[:4]
        assert store.claim(second, models[:6]) == models[4:6]
        with store._writing() as db:  # as if it had been silent for long
            db.execute("UPDATE runners SET heard = heard - 1000 WHERE id = ?", (first,))
        assert store.claim(second, models[:4]) == models[:4]
        gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                              capture_output=True, text=True, check=True)  # fmt: skip
        with store._writing() as db:
            db.execute("UPDATE runners SET pid = ? WHERE id = ?", (int(gone.stdout), second))
        assert store.runners() == []


# Fair tuning


def test_fair_tuning_searches_on_validation_then_tests_on_fresh_data(tmp_path):
    described = {k: v for k, v in SMALL.items() if k != "classes"}
    grid = loader.from_dict("fair", described | {"hidden": [[5], [9]], "search": SEARCH})
    assert len(grid.models()) == 2 * 2 * 3  # networks × variants × settings
    assert len(grid.placeholders()) == 2 * 2 * 6
    with study.Store(tmp_path / "s.sqlite") as store:
        progress = study.run(grid, store, jobs=1)
        assert (progress.done, progress.models) == (36, 36)
        known = store.known()
    searched = {run.data_seed for run in grid.search_runs}
    assert not searched & {run.data_seed for run in grid.runs}
    results = study.read(grid, tmp_path / "s.sqlite")
    phases = results.table.groupby(["phase", "role"]).size().to_dict()
    assert phases == {
        ("search", "reg"): 6, ("search", "reg+cls"): 6, ("final", "reg"): 12, ("final", "reg+cls"): 12,
    }  # fmt: skip
    for cell in grid.cells:
        best = grid.best(cell, "reg+cls", known)
        tried = results.table.query(
            f"phase == 'search' and role == 'reg+cls' and hidden == '{cell.hidden[0]}'"
        )
        assert tried["val_mse"].idxmin() in {
            m.key for s, models in grid.searched[cell, "reg+cls"] if s == best for m in models
        }
    row = results.cells.iloc[0]
    assert row["runs"] == 6
    assert row["ratio"] > 0
    least, median, most = row["reg_search"]
    assert 0 < least <= median <= most
    assert row["regcls_lr"] == grid.best(grid.cells[0], "reg+cls", known).lr
    lab = results.lab_settings(grid.cells[0], grid.runs[0])
    assert lab.lr == row["regcls_lr"]


def test_both_variants_have_the_same_budget_and_the_same_draws():
    grid = study.load("fair")
    for cell in grid.cells[:2]:
        reg, regcls = grid.searched[cell, "reg"], grid.searched[cell, "reg+cls"]
        assert [s for s, _ in reg] == [s for s, _ in regcls]
        assert len(reg) == grid.search.budget
        for (_, a), (_, b) in zip(reg, regcls, strict=True):
            assert [(m.lr, m.weight, m.data_seed) for m in a] == [
                (m.lr, m.weight, m.data_seed) for m in b
            ]


# Reading


def test_every_cell_is_compared(finished):
    results = study.read(small(), finished)
    assert results.source == "store"
    assert list(results.cells["classes"]) == [4, 32]
    for row, cell in zip(results.cells.to_dict("records"), results.grid.cells, strict=True):
        runs = results.runs(cell)
        assert row["runs"] == len(runs) == 6
        assert row["reg_mse"] == pytest.approx(runs["reg"].mean())
        assert row["ratio"] == pytest.approx((runs["reg+cls"] / runs["reg"]).median())
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
        assert row["control_wins"] == (runs["reg+cls"] < runs["control"]).mean()
        assert row["p_holm"] >= row["p"]
        assert np.isnan(row["published_reg"])  # this is not how the published runs were trained


def test_partial_results_hide_no_cell(tmp_path, finished):
    shutil.copy(finished, tmp_path / "s.sqlite")
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("DELETE FROM models WHERE classes = 32 OR function = 7")
    cells = study.read(small(), tmp_path / "s.sqlite").cells
    assert list(cells["runs"]) == [4, 0]
    assert cells["ratio"].isna().tolist() == [False, True]


def test_published_figures_stand_beside_the_papers_cells(tmp_path):
    cells = study.read(study.load("paper"), tmp_path / "none.sqlite").cells
    assert cells[["published_reg", "published_regcls", "published_wins"]].notna().all(axis=None)
    assert study.read(study.load("bins"), None).cells["published_reg"].notna().sum() == 12


def test_errors_per_range_are_means_over_runs(finished):
    results = study.read(small(), finished)
    cell, run = study.find_cell(results.grid, classes=4), results.grid.runs[3]
    with pytest.raises(study.GridError, match="2 cells"):
        study.find_cell(results.grid, sampling="severe")
    table = results.ranges(cell)
    assert table.groupby("role").size().to_dict() == {"control": 10, "reg": 10, "reg+cls": 10}
    assert table.groupby("role")["train"].sum().tolist() == pytest.approx([1, 1, 1])
    key = results.grid.models_of(cell)["reg"][3].key
    stored = json.loads(results.table.at[key, "ranges"])
    one = results.ranges(cell, run).query("role == 'reg'")
    assert one["mse"].tolist() == pytest.approx([e or math.nan for e in stored["mse"]], nan_ok=True)


def test_shipped_results_are_read_where_the_store_has_none(tmp_path, finished, monkeypatch):
    grid = small()
    study.read(grid, finished).export(tmp_path / "small.parquet")
    monkeypatch.setattr("regcls.study.results.SHIPPED", tmp_path)
    shipped = study.read(grid, tmp_path / "none.sqlite")
    assert shipped.source == "shipped"
    pd.testing.assert_frame_equal(shipped.cells, study.read(grid, finished).cells)


# The store and bad input


def test_a_damaged_store_is_told_kept_and_a_fresh_one_offered(tmp_path, finished):
    for name, broken in {
        "text": b"no database at all, but long enough to be looked at as one" * 50,
        "cut": finished.read_bytes()[:20_000],
    }.items():
        path = tmp_path / f"{name}.sqlite"
        path.write_bytes(broken)
        with pytest.raises(study.StoreDamaged, match="left unchanged; --fresh moves it aside"):
            study.Store(path)
        assert path.read_bytes() == broken
        with study.Store(path, fresh=True) as store:
            assert store.known() == {}
            assert store.moved.read_bytes() == broken


def test_a_healthy_store_is_not_put_aside(tmp_path, finished):
    shutil.copy(finished, tmp_path / "s.sqlite")
    with study.Store(tmp_path / "s.sqlite", fresh=True) as store:
        assert len(store.known()) == 24
        assert store.moved is None


def test_other_versions_and_other_programs_are_told(tmp_path, finished):
    shutil.copy(finished, tmp_path / "later.sqlite")
    with sqlite3.connect(tmp_path / "later.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(study.StoreError, match=r"another version .*schema 99, this version uses 1"):
        study.Store(tmp_path / "later.sqlite")
    with sqlite3.connect(tmp_path / "other.sqlite") as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(study.StoreError, match="another program"):
        study.Store(tmp_path / "other.sqlite")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(study.StoreError, match="cannot be created"):
        study.Store(tmp_path / "file" / "s.sqlite")
    with pytest.raises(study.StoreError, match="cannot be written"):
        study.Store(tmp_path)


def test_a_full_disk_stops_the_run_and_keeps_what_was_stored(tmp_path):
    with study.Store(tmp_path / "s.sqlite") as store:
        study.run(small(classes=[4]), store, jobs=1)
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(study.StoreError, match="the disk is full"):
            study.run(small(hidden=[[3], [4], [5]]), store, jobs=1)
        assert len(store.known()) >= 18


def test_results_come_back_as_they_went_in(tmp_path):
    model = small().models()[0]
    result = study_rows.Result(model, math.nan, 0.5, {"mse": [None]}, {"epoch": [1]}, 1.0, {})
    with study.Store(tmp_path / "s.sqlite") as store:
        assert store.add([result, result]) == 1
        assert store.add([replace(result, val_mse=0.9)]) == 0
        assert store.known() == {model.key: 0.5}
        (row,) = store.rows([model.key])
    values = dict(zip(study_rows.COLUMNS, row, strict=True))
    assert values["test_mse"] is None
    assert json.loads(values["ranges"]) == {"mse": [None]}
    assert values["config"] == model.config


# Commands


def run(*arguments):
    return RUNNER.invoke(app, ["study", *map(str, arguments)])


@pytest.mark.parametrize("command", ["plan", "run", "status", "show", "export"])
def test_help_and_json_everywhere(command):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert "--json" in done.stdout


def test_commands_from_plan_to_export(tmp_path):
    toml, store = tmp_path / "tiny.toml", tmp_path / "s.sqlite"
    toml.write_text(SMALL_TOML)
    of = ("--store", store, "--json")
    plan = json.loads(run("plan", toml, *of).stdout)
    assert (plan["models"], plan["regcls"], plan["done"]) == (24, 12, 0)
    assert plan["seconds"] > 0
    assert not store.exists()
    done = json.loads(run("run", toml, "--jobs", 1, *of).stdout)
    assert (done["done"], done["trained"], done["stopped"]) == (24, 24, False)
    status = json.loads(run("status", toml, *of).stdout)
    assert (status["done"], status["share"], status["running"]) == (24, 1, False)
    shown = json.loads(run("show", toml, *of).stdout)
    assert (shown["grid"], shown["models"], len(shown["cells"])) == ("tiny", 24, 2)
    assert shown["varied"] == ["classes"]
    for name in ("out.parquet", "out.csv"):
        assert json.loads(run("export", toml, tmp_path / name, *of).stdout)["models"] == 24
    assert run("export", toml, tmp_path / "less.parquet", "--compact", *of).exit_code == 0
    both = [pd.read_parquet(tmp_path / "out.parquet"), pd.read_csv(tmp_path / "out.csv")]
    assert both[0]["test_mse"].tolist() == pytest.approx(both[1]["test_mse"].tolist())
    assert both[0]["role"].value_counts().to_dict() == {"reg+cls": 12, "reg": 6, "control": 6}


def test_commands_in_words(tmp_path, finished):
    toml = tmp_path / "tiny.toml"
    toml.write_text(SMALL_TOML)
    of = ("--store", finished)
    assert "24 models, 12 of them reg+cls; 24 are stored" in run("plan", toml, *of).stdout
    assert "24 of 24 models are stored, 100%." in run("status", toml, *of).stdout
    shown = run("show", toml, *of).stdout
    assert "tiny: 24 of 24 models" in shown
    assert "control_ratio" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan", "papre"), "did you mean 'paper'?"),
        (("plan", "zzz"), "choose from: architecture"),
        (("run", "nowhere.toml"), "There is no file nowhere.toml."),
        (("export", "quick", "out.csv"), "study run quick"),
        (("run", "quick", "--on-lost", "cry"), "On_lost must be one of local, stop"),
    ],
)
def test_bad_input_ends_with_a_sentence(tmp_path, arguments, message):
    done = run(*arguments, "--store", tmp_path / "s.sqlite")
    assert done.exit_code == BAD_INPUT
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_store_can_be_replaced_from_the_command_line(tmp_path):
    toml, store = tmp_path / "tiny.toml", tmp_path / "s.sqlite"
    toml.write_text(SMALL_TOML)
    store.write_bytes(b"torn" * 1000)
    told = run("run", toml, "--store", store)
    assert told.exit_code == BAD_INPUT
    assert "--fresh" in told.stderr
    done = run("run", toml, "--store", store, "--jobs", 1, "--fresh")
    assert done.exit_code == 0
    assert "The damaged store is now" in done.stderr
    assert "24 of them trained now" in done.stdout


def test_durations_in_a_persons_units():
    assert [duration(s) for s in (5, 600, 7260)] == ["5 s", "10 min", "2 h 01 min"]
