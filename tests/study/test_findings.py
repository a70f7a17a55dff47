"""Findings: the sentences follow from the results."""

from __future__ import annotations

import pytest

from regcls import study
from regcls.study import findings
from regcls.study.summarise import summarise
from regcls.study.summary import Summary
from tests.helpers import study_store
from tests.helpers.study_grids import small

GRID = study.load("quick")


def made(tmp_path, error=study_store.error_of, only=lambda m: True, grid=GRID) -> Summary:
    store = study_store.make(grid, tmp_path / "s.sqlite", error, only)
    return summarise(study.read(grid, store))


def test_without_results_there_are_no_findings(tmp_path):
    results = study.read(GRID, tmp_path / "none.sqlite")
    found = summarise(results)
    assert (found.headline, found.points, found.published) == ("", (), ())
    assert findings.published(results) == []


def test_a_gain_that_the_loss_scale_explains(tmp_path):
    found = made(tmp_path)
    assert "a lower error than plain reg but" in found.headline
    assert "the control, which is reg with the same loss scale" in found.headline
    plain, control, scale, where = found.points
    assert plain.startswith("**Plain reg:**") and "better in 4 and worse in 0 of 4" in plain
    assert control.startswith("**Same loss scale:**") and "better in 0 and worse in 0" in control
    assert scale.startswith("**Loss scale alone:**") and scale.endswith(": better.")
    assert "no group of settings shows a significant difference from the control" in where


def test_a_gain_of_the_classes_themselves(tmp_path):
    error = lambda m: study_store.error_of(m) * (0.6 if m.classes == 64 else 1)
    found = made(tmp_path, error)
    assert found.headline.endswith(
        "a lower error than plain reg and a lower error than the control, which is reg with the "
        "same loss scale."
    )
    where = found.points[-1]
    assert "compared with the control, reg+cls is better for C = 64 (0." in where


def test_a_loss_is_reported(tmp_path):
    found = made(tmp_path, lambda m: study_store.error_of(m) * (2 if m.classes else 1))
    assert "a higher error than plain reg" in found.headline
    assert "significantly better in 0 and worse in 4 of 4 settings" in found.points[0]


def test_a_point_has_the_ratio_and_the_verdict_of_its_tile(tmp_path):
    found = made(tmp_path)
    for point, compared in zip(
        found.points, (found.comparisons[k] for k in ("reg", "control")), strict=False
    ):
        assert f"{compared.label} times as large: {compared.verdict};" in point


@pytest.mark.parametrize(
    "changes", [{"functions": [1, 4, 7]}, {"sampling": ["mild", "severe"]}, {"lr": [1e-3, 1e-2]}]
)
def test_at_most_four_points_of_one_sentence(tmp_path, changes):
    found = made(tmp_path, grid=small(**changes))
    assert 1 <= len(found.points) <= 4  # the page adds that of tuned models
    for point in (found.headline, *found.points):
        assert point.endswith((".", ")."))
        assert ". " not in point


def test_with_too_few_functions_nothing_is_significant(tmp_path):
    found = made(tmp_path, only=lambda m: m.function < 6)
    assert found.headline == "There are too few functions for a verdict yet (5)."
    assert all("too few functions for a verdict (5)." in point for point in found.points[:2])


def test_a_tuned_grid_names_its_search(tmp_path):
    only = lambda m: m.scenario == "clean" and m.sampling == "severe"
    found = made(tmp_path, only=only, grid=study.load("fair"))
    assert "when both sides are tuned with the same budget" in found.headline
    assert "of 6 settings (72 planned)" in found.points[0]
    assert any(point.startswith("**Easier to tune?**") for point in found.points)


@pytest.mark.parametrize(("factor", "same", "other"), [(1.0, 2, 0), (3.0, 0, 2)])
def test_agreement_with_the_published_figures(tmp_path, factor, same, other):
    error = lambda m: study_store.error_of(m) * (factor if m.classes else 1)
    only = lambda m: m.scenario == "clean" and m.sampling == "severe" and m.classes in (0, 4, 16)
    text = "\n".join(made(tmp_path, error, only, study.load("paper")).published)
    assert "favour reg+cls in 2 of 2 settings" in text
    assert f"Our results agree in {same}, disagree in {other}" in text
    assert ("**Disagreement:**" in text) == bool(other)
    assert "when reg has the same loss scale" in text
    assert ("remain significant" in text) == (factor == 1)
