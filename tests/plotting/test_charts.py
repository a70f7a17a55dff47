"""Charts: valid specs, stable between redraws, colours and words in one place."""

import json

import numpy as np
import pandas as pd
import pytest

from regcls.lab import charts as lab_charts
from regcls.plotting import errors
from regcls.plotting.style import COLOURS
from regcls.stats.errors import ErrorReport


@pytest.fixture
def report():
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 0.7, 300)  # the last ranges hold no test sample
    return ErrorReport.from_predictions(
        y,
        {"reg": y + rng.normal(0, 0.1, 300), "reg+cls": y + rng.normal(0, 0.1, 300)},
        np.linspace(0, 1, 11),
        y_train=rng.uniform(0, 1, 500),
        resamples=50,
    )


def bands(name: str, shift: float = 0.0) -> pd.DataFrame:
    at = np.arange(4.0)
    frames = [
        pd.DataFrame(
            {name: at, "model": m, "median": at + 1 + shift, "low": at + 0.5, "high": at + 2}
        )
        for m in COLOURS
    ]
    return pd.concat(frames)


def test_ranges_without_test_samples_are_gaps(report):
    points = errors.errors_picture(report, "years", "age").data["errors"]
    assert points["high"].max() <= 0.7 + 1e-9
    assert (points["test"] > 0).all()


def test_own_values_and_photos_join_the_chart(report):
    chart = errors.errors_per_range(report, "years", "age", mark=[0.2, 0.4], extra=report).to_dict()
    assert [row["at"] for row in chart["datasets"]["mark"]] == [0.2, 0.4]
    assert "diamond" in json.dumps(chart)
    assert "age (years)" in json.dumps(chart)


def test_chart_without_training_data_has_one_axis():
    report = ErrorReport.from_predictions([1.0, 2.0], {"reg": [1.0, 3.0]}, [0, 1.5, 3])
    assert "training" not in errors.errors_picture(report, "", "y").data


def test_unknown_metric_names_the_known(report):
    with pytest.raises(ValueError, match="mae, rmse, bias"):
        errors.errors_picture(report, "", "y", metric="mape")


def test_redraw_keeps_the_spec_and_changes_the_data():
    first, second = (
        lab_charts.history(bands("epoch"), 80, 10),
        lab_charts.history(bands("epoch", 1), 80, 10),
    )
    assert first.spec == second.spec
    assert not first.data["history"].equals(second.data["history"])


def test_pictures_print(report):
    picture = errors.errors_picture(report, "years", "age")
    assert picture.png().startswith(b"\x89PNG")
    svg = picture.svg().decode()
    assert "age (years)" in svg
    assert COLOURS["reg"].lower() in svg.lower()


def test_class_probabilities_need_one_edge_more():
    chart = errors.probabilities(np.arange(4.0), np.array([0.2, 0.5, 0.3]), "years", mark=1.0)
    assert [r["share"] for r in chart.to_dict()["datasets"]["probability"]] == [0.2, 0.5, 0.3]
    with pytest.raises(ValueError, match="one more"):
        errors.probabilities(np.arange(3.0), np.array([0.2, 0.5, 0.3]), "years")


def test_models_differ_in_more_than_colour():
    spec = json.dumps(lab_charts.history(bands("epoch"), 80, 10).spec)
    assert "strokeDash" in spec
    assert len(set(COLOURS.values())) == 3
