"""Home page: the chart and its caption follow the slider, and links lead to all pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from regcls.synthetic import data as synthetic_data
from regcls.synthetic.preview import preview
from tests.helpers.app_page import ran

APP = str(Path(__file__).resolve().parents[2] / "app.py")


@pytest.fixture
def home() -> AppTest:
    return ran(AppTest.from_file(APP, default_timeout=300).run())


def test_home_is_the_first_page(home):
    assert home.title[0].value == "Does classification help regression?"


@pytest.mark.parametrize("sampling", synthetic_data.SAMPLINGS)
def test_the_slider_changes_chart_and_caption(home, sampling):
    ran(home.select_slider(key="home_sampling").set_value(sampling).run())
    assert home.caption[0].value == preview(sampling).sentence
