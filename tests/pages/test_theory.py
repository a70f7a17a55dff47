"""The Theory page without a browser, and its command: terms that add up, controls, addresses."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from regcls.synthetic import data as synthetic_data
from regcls.theory import charts as theory_charts
from regcls.theory import terms
from tests.helpers.app_page import opened, ran
from tests.helpers.command_line import one_sentence, run, run_json


def left_of_16(page: AppTest) -> int:
    """Equalized classes that remain."""
    words = " ".join(caption.value for caption in page.caption)
    return int(re.search(r"Equalized: (\d+) classes are left of 16", words)[1])


def test_it_opens_with_three_charts_and_a_check():
    page = opened("theory")
    assert len(page.get("vega_lite_chart")) == 3
    assert "The three terms add up" in page.success[0].value
    assert "Balanced MSE" in " ".join(m.value for m in page.markdown)
    assert len(page.get("download_button")) == 2


def test_sliding_the_imbalance_changes_address_and_charts():
    page = opened("theory")
    assert left_of_16(page) == 3
    ran(page.select_slider(key="theory_s").set_value(0.3).run())
    assert page.query_params["s"] == "0.3"
    assert left_of_16(page) == 11


def test_a_trained_model_can_be_chosen():
    page = opened("theory", model="reg+cls", s="0.1")
    assert page.select_slider(key="theory_sigma").disabled
    assert len(page.get("vega_lite_chart")) == 2  # the curve over s is the ideal model's
    assert "add up" in page.success[0].value


def test_an_address_nobody_made_gives_the_nearest_and_says_so():
    page = opened("theory", s="0.11", function="99", model="best", classes="many")
    said = " ".join(toast.value for toast in page.toast)
    assert "s=0.11 is not offered, so 0.1 is taken" in said
    assert "function=99 is not offered, so 10 is taken" in said
    assert "model=best" in said and "classes=many" in said
    assert page.select_slider(key="theory_s").value == 0.1


def test_the_chart_has_a_line_a_term_over_the_training_data():
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 0.1, 0.1)
    table = terms.per_range(case, {"regression": terms.regression(case)})
    picture = theory_charts.per_range(table, "Regression")
    assert set(picture.data["terms"]["term"]) == {"balanced", "imbalanced", "gap"}
    assert len(picture.data["training"]) == len(table)
    assert picture.svg().startswith(b"<svg")


def test_the_command_gives_the_same_table():
    record = run_json("theory", "--s", 0.1, "--classes", 8)
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 0.1, 0.1)
    table = terms.per_range(case, {"regression": terms.regression(case)})
    rows = [row for row in record["rows"] if row["model"] == "regression"]
    assert [row["gap"] for row in rows] == pytest.approx(table["gap"].tolist())
    assert record["residual"] < 1e-6


BAD = {
    "no width": ("--s", "0"),
    "no function": ("--function", "11"),
    "no model": ("--model", "best"),
    "no noise": ("--sigma", "0"),
    "one class": ("--classes", "1"),
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_bad_options_get_one_sentence(arguments):
    one_sentence(run("theory", *arguments))
