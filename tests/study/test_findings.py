"""Findings: the sentences follow from the results."""

from __future__ import annotations

import pandas as pd
import pytest

from regcls import study
from regcls.study import findings
from regcls.study.layout import BETTER, NO_DIFFERENCE, WORSE
from tests.helpers import study_store

GRID = study.load("quick")


def advice(tmp_path, error=study_store.error_of, only=lambda m: True) -> str:
    store = study_store.make(GRID, tmp_path / "s.sqlite", error, only)
    return "\n".join(findings.advice(study.read(GRID, store)))


def test_without_results_there_are_no_findings(tmp_path):
    results = study.read(GRID, tmp_path / "none.sqlite")
    assert findings.advice(results) == ["No models are trained yet, so there are no findings."]
    assert findings.published(results) == []
    assert findings.headline(results) == findings.basis(results) == []


def test_a_gain_that_the_loss_scale_explains(tmp_path):
    text = advice(tmp_path)
    assert "**Compared with plain reg**, reg+cls is significantly better in 4 of 4" in text
    assert "**Try the loss scale first.**" in text
    assert "lowers its error in 2 of 2 settings" in text
    assert "no setting shows a significant gain over the same loss scale" in text


def test_a_gain_of_the_classes_themselves(tmp_path):
    text = advice(tmp_path, lambda m: study_store.error_of(m) * (0.6 if m.classes == 64 else 1))
    assert "it is significantly better than the control in 2 settings" in text
    assert "4 (0 better, 0 worse of 2), 64 (2 better, 0 worse of 2)" in text
    assert "C = 64 (ratio 0.6" in text or "C = 64 (ratio 0.5" in text
    assert "compared with the control (Holm-corrected over 4 groups): reg+cls is better for" in text


def test_a_loss_is_reported(tmp_path):
    text = advice(tmp_path, lambda m: study_store.error_of(m) * (2 if m.classes else 1))
    assert "reg+cls is significantly better in 0 of 4 settings and significantly worse in 4" in text


def test_the_pooled_effect_leads_with_its_interval_and_equivalence(tmp_path):
    results = study.read(GRID, study_store.make(GRID, tmp_path / "s.sqlite"))
    first, second = findings.headline(results)
    assert first.startswith("Compared with the control, the test MSE of reg+cls is ")
    assert "Equivalence within 5 % is" in first
    assert (
        "Compared with plain reg" in second and ": better. Equivalence within 5 % is not" in second
    )
    assert findings.basis(results) == [
        "Geometric mean over 4 of 4 settings; 95 % t-interval over 10 functions, for new functions "
        "and new training runs."
    ]


def test_with_too_few_functions_nothing_is_significant(tmp_path):
    text = advice(tmp_path, only=lambda m: m.function < 6)
    assert "worse in 0 (Holm-corrected); in 4, there are too few functions for a verdict" in text
    results = study.read(GRID, tmp_path / "s.sqlite")
    assert "too few data for a verdict (5 functions)." in findings.headline(results)[0]
    assert "lowers its error significantly in none of 2 settings" in text


@pytest.mark.parametrize(("factor", "same", "other"), [(1.0, 2, 0), (3.0, 0, 2)])
def test_agreement_with_the_published_figures(tmp_path, factor, same, other):
    error = lambda m: study_store.error_of(m) * (factor if m.classes else 1)
    only = lambda m: m.scenario == "clean" and m.sampling == "severe" and m.classes in (0, 4, 16)
    grid = study.load("paper")
    store = study_store.make(grid, tmp_path / "s.sqlite", error, only)
    text = "\n".join(findings.published(study.read(grid, store)))
    assert "favour reg+cls in 2 of 2 settings" in text
    assert f"Our results agree in {same}, disagree in {other}" in text
    assert ("**Disagreement:**" in text) == bool(other)
    assert "when reg has the same loss scale" in text
    assert ("remain significant" in text) == (factor == 1)


def test_a_tuned_grid_lists_only_rows_with_a_significant_difference():
    rows = [("clean", BETTER), ("clean", NO_DIFFERENCE), ("noisy", NO_DIFFERENCE), ("ood", WORSE)]
    table = pd.DataFrame(rows, columns=["row", "state"])
    assert findings._by_row(table) == [
        "Significant differences: clean (1 better, 0 worse of 2), ood (0 better, 1 worse of 1)."
    ]
    assert findings._by_row(table[table["state"] == NO_DIFFERENCE]) == []
