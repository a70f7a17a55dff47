"""The error report: figures by hand, the verdict, groups, segments and shots."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.predictions.columns import Columns, arrays
from regcls.predictions.ranges import edges
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
    assert report.imbalance.startswith(
        "2 of 2 ranges contain 80 % of the 4 test targets; the ratio of the largest to the smallest is 3"
    )


def test_the_verdict_follows_from_the_interval():
    assert make_report().verdict.startswith(
        "pred_good has a lower MAE than pred_poor: the difference is -"
    )
    frame = table()
    frame["pred_poor"] = frame["age"] + np.random.default_rng(9).normal(0, 1, len(frame))
    assert make_report(frame).verdict.startswith("No significant difference in MAE between")
    single = arrays(frame, Columns("age", ("pred_good",)))
    assert "select a second column" in Report(single, edges(single)).verdict


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
