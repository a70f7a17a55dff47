"""Preview of a 1D training set: counts per target range, curve and chart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regcls.synthetic import data as synthetic_data
from regcls.synthetic.preview import RANGES, SAMPLES, TrainingPreview, preview, preview_chart


def part_ends(shown: TrainingPreview) -> pd.DataFrame:
    return shown.curve.groupby("part")["x"].agg(first="min", last="max")


def test_preview_counts_every_training_point() -> None:
    for sampling in synthetic_data.SAMPLINGS:
        shown = preview(sampling)
        assert shown.ranges["train"].sum() == SAMPLES // 3
        assert len(shown.ranges) == RANGES


def test_more_severe_samplings_have_more_rare_ranges() -> None:
    rare = {s: int((preview(s).ranges["shot"] == "few").sum()) for s in synthetic_data.SAMPLINGS}
    assert rare["uniform"] == 0 < rare["mild"] < rare["severe"] < RANGES


def test_curve_is_coloured_by_its_target_range() -> None:
    shown = preview("severe")
    inner = shown.curve.drop_duplicates("x", keep=False)  # the joints belong to two parts
    at = np.searchsorted(shown.ranges["high"], inner["y"])
    assert len(inner) > 300
    assert (inner["shot"].to_numpy() == shown.ranges["shot"].to_numpy()[at]).all()


def test_curve_has_no_gaps() -> None:
    parts = part_ends(preview("severe"))
    assert (parts["last"].to_numpy()[:-1] == parts["first"].to_numpy()[1:]).all()


def test_chart_is_valid_and_has_container_width() -> None:
    chart = preview_chart(preview("severe")).to_dict()  # validates against Vega-Lite's schema
    assert chart["width"] == "container"
