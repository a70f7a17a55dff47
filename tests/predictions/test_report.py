"""The error report: figures by hand, the verdict, groups, segments and shots."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.predictions.columns import Arrays, Columns, arrays
from regcls.predictions.ranges import target_ranges
from regcls.predictions.report import Report
from tests.helpers.made_tables import table
from tests.helpers.prediction_report import make_report


def test_errors_worked_out_by_hand():
    frame = pd.DataFrame({"y": [0.0, 1, 2, 10], "a": [1.0, 1, 2, 6], "b": [0.0, 1, 2, 10]})
    found = arrays(frame, Columns("y", ("a", "b")))
    report = Report(found, np.array([0.0, 5, 10]))
    errors = report.errors.table().set_index(["model", "low"])["mae"]
    assert errors[("a", 0.0)] == pytest.approx(1 / 3) and errors[("a", 5.0)] == 4
    assert report.overall.set_index("model").loc["a", "balanced_mae"] == pytest.approx(
        (1 / 3 + 4) / 2
    )
    assert report.worst["row"].tolist() == [4, 1, 2, 3]
    assert report.worst["largest error"].tolist() == [4, 1, 0, 0]
    assert report.imbalance == (
        "2 of 2 ranges contain 80% of the 4 test targets. Imbalance ratio 3 (targets per unit: most "
        "in 0 to 5, fewest in 5 to 10)."
    )


def test_the_verdict_follows_from_the_interval():
    assert make_report().verdict.startswith(
        "pred_good has a lower MAE than pred_poor: the difference is −"
    )
    frame = table()
    frame["pred_poor"] = frame["age"] + np.random.default_rng(9).normal(0, 1, len(frame))
    assert make_report(frame).verdict.startswith("No significant difference in MAE between")
    found = arrays(frame, Columns("age", ("pred_good", "pred_poor")))
    verdict = Report(found, target_ranges(found)).verdict
    assert "Balanced over the ranges: no significant difference in MAE between" in verdict
    single = arrays(frame, Columns("age", ("pred_good",)))
    assert "select a second column" in Report(single, target_ranges(single)).verdict


def test_groups_widen_the_intervals():
    frame = pd.concat([table(40)] * 10, ignore_index=True)
    single, grouped = make_report(frame), make_report(frame, group="id")
    widths = [
        report.overall["mae_high"].to_numpy() - report.overall["mae_low"].to_numpy()
        for report in (single, grouped)
    ]
    assert (widths[1] > 2 * widths[0]).all()


def test_bands_and_density_contain_every_row():
    report = make_report()
    assert report.density.groupby("model")["count"].sum().tolist() == [400, 400]
    poor = report.bands[report.bands["model"] == "pred_poor"].sort_values("low")
    assert poor["q50"].iloc[-1] < -2 < poor["q50"].iloc[0]  # rare targets are underestimated
    assert (poor["q10"] <= poor["q50"]).all() and (poor["q50"] <= poor["q90"]).all()


def test_each_category_is_a_segment():
    report = make_report(category="site")
    assert set(report.segments["segment"]) == {"north", "south"}
    assert report.segments.groupby("model")["test"].sum().tolist() == [400, 400]


def test_shots_come_with_their_thresholds():
    labels, words = make_report().shot_names
    assert set(labels) == {"many", "medium", "few"} and "more than 100 test targets" in words
    big = table(40_000)
    labels, words = make_report(big[big["age"] < 40]).shot_names
    assert "largest range" in words and "few" in labels


def test_five_rows_are_too_few_for_a_verdict():
    y = np.arange(5.0)
    report = Report(Arrays(y, {"a": y + 0.5, "b": y + 1}, np.arange(5)), np.array([0.0, 4]))
    assert report.verdict.startswith("Too few rows to compare the MAE of a and b")
    assert "[" not in report.verdict and np.isnan(report.overall["mae_low"]).all()


def test_many_models_are_summarised():
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 10, 400)
    predictions = {f"m{i}": y + rng.normal(0, 1 + (i > 4), 400) for i in range(8)}
    first, tally, *_ = Report(
        Arrays(y, predictions, np.arange(400)), np.array([0.0, 5, 10])
    ).verdict_parts
    assert "has the lowest MAE. Compared with the others: " in first
    assert "better (m5, m6, m7)" in first and "no significant difference (" in first
    assert tally.startswith("Of 14 comparisons per range, m")


def test_the_margin_makes_models_practically_equal():
    rng = np.random.default_rng(0)
    y, noise = rng.uniform(0, 10, 4000), rng.normal(size=4000)
    found = Arrays(y, {"a": y + noise, "b": y + noise + rng.normal(0, 0.1, 4000)}, np.arange(4000))
    cut = np.array([0.0, 10])
    assert "practically equal in MAE (within ±5%)" in Report(found, cut).verdict
    assert "practically equal" not in Report(found, cut, margin=0.0).verdict


def test_cautions_name_a_single_rare_range_and_a_dominated_rmse():
    rng = np.random.default_rng(0)
    y = np.r_[rng.uniform(0, 10, 500), rng.uniform(80, 90, 8)]
    error = rng.normal(size=508)
    error[:3] = 40
    found = Arrays(y, {"a": y + error}, np.arange(508))
    rare, heavy = Report(found, target_ranges(found, "edges", own="0,5,10,90")).cautions
    assert "in a single range" in rare and heavy.startswith("RMSE of a: the largest 1%")
