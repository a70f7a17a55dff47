"""The store: claims, damaged files, other versions, and results as they were stored."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from regcls import study
from regcls.study.rows import COLUMNS, Result
from tests.helpers.study_grids import small


def test_only_live_runners_hold_their_claims(tmp_path):
    models = small().models()
    with study.Store(tmp_path / "s.sqlite") as store:
        first, second = store.start("small"), store.start("small")
        assert store.claim(first, models[:4]) == models[:4]
        assert store.claim(second, models[:6]) == models[4:6]
        with store._writing() as db:  # as if it had sent no heartbeat for a while
            db.execute("UPDATE runners SET heard = heard - 1000 WHERE id = ?", (first,))
        assert store.claim(second, models[:4]) == models[:4]
        gone = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"],
            capture_output=True,
            text=True,
            check=True,
        )
        with store._writing() as db:
            db.execute("UPDATE runners SET pid = ? WHERE id = ?", (int(gone.stdout), second))
        assert store.runners() == []


def test_a_damaged_store_is_reported_kept_and_replaced_on_request(tmp_path, finished):
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


def test_an_intact_store_is_not_moved(tmp_path, finished):
    shutil.copy(finished, tmp_path / "s.sqlite")
    with study.Store(tmp_path / "s.sqlite", fresh=True) as store:
        assert len(store.known()) == 24
        assert store.moved is None


def test_files_of_other_versions_and_programs_are_rejected(tmp_path, finished):
    shutil.copy(finished, tmp_path / "later.sqlite")
    with sqlite3.connect(tmp_path / "later.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(study.StoreError, match=r"another version .*schema 99, this version uses 1"):
        study.Store(tmp_path / "later.sqlite")
    with sqlite3.connect(tmp_path / "other.sqlite") as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(study.StoreError, match="another program"):
        study.Store(tmp_path / "other.sqlite")


def test_a_path_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(study.StoreError, match="cannot be created"):
        study.Store(tmp_path / "file" / "s.sqlite")
    with pytest.raises(study.StoreError, match="cannot be written"):
        study.Store(tmp_path)


def test_results_are_read_as_they_were_stored(tmp_path):
    model = small().models()[0]
    result = Result(model, math.nan, 0.5, {"mse": [None]}, {"epoch": [1]}, 1.0, {})
    with study.Store(tmp_path / "s.sqlite") as store:
        assert store.add([result, result]) == 1
        assert store.add([replace(result, val_mse=0.9)]) == 0
        assert store.known() == {model.key: 0.5}
        (row,) = store.rows([model.key])
    values = dict(zip(COLUMNS, row, strict=True))
    assert values["test_mse"] is None
    assert json.loads(values["ranges"]) == {"mse": [None]}
    assert values["config"] == model.config
