"""Charts of the error report."""

from __future__ import annotations

import pytest

from regcls.predictions import charts
from tests.helpers.prediction_report import make_report


def test_coverage_needs_prediction_intervals():
    with pytest.raises(ValueError, match="no prediction intervals"):
        charts.coverage(make_report())


def test_every_chart_is_drawn():
    report = make_report(category="site")
    pictures = [
        charts.distribution(report),
        charts.errors(report),
        charts.differences(report, "pred_poor", "pred_good"),
        charts.density(report, "pred_good"),
        charts.residuals(report),
    ]
    for picture in pictures:
        assert picture.caption and picture.png().startswith(b"\x89PNG")
