"""Theory page without a browser: terms that add up, controls and addresses."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.app_page import opened, ran, text_of


def remaining_of_16(page: AppTest) -> int:
    """Return the number of equalized classes that remain."""
    captions = " ".join(caption.value for caption in page.caption)
    return int(re.search(r"Equalized bins leave (\d+) of 16 classes", captions)[1])


def test_it_opens_with_three_charts_and_a_check():
    page = opened("theory")
    assert len(page.get("vega_lite_chart")) == 3
    assert "The three terms add up" in page.success[0].value
    assert "Balanced MSE" in " ".join(m.value for m in page.markdown)
    labels = [button.label for button in page.get("download_button")]
    assert labels == 3 * ["Chart (PNG)", "Chart (SVG)"] + ["Table (CSV)"]  # each chart its own


def test_it_names_estimand_references_and_the_limits_of_its_claims():
    page = opened("theory")
    text = text_of(page)
    assert "Estimand: mean loss and gap" in text
    assert "Relative to flat priors over these classes, their gap is 0.00 nats" in text
    assert "relative to uniform y, up to 1.65 nats remain" in text
    assert "The ideal model is p_bal" in text
    assert "falls from 1.07 nats at σ = 0.2 to 0.06 nats at σ = 0.01" in text
    assert "cannot explain errors at rare targets on noise-free data" in text
    assert page.dataframe[0].value["gap"].tolist() == pytest.approx(
        [1.070, 0.570, 0.289, 0.116, 0.058], abs=0.002
    )
    assert "checks the numerical integration, not the assumptions" in page.success[0].value


def test_uniform_targets_have_no_peak_and_no_table_of_zeros():
    page = opened("theory", s="1.0")
    text = text_of(page)
    assert "The training targets are uniform, so the gap is zero." in text
    assert "The chosen targets are uniform, without a peak" in text
    assert "Uniform training targets have no gap at any noise." in text
    assert "their gap is zero relative to both references" in text
    assert not page.dataframe


def test_the_formula_comes_first_in_the_hues_of_the_curves():
    page = opened("theory")
    formula = page.latex[0].value
    assert formula.count("\\textcolor") == 3
    assert "gap: what imbalance adds" in formula


def test_sliding_the_imbalance_changes_address_and_charts():
    page = opened("theory")
    assert remaining_of_16(page) == 4
    ran(page.select_slider(key="theory_s").set_value(0.3).run())
    assert page.query_params["s"] == "0.3"
    assert remaining_of_16(page) == 11


def test_a_trained_model_can_be_chosen():
    page = opened("theory", model="reg+cls", s="0.1")
    assert page.select_slider(key="theory_sigma").disabled
    assert len(page.get("vega_lite_chart")) == 2  # the curve over s is the ideal model's
    assert "add up" in page.success[0].value
    text = text_of(page)
    assert "it is taken as p_imb, and p_bal ∝ p_imb / p is derived from it" in text
    assert "The ideal model is p_bal" not in text


def test_an_unavailable_value_gives_the_nearest_and_is_reported():
    page = opened("theory", s="0.11", function="99", model="best", classes="many")
    toasts = " ".join(toast.value for toast in page.toast)
    assert "s = “0.11” in the address is not available; 0.1 is used." in toasts
    assert "function = “99” in the address is not available; 10 is used." in toasts
    assert "model = “best”" in toasts and "classes = “many”" in toasts
    assert page.select_slider(key="theory_s").value == 0.1
