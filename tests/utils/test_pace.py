"""Estimates are scaled by what earlier runs on this machine have taken."""

from __future__ import annotations

import math

import pytest

from regcls.utils import pace


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    path = tmp_path / "cache" / "pace.json"
    monkeypatch.setenv(pace.PACE, str(path))
    return path


def test_without_runs_an_estimate_stays_as_it_is():
    assert pace.corrected("study", 20.0) == 20.0


def test_a_run_that_took_longer_scales_the_next_estimate_of_its_kind():
    pace.record("study", estimated=20.0, taken=73.0)
    assert pace.corrected("study", 20.0) == pytest.approx(73.0)
    assert pace.corrected("table", 5.0) == 5.0


def test_the_latest_and_longest_runs_count_most():
    pace.record("study", 10.0, 40.0)
    pace.record("study", 10.0, 10.0)
    assert pace.factor("study") == pytest.approx(30 / 15)
    pace.record("study", 1000.0, 1000.0)
    assert pace.factor("study") == pytest.approx(1.0, abs=0.01)


def test_a_disturbed_run_cannot_make_estimates_absurd():
    pace.record("study", 1.0, 1e6)
    assert pace.factor("study") == 20.0


@pytest.mark.parametrize("taken", [0.0, -1.0, math.inf, math.nan])
def test_times_that_mean_nothing_are_not_recorded(file, taken):
    pace.record("study", 1.0, taken)
    assert not file.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"study": 3}', '{"study": [0, 1]}'])
def test_a_file_that_cannot_be_used_is_replaced(file, content):
    file.parent.mkdir()
    file.write_text(content)
    assert pace.factor("study") == 1.0
    pace.record("study", 2.0, 4.0)
    assert pace.factor("study") == 2.0


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(pace.PACE, str(tmp_path / "file" / "pace.json"))
    pace.record("study", 1.0, 2.0)
    assert pace.factor("study") == 1.0
