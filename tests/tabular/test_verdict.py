"""The verdict in words: gains, losses, equality, the control, trees, and no significant difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regcls.stats.verdicts import BETTER, EQUAL, UNDECIDED, WORSE
from regcls.tabular import verdict
from regcls.tabular.fold import FoldResult
from regcls.tabular.methods import KINDS
from regcls.tabular.plan import DEFAULT_SETTING
from regcls.tabular.results import PRIMARY, RANGES, REMEDIES, Results
from tests.helpers.small_comparison import small_plan


def results_of(
    count: int = 5, noise: float = 0.05, constant: float | None = None, **errors: float
) -> Results:
    """Return results for absolute errors per kind (by default 1), with noise of its own for each.

    The constant is off by 50 or more, unless it is given.
    """
    plan = small_plan()
    assigned, rng = plan.folds(0), np.random.default_rng(0)
    shared = 1 + 0.05 * rng.random(len(assigned))
    folds = []
    for fold in range(count):
        test = np.flatnonzero(assigned == fold)
        y = plan.problem.y[test]
        predictions = {}
        for kind in KINDS:
            error = errors.get(kind.replace("+", "").replace("-", "_"), 1.0)
            own = 1 + noise * rng.normal(size=len(test))
            predictions[kind] = y + error * shared[test] * own
        selected = dict.fromkeys(KINDS, DEFAULT_SETTING)
        median = float(y.max() + 50) if constant is None else constant
        folds.append(FoldResult(0, fold, test, predictions, selected, median))
    return Results(plan, folds)


def verdict_of(count: int = 5, noise: float = 0.05, **errors: float) -> verdict.Verdict:
    return verdict.verdict(results_of(count, noise, **errors))


RECOMMENDING = ("worthwhile", "all that is needed", "simplest method")


@pytest.mark.parametrize("regcls", [2.0, 3.0, 5.0])
@pytest.mark.parametrize("trees", [3.0, 9.0])
def test_nothing_is_recommended_where_no_model_beats_the_median(regcls, trees):
    """The median is off by about 1, the networks by 3 or more."""
    median = float(np.median(small_plan().problem.y))
    others = {k.replace("+", "").replace("-", "_"): 3.0 for k in KINDS}
    errors = others | {"regcls": regcls, "trees": trees}
    found = verdict.verdict(results_of(constant=median, **errors))
    text = " ".join((*found.points, found.first))
    assert found.points[0].startswith("No model is significantly better than predicting the median")
    assert not any(words in text for words in RECOMMENDING)
    assert found.first.startswith("Look for better columns first")


def test_only_trees_are_recommended_where_only_they_beat_the_median():
    median = float(np.median(small_plan().problem.y))
    errors = {k.replace("+", "").replace("-", "_"): 3.0 for k in KINDS} | {"trees": 0.01}
    found = verdict.verdict(results_of(constant=median, **errors))
    text = " ".join((*found.points, found.first))
    assert found.points[0].startswith("Only gradient-boosted trees are significantly better")
    assert not any(words in text for words in RECOMMENDING)
    assert found.first.startswith("Try gradient-boosted trees first")


def test_one_fold_is_singular_and_the_finding_begins_the_headline():
    early = verdict_of(1)
    assert early.headline == early.finding == "Too early for a result: 1 fold is finished."
    found = verdict_of(regcls=0.8)
    assert found.headline.startswith(f"{found.finding} The smallest change")


def test_a_clear_gain_has_its_size_and_the_methods_that_do_as_well():
    found = verdict_of(regcls=0.8, sqrt_inverse=0.8)
    assert (
        "adding classification (most often with 16 equalized bins) lowers the balanced MAE by "
    ) in found.headline
    text = " ".join(found.points)
    assert "Compared with the control (reg with a tuned loss scale), classification lowers" in text
    assert "a significant gain for targets from" in text
    assert "square-root weights by " in text and "compared with the control" in text
    assert "reg+cls is not significantly better than any of them" in text
    assert "so a network is worthwhile" in text
    assert found.first == (
        "Try square-root weights first: it is the simplest method that is significantly better "
        "than the control and not significantly worse than reg+cls."
    )


def test_methods_that_classification_beats_are_named():
    found = verdict_of(regcls=0.5, lds=0.8)
    assert "reg+cls is significantly better than LDS weights." in " ".join(found.points)
    assert found.first.startswith("Try reg+cls first")


def test_the_control_may_explain_the_whole_gain():
    found = verdict_of(regcls=0.8, control=0.8)
    assert "tuning the loss scale may be all that is needed" in found.points[0]
    assert found.first.startswith("Try the control")


def test_remedies_are_compared_with_the_control_and_not_with_reg():
    """Their loss scale is tuned, as the control's is."""
    found = verdict_of(control=0.8, lds=0.8, bmc=0.8)
    text = " ".join(found.points)
    assert (
        f"None of the other {len(REMEDIES)} methods significantly lowers the balanced MAE" in text
    )
    assert found.first.startswith("Try the control")


def test_a_loss_and_better_trees_are_reported():
    found = verdict_of(regcls=1.3, trees=0.5)
    assert "raises the balanced MAE by 3" in found.headline
    assert any("trees have a lower balanced MAE" in point for point in found.points)
    assert found.first == "Try gradient-boosted trees first."


def test_equal_methods_are_called_practically_equal():
    found = verdict_of(noise=0.01)
    assert "reg and reg+cls are practically equal (within ±5%)" in found.headline
    assert "reg+cls is practically equal (within ±5%)" in found.points[0]
    assert "includes zero" not in found.headline
    assert found.first.startswith("Try plain reg first")


def test_no_difference_is_never_called_one():
    found = verdict_of(noise=0.5)
    assert "no significant difference" in found.headline and "includes zero" in found.headline
    assert "No single target range" in " ".join(found.points)
    assert found.first.startswith("Try plain reg first")


def test_the_headline_has_the_smallest_detectable_change():
    results = results_of(noise=0.5)
    smallest = results.difference("reg+cls", "reg").smallest
    headline = verdict.verdict(results).headline
    assert f"80% of such comparisons would detect is {100 * smallest:.0f}%." in headline


def test_fewer_folds_than_one_repeat_are_too_early():
    found = verdict_of(4, regcls=0.5)
    assert found.headline == "Too early for a result: 4 folds are finished."
    assert found.points == () and found.first == "Wait for more folds."


def test_results_before_the_last_fold_are_marked_as_interim():
    results = results_of()
    longer = replace(results.plan, budget=replace(results.plan.budget, repeats=2))
    found = verdict.verdict(Results(longer, results.folds))
    assert found.points[0].startswith("This is an interim result after 5 of 10 folds")
    assert "interim" not in " ".join(verdict.verdict(results).points)


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("error", [0.8, 0.9, 0.97, 1.0, 1.05, 1.2])
def test_sentence_interval_and_verdict_never_disagree(noise, error):
    results = results_of(noise=noise, regcls=error)
    main = results.difference("reg+cls", "reg")
    excludes_zero = main.low > 0 or main.high < 0
    assert excludes_zero == (main.share_low > 0 or main.share_high < 0)
    if main.verdict in (BETTER, WORSE, UNDECIDED):
        assert excludes_zero == (main.verdict != UNDECIDED)
    margin = 0.05 * min(1, 1 + main.share)
    assert (main.verdict == EQUAL) == (-margin < main.share_low and main.share_high < margin)
    words = {BETTER: "lowers", WORSE: "raises", EQUAL: "practically equal", UNDECIDED: "includes"}
    headline = verdict.verdict(results).headline
    assert [word in headline for word in words.values()].count(True) == 1
    assert words[main.verdict] in headline
    table = results.ranges()
    for (_, other, k), found in results.family(RANGES).items():
        assert table.at[k, f"{other}_verdict"] == found.verdict
    rows = results.comparisons().query("metric == 'balanced_mae' and family == @PRIMARY")
    assert rows["verdict"].tolist() == [d.verdict for d in results.family(PRIMARY).values()]
