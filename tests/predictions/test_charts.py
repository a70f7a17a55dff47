"""Charts of the error report."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.predictions import charts
from regcls.predictions.columns import Arrays
from regcls.predictions.report import Report
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


@pytest.mark.parametrize("known", [True, False])
def test_the_legend_of_targets_names_what_is_known(known):
    y = np.linspace(0, 10, 60)
    arrays = Arrays(y, {"reg": y + 1}, np.arange(60), train=y if known else None)
    spec = charts.distribution(Report(arrays, np.array([0.0, 5, 10]))).spec
    domain = spec["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert domain == (["training", "test"] if known else ["test"])
