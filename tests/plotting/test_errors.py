"""The error chart and the class head's probabilities: gaps, extra data, captions and images."""

import json

import numpy as np
import pytest

from regcls.plotting import errors
from regcls.plotting.style import COLOURS
from regcls.stats.errors import ErrorReport


@pytest.fixture
def report():
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 0.7, 300)  # no test sample in the last ranges
    return ErrorReport.from_predictions(
        y,
        {"reg": y + rng.normal(0, 0.1, 300), "reg+cls": y + rng.normal(0, 0.1, 300)},
        np.linspace(0, 1, 11),
        y_train=rng.uniform(0, 1, 500),
        resamples=50,
    )


def test_ranges_without_test_samples_are_gaps(report):
    points = errors.errors_per_range(report, "years", "age").data["errors"]
    assert points["high"].max() <= 0.7 + 1e-9
    assert (points["test"] > 0).all()


def test_own_values_and_photos_join_the_chart(report):
    picture = errors.errors_per_range(report, "years", "age", mark=[0.2, 0.4], extra=report)
    chart = picture.chart().to_dict()
    assert [row["at"] for row in chart["datasets"]["mark"]] == [0.2, 0.4]
    assert "diamond" in json.dumps(chart)
    assert "age (years)" in json.dumps(chart)
    assert "Diamonds: your own data." in picture.caption


def test_chart_without_training_data_shows_the_test_histogram():
    report = ErrorReport.from_predictions([1.0, 2.0], {"reg": [1.0, 3.0]}, [0, 1.5, 3])
    picture = errors.errors_per_range(report, "", "y")
    assert "training" not in picture.data
    assert picture.data["test"]["samples"].tolist() == [1, 1]
    assert "training targets are not known" in picture.caption


def test_unknown_metric_lists_the_known_ones(report):
    with pytest.raises(ValueError, match="mae, rmse, bias"):
        errors.errors_per_range(report, "", "y", metric="mape")


def test_pictures_can_be_saved_as_images(report):
    picture = errors.errors_per_range(report, "years", "age")
    assert picture.png().startswith(b"\x89PNG")
    svg = picture.svg().decode()
    assert "age (years)" in svg
    assert COLOURS["reg"].lower() in svg.lower()


def test_class_probabilities_need_one_edge_more():
    picture = errors.probabilities(np.arange(4.0), np.array([0.2, 0.5, 0.3]), "years", mark=1.0)
    datasets = picture.chart().to_dict()["datasets"]
    assert [row["share"] for row in datasets["probability"]] == [0.2, 0.5, 0.3]
    assert datasets["mark"] == [{"at": 1.0}]
    with pytest.raises(ValueError, match="one more"):
        errors.probabilities(np.arange(3.0), np.array([0.2, 0.5, 0.3]), "years")
