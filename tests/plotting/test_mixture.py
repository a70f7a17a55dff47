"""The chart of errors from natural to balanced targets, and its slider in an HTML file."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.plotting.mixture import SLIDER, reweighted, with_slider
from regcls.stats.errors import ErrorReport


def crossing() -> ErrorReport:
    """Report in which b is better on the rare targets only."""
    y = np.r_[np.linspace(0, 1, 90), np.linspace(1, 2, 10)]
    a, b = np.where(y < 1, 1.0, 4.0), np.where(y < 1, 1.5, 2.0)
    return ErrorReport.from_predictions(y, {"a": y + a, "b": y + b}, [0, 1, 2])


def test_the_points_are_the_errors_at_the_share():
    report = crossing()
    picture = reweighted(report, "years", 0.25)
    assert dict(picture.data["now"][["model", "mae"]].to_numpy()) == report.mixture.at(0.25)
    (flip,) = picture.data["flips"].to_dict("records")
    assert flip["model"] == "b"
    assert report.mixture.at(flip["balance"])["a"] == pytest.approx(flip["mae"], rel=0.01)
    assert "b has" in picture.caption and "years" in str(picture.spec)


def test_the_slider_of_a_file_marks_every_whole_share():
    picture = reweighted(crossing())
    spec = with_slider(picture)
    (param,) = [p for p in spec["params"] if p["name"] == SLIDER]
    assert param["bind"]["max"] == 100 and param["value"] == 0
    marked = [layer for layer in spec["layer"] if "transform" in layer]
    assert len(marked) == 3 and all(SLIDER in layer["transform"][0]["filter"] for layer in marked)
    shares = {round(100 * row["balance"]) for row in spec["datasets"]["lines"]}
    assert shares == set(range(101))
    assert SLIDER not in str(picture.whole["layer"])
