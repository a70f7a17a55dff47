"""The verdict in words: gains, losses, the control, trees, and no significant difference."""

from __future__ import annotations

import numpy as np

from regcls.tabular import verdict
from regcls.tabular.comparison import Results
from regcls.tabular.fold import FoldResult
from regcls.tabular.plan import DEFAULT_SETTING, KINDS
from tests.helpers.small_comparison import small_plan


def verdict_of(**errors: float) -> verdict.Verdict:
    """Return the verdict for absolute errors per kind (by default 1), with a little noise."""
    plan = small_plan()
    assigned, rng = plan.folds(0), np.random.default_rng(0)
    noise = 1 + 0.05 * rng.random(len(assigned))
    folds = []
    for fold in range(5):
        test = np.flatnonzero(assigned == fold)
        y = plan.problem.y[test]
        predictions = {}
        for kind in KINDS:
            error = errors.get(kind.replace("+", "").replace("-", "_"), 1.0)
            predictions[kind] = y + error * noise[test] * (1 + 0.02 * rng.random(len(test)))
        selected = dict.fromkeys(KINDS, DEFAULT_SETTING)
        folds.append(FoldResult(0, fold, test, predictions, selected, {}, float(y.max() + 50)))
    return verdict.verdict(Results(plan, folds))


def test_a_clear_gain_has_its_size_and_the_methods_that_do_as_well():
    found = verdict_of(regcls=0.8, sqrt_inverse=0.8)
    assert (
        "adding classification (most often with 16 equalized bins) lowers the balanced MAE by 20 % ["
    ) in found.headline
    text = " ".join(found.points)
    assert "Compared with the control (reg with a tuned loss scale), classification lowers" in text
    assert "a clear gain for targets from" in text and "(100% of the rows)" in text
    assert "square-root weights by 20 %" in text
    assert "reg+cls is not clearly better than any of them" in text
    assert "so a network is worthwhile" in text
    assert found.first.startswith("Try square-root weights first")


def test_methods_that_classification_beats_are_named():
    text = " ".join(verdict_of(regcls=0.5, lds=0.8).points)
    assert "reg+cls is clearly better than LDS weights." in text


def test_the_control_may_explain_the_whole_gain():
    found = verdict_of(regcls=0.8, control=0.8)
    assert "tuning the loss scale may be all that is needed" in found.points[0]
    assert found.first.startswith("Try the control")


def test_a_loss_and_better_trees_are_reported():
    found = verdict_of(regcls=1.3, trees=0.5)
    assert "raises the balanced MAE by 30 % [" in found.headline
    assert any("trees have a lower balanced MAE" in point for point in found.points)
    assert found.first == "Try gradient-boosted trees first."


def test_other_methods_come_with_a_note_on_multiple_comparisons():
    text = " ".join(verdict_of(lds=0.7).points)
    assert "6 methods are not corrected for multiple comparisons" in text


def test_no_difference_is_never_called_one():
    found = verdict_of()
    assert "no significant difference" in found.headline and "includes zero" in found.headline
    assert "No single target range" in " ".join(found.points)
    assert found.first.startswith("Try plain reg first")
