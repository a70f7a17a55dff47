"""Coverage of prediction intervals: figures by hand, exact limits, and simulated error rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from regcls.predictions.columns import Columns, Limits, arrays
from regcls.predictions.coverage import ABOVE, BELOW, Coverage
from regcls.predictions.detection import detect
from regcls.predictions.interval_columns import IntervalColumns
from regcls.predictions.report import Report
from regcls.stats.verdicts import TOO_FEW, UNDECIDED
from tests.helpers.made_tables import table

EDGES = np.array([0.0, 10, 20])


def limits(y: np.ndarray, inside: np.ndarray, level: float = 0.9, width: float = 2.0) -> Limits:
    """Intervals of a width that contain the targets or lie beside them."""
    centre = y + np.where(inside, 0, width)
    return Limits(centre - width / 2, centre + width / 2, IntervalColumns("l", "u", "", level))


def of(inside: np.ndarray, y: np.ndarray, **options) -> Coverage:
    groups = options.pop("groups", None)
    return Coverage(y, {"reg": limits(y, inside, **options)}, EDGES, groups)


def test_coverage_worked_out_by_hand():
    y = np.r_[np.full(8, 5.0), np.full(4, 15.0)]
    found = of(np.array([1] * 6 + [0] * 2 + [1] * 4, bool), y, width=3.0)
    table = found.table()
    assert table["coverage"].tolist() == [0.75, 1.0] and table["test"].tolist() == [8, 4]
    assert table["width"].tolist() == [3, 3] and table["nominal"].tolist() == [0.9, 0.9]
    assert table["verdict"].tolist() == [UNDECIDED, TOO_FEW]
    assert np.isnan(table["coverage_low"].iloc[1])
    (overall,) = found.overall().to_dict("records")
    assert overall["coverage"] == pytest.approx(10 / 12) and overall["test"] == 12
    assert overall["balanced_coverage"] == pytest.approx((0.75 + 1) / 2)


def test_ends_belong_to_the_interval_and_a_row_without_one_is_not_counted():
    y = np.linspace(1, 19, 10)
    edges_of = Limits(y.copy(), y + 1, IntervalColumns("l", "u"))
    edges_of.lower[0] = np.nan
    edges_of.upper[1], edges_of.lower[1] = 0.0, 3.0  # the lower limit is above the upper one
    found = Coverage(y, {"reg": edges_of}, EDGES).overall().iloc[0]
    assert found["test"] == 9 and found["coverage"] == pytest.approx(8 / 9)


def test_limits_and_p_values_are_exact():
    """One range: the overall coverage has half of the error rate, range and balance a quarter."""
    rng = np.random.default_rng(0)
    y, inside = np.full(200, 5.0), rng.random(200) < 0.8
    y[0] = 5.1
    found = Coverage(y, {"reg": limits(y, inside)}, np.array([0.0, 10])).overall().iloc[0]
    test = stats.binomtest(int(inside.sum()), 200, 0.9)
    assert found["verdict"] == BELOW
    exact = stats.binomtest(int(inside.sum()), 200).proportion_ci(1 - 0.05 / 2)
    assert (found["coverage_low"], found["coverage_high"]) == pytest.approx(tuple(exact), abs=1e-6)
    tail = 2 * stats.binom.cdf(inside.sum(), 200, 0.9)
    assert found["p"] == pytest.approx(2 * tail, rel=1e-3)
    assert test.pvalue < 0.05


@pytest.mark.parametrize(("rate", "verdict"), [(0.6, BELOW), (1.0, ABOVE), (0.9, UNDECIDED)])
def test_the_verdict_follows_from_the_interval(rate, verdict):
    y = np.tile([5.0, 15.0], 100)
    found = of(np.arange(200) % 10 < 10 * rate, y)
    assert found.overall()["verdict"].tolist() == [verdict]
    for row in found.table().to_dict("records"):
        excludes = row["coverage_high"] < 0.9, row["coverage_low"] > 0.9
        assert {BELOW: (True, False), ABOVE: (False, True), UNDECIDED: (False, False)}[
            row["verdict"]
        ] == excludes
    assert f"{100 * rate:.0f}% of 200 targets" in found.sentences()[0]


def test_groups_widen_the_limits():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(30), 20)
    inside = (rng.random(30) < 0.8)[group]
    y = rng.uniform(0, 20, 600)
    alone, grouped = of(inside, y).overall().iloc[0], of(inside, y, groups=group).overall().iloc[0]
    widths = [row["coverage_high"] - row["coverage_low"] for row in (alone, grouped)]
    assert widths[1] > 3 * widths[0] and grouped["units"] == 30
    assert grouped["verdict"] == UNDECIDED
    few = of(inside[:100], y[:100], groups=group[:100]).overall().iloc[0]
    assert (
        few["verdict"] == TOO_FEW
        and "too few groups" in of(inside[:100], y[:100], groups=group[:100]).sentences("groups")[0]
    )


def simulated(seed: int, rows: int, models: int, groups: int, level: float = 0.9) -> Coverage:
    """Coverage of correct intervals; errors of a group resemble each other."""
    rng = np.random.default_rng((seed, rows, models, groups))
    y, group = rng.exponential(3, rows), None
    if groups:
        group = rng.integers(0, groups, rows)
        y = np.abs(rng.exponential(3, groups)[group] + rng.normal(0, 0.5, rows))
    y = np.minimum(y, 9.99)
    reach, made = stats.norm.isf((1 - level) / 2), {}
    for k in range(models):
        error = rng.normal(size=rows)
        if groups:
            error = np.sqrt(0.3) * rng.normal(size=groups)[group] + np.sqrt(0.7) * error
        columns = IntervalColumns("l", "u", "", level)
        made[f"m{k}"] = Limits(y + error - reach, y + error + reach, columns)
    return Coverage(y, made, np.arange(11.0), group)


@pytest.mark.parametrize(
    ("rows", "models", "groups", "reports"),
    [(100, 1, 0, 100), (1000, 4, 0, 60), (1000, 1, 30, 100)],
)
def test_correct_intervals_are_rarely_called_wrong(rows, models, groups, reports):
    """In at most 5% of reports; the bound leaves room for chance."""
    wrong = missed = 0
    for seed in range(reports):
        found = simulated(seed, rows, models, groups)
        overall = found.overall()
        verdicts = [*found.table()["verdict"], *overall["verdict"]]
        wrong += BELOW in verdicts or ABOVE in verdicts
        missed += not overall["balanced_low"].iloc[0] <= 0.9 <= overall["balanced_high"].iloc[0]
    assert wrong <= 0.09 * reports and missed <= 0.05 * reports


def test_a_range_with_too_narrow_intervals_is_found():
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 20, 600)
    error = rng.normal(size=600) * np.where(y > 10, 3, 1)
    reach = stats.norm.isf(0.05)
    made = Limits(y + error - reach, y + error + reach, IntervalColumns("l", "u", "", 0.9))
    found = Coverage(y, {"reg": made}, EDGES)
    assert found.table()["verdict"].tolist() == [UNDECIDED, BELOW]
    assert "Of 2 ranges, coverage is below nominal in 1 and above in 0" in found.sentences()[0]


def test_a_report_has_the_coverage_in_its_table():
    frame = table().assign(pred_good_std=1.0).drop(columns="pred_poor")
    frame = frame.rename(columns={"age": "y_true"})
    columns = detect(frame)
    report = Report(arrays(frame, columns), np.array([0.0, 20, 100]))
    assert report.coverage is not None
    assert report.coverage.overall()["coverage"].iloc[0] == pytest.approx(0.95, abs=0.03)
    assert report.table["width"].tolist() == pytest.approx([2 * 1.959964] * 2)
    plain = Report(arrays(frame, Columns("y_true", ("pred_good",))), np.array([0.0, 20, 100]))
    assert plain.coverage is None and "coverage" not in plain.table


def test_coverage_is_merged_by_range_where_one_model_has_intervals():
    frame = table().assign(pred_poor_std=3.0)
    columns = Columns(
        "age",
        ("pred_good", "pred_poor"),
        intervals=(IntervalColumns(std="pred_poor_std", model="pred_poor"),),
    )
    report = Report(arrays(frame, columns), np.array([0.0, 20, 100]))
    shown = pd.Series(report.table["coverage"].to_numpy(), report.table["model"])
    assert shown["pred_good"].isna().all() and shown["pred_poor"].notna().all()
    assert report.coverage is not None and report.coverage.to_dict()[0]["std"] == "pred_poor_std"
