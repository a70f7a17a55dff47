"""Home page: the chart and its caption follow the slider."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from regcls.synthetic import data as synthetic_data
from regcls.synthetic.preview import preview

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
    assert home.caption[0].value == preview(sampling).sentence
