"""Home: the live picture follows the slider, and the cards lead on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from regcls.synthetic import data as synthetic_data
from regcls.synthetic.preview import RANGES, SAMPLES, glimpse, training_picture

APP = str(Path(__file__).resolve().parents[2] / "app.py")


@pytest.fixture
def home() -> AppTest:
    return AppTest.from_file(APP, default_timeout=30).run()


def test_home_is_the_first_page(home):
    assert not home.exception
    assert home.title[0].value == "Does classification help regression?"


@pytest.mark.parametrize("sampling", synthetic_data.SAMPLINGS)
def test_slider_redraws_picture_and_sentence(home, sampling):
    home.select_slider(key="home_sampling").set_value(sampling).run()
    assert not home.exception
    assert home.caption[0].value == glimpse(sampling).sentence


def test_glimpse_counts_every_training_point():
    for sampling in synthetic_data.SAMPLINGS:
        shown = glimpse(sampling)
        assert shown.ranges["train"].sum() == SAMPLES // 3
        assert len(shown.ranges) == RANGES


def test_severe_is_rarer_than_mild_and_uniform_has_no_rare_range():
    rare = {s: int((glimpse(s).ranges["shot"] == "few").sum()) for s in synthetic_data.SAMPLINGS}
    assert rare["uniform"] == 0 < rare["mild"] < rare["severe"] < RANGES


def test_curve_is_coloured_by_the_range_its_target_lies_in():
    shown = glimpse("severe")
    inner = shown.curve.drop_duplicates("x", keep=False)  # the joints belong to two parts
    at = np.searchsorted(shown.ranges["high"], inner["y"])
    assert len(inner) > 300
    assert (inner["shot"].to_numpy() == shown.ranges["shot"].to_numpy()[at]).all()


def test_curve_has_no_gaps():
    parts = shown_ends(glimpse("severe"))
    assert (parts["last"].to_numpy()[:-1] == parts["first"].to_numpy()[1:]).all()


def shown_ends(shown):
    return shown.curve.groupby("part")["x"].agg(first="min", last="max")


def test_picture_is_valid_and_fills_its_place():
    chart = training_picture(glimpse("severe")).to_dict()  # validates against Vega-Lite's schema
    assert chart["width"] == "container"
