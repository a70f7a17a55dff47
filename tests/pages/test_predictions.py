"""The page Your predictions without a browser: examples, column roles, ranges, bad tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from regcls.inference import contract
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers.app_page import click, opened, ran, text_of
from tests.helpers.made_tables import excel, table


def pasted(frame: pd.DataFrame) -> AppTest:
    page = opened("predictions")
    ran(page.button_group(key="predictions_source").set_value("Paste").run())
    ran(page.text_area(key="predictions_text").set_value(frame.to_csv(index=False)).run())
    return click(page, "Read table")


def held(page: AppTest, kind: str, name: str):
    """The widget of this name that belongs to the table shown."""
    mark = page.session_state["predictions"].mark
    return getattr(page, kind)(key=f"predictions_{name}_{mark}")


def test_it_opens_with_instructions_and_a_privacy_note():
    page = opened("predictions")
    assert "Upload a table, paste one, or try an example" in page.info[0].value
    assert "nothing is written to disk" in text_of(page)


def test_an_example_gives_the_whole_report():
    page = click(opened("predictions"), "Progress (shipped models)")
    assert "reg and reg+cls" in text_of(page) or "has a lower MAE than" in text_of(page)
    counts = contract.read(MODELS_FOLDER / "progress" / "reg.onnx").training_histogram["counts"]
    assert len(page.session_state["predictions"].train) == sum(counts) > 10_000
    assert "grey training histogram" in text_of(page)
    assert len(page.get("vega_lite_chart")) == 6
    assert held(page, "selectbox", "group").value == "clip"
    worst = page.dataframe[-1].value
    assert worst["largest error"].is_monotonic_decreasing
    click(page, "Create HTML report")
    assert "Download HTML report" in {b.label for b in page.get("download_button")}


def test_detected_column_roles_can_be_changed():
    page = pasted(table(60))
    assert held(page, "selectbox", "target").value == "age"
    assert held(page, "multiselect", "models").value == ["pred_good", "pred_poor"]
    assert held(page, "selectbox", "category").value == "site"
    assert "pred_good has a lower MAE than pred_poor" in text_of(page)
    ran(held(page, "multiselect", "models").set_value(["pred_poor"]).run())
    assert "select a second column of predictions" in text_of(page)


def test_without_training_targets_the_chart_shows_the_test_targets():
    assert "Grey: test samples, because the training targets are not known" in text_of(
        pasted(table(60))
    )


def test_ranges_can_have_own_edges():
    page = pasted(table(60))
    ran(next(s for s in page.selectbox if s.label == "Ranges").set_value("edges").run())
    assert "ascending" in page.warning[0].value
    edges = next(t for t in page.text_input if t.label.startswith("Edges"))
    ran(edges.set_value("0, 5, 20, 200").run())
    assert not page.warning and "of 3 ranges" in text_of(page)


def test_a_bad_table_is_reported_and_the_last_one_stays():
    page = pasted(table(60))
    ran(page.text_area(key="predictions_text").set_value("just words").run())
    click(page, "Read table")
    assert "no rows below" in page.error[0].value
    assert "pred_good has a lower MAE than pred_poor" in text_of(page)


def test_unsuitable_columns_are_reported():
    page = pasted(table(60))
    ran(held(page, "multiselect", "models").set_value(["site"]).run())
    assert "contains words" in page.warning[0].value
    ran(held(page, "multiselect", "models").set_value([]).run())
    assert "Choose at least one" in page.warning[0].value


def test_another_sheet_of_an_excel_file_can_be_chosen():
    page = opened("predictions")
    data = excel(first=table(60), second=table(40, seed=1))
    ran(page.file_uploader(key="predictions_file").upload("two.xlsx", data).run())
    assert "two.xlsx: 60 rows" in text_of(page)
    sheet = next(s for s in page.selectbox if s.label == "Sheet")
    assert sheet.options == ["first", "second"]
    ran(sheet.set_value("second").run())
    assert "two.xlsx: 40 rows" in text_of(page)


def test_choices_are_kept_while_another_page_is_shown():
    """Streamlit drops the value of a widget in a run that does not draw it."""
    page = pasted(table(60))
    ran(held(page, "multiselect", "models").set_value(["pred_poor"]).run())
    shown = page.session_state["predictions"]
    table_shown, shown.table = shown.table, None
    ran(page.run())
    shown.table = table_shown
    ran(page.run())
    assert held(page, "selectbox", "target").value == "age"
    assert held(page, "multiselect", "models").value == ["pred_poor"]


def test_the_chart_shows_one_of_three_metrics():
    page = pasted(table(60))
    for metric, words in (("rmse", "root mean squared error"), ("bias", "bias (mean of")):
        ran(page.button_group(key="predictions_metric").set_value(metric).run())
        assert any(f"Points: {words}" in c.value for c in page.caption)


def test_other_training_targets_of_the_same_number_make_another_report():
    page = pasted(table(60))
    for value in (10.0, 50.0):
        page.session_state["predictions"].train = np.full(40, value)
        ran(page.run())
        assert set(page.session_state["predictions"].report.arrays.train) == {value}
