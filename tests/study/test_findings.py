"""The Study's sentences follow the results: other results, other sentences."""

from __future__ import annotations

import pandas as pd
import pytest

from regcls import study
from regcls.study import findings
from regcls.study.layout import BETTER, UNDECIDED, WORSE
from tests.helpers import study_store

GRID = study.load("quick")


def told(tmp_path, error=study_store.error_of, only=lambda m: True) -> str:
    store = study_store.make(GRID, tmp_path / "s.sqlite", error, only)
    return "\n".join(findings.advice(study.read(GRID, store)))


def test_nothing_trained_nothing_said(tmp_path):
    results = study.read(GRID, tmp_path / "none.sqlite")
    assert findings.advice(results) == ["Nothing is trained yet, so there is nothing to say."]
    assert findings.published(results) == []


def test_a_gain_that_the_loss_scale_explains(tmp_path):
    words = told(tmp_path)
    assert "**Against plain reg**, reg+cls is better in 4" in words
    assert "**Try the loss scale first.**" in words
    assert "lowers its error in 2 of 2 settings" in words
    assert "in none of these settings is it shown to be better" in words


def test_a_gain_of_the_classes_themselves(tmp_path):
    words = told(tmp_path, lambda m: study_store.error_of(m) * (0.6 if m.classes == 64 else 1))
    assert "it beats the control in 2 settings" in words
    assert "4: 0 better, 0 worse of 2; 64: 2 better, 0 worse of 2" in words
    assert "C = 64 (ratio 0.6" in words or "C = 64 (ratio 0.5" in words


def test_harm_is_said(tmp_path):
    words = told(tmp_path, lambda m: study_store.error_of(m) * (2 if m.classes else 1))
    assert "reg+cls is better in 0, worse in 4" in words


def test_too_few_functions_decide_nothing(tmp_path):
    words = told(tmp_path, only=lambda m: m.function < 3)
    assert "better in 0, worse in 0 and undecided in 4" in words
    assert "helps beyond doubt in none of 2 settings" in words


@pytest.mark.parametrize(("factor", "same", "other"), [(1.0, 2, 0), (3.0, 0, 2)])
def test_published_figures_agree_or_do_not(tmp_path, factor, same, other):
    error = lambda m: study_store.error_of(m) * (factor if m.classes else 1)
    only = lambda m: m.scenario == "clean" and m.sampling == "severe" and m.classes in (0, 4, 16)
    grid = study.load("paper")
    store = study_store.make(grid, tmp_path / "s.sqlite", error, only)
    words = "\n".join(findings.published(study.read(grid, store)))
    assert "favour reg+cls in 2 of 2 settings" in words
    assert f"decide the same way in {same}, the other way in {other}" in words
    assert ("Where they disagree" in words) == bool(other)
    assert "remain once reg has the same loss scale" in words


def test_of_a_tuned_grid_only_rows_with_a_decision_are_listed():
    rows = [("clean", BETTER), ("clean", UNDECIDED), ("noisy", UNDECIDED), ("ood", WORSE)]
    table = pd.DataFrame(rows, columns=["row", "state"])
    assert findings._by_row(table) == [
        "Where it is decided: clean: 1 better, 0 worse of 2; ood: 0 better, 1 worse of 1."
    ]
    assert findings._by_row(table[table["state"] == UNDECIDED]) == []
