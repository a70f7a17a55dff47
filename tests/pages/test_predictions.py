"""The page Your predictions without a browser: examples, column roles, ranges, bad tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from pages.components.prediction_results import tab_key
from regcls.inference import contract
from regcls.predictions.columns import Training
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers.app_page import click, html, opened, ran, text_of
from tests.helpers.made_tables import excel, table

PER_MODEL = "One per sample and model"


def pasted(frame: pd.DataFrame) -> AppTest:
    page = opened("predictions")
    ran(page.button_group(key="predictions_source").set_value("Paste").run())
    ran(page.text_area(key="predictions_text").set_value(frame.to_csv(index=False)).run())
    return click(page, "Read table")


def held(page: AppTest, kind: str, name: str):
    """The widget of this name that belongs to the table shown."""
    state = page.session_state["predictions"]
    return getattr(page, kind)(key=f"predictions_{name}_{state.mark}_{state.layout}")


def open_tab(page: AppTest, name: str) -> AppTest:
    """The page with this tab open; the others are not computed."""
    mark = page.session_state["predictions"].mark
    page.session_state[tab_key(mark, [tab.label for tab in page.tabs])] = name
    return ran(page.run())


def test_it_opens_with_instructions_and_a_privacy_note():
    page = opened("predictions")
    assert "Upload a table, paste one, or try an example" in page.info[0].value
    assert "nothing is written to disk" in text_of(page)


def test_an_example_gives_the_whole_report():
    page = click(opened("predictions"), "Progress (shipped models)")
    assert "reg and reg+cls" in text_of(page) or "has a lower MAE than" in text_of(page)
    counts = contract.read(MODELS_FOLDER / "progress" / "reg.onnx").training_histogram["counts"]
    assert len(page.session_state["predictions"].train.values) == sum(counts) > 10_000
    assert "grey training histogram" in text_of(page)
    assert held(page, "selectbox", "group").value == "clip"
    assert "Report (HTML)" in {b.label for b in page.get("download_button")}
    assert [tab.label for tab in page.tabs] == [
        "Balanced targets",
        "Two models",
        "Residuals",
        "Targets",
        "Rows",
        "All figures",
    ]


def test_only_the_open_tab_is_computed():
    page = pasted(table(60))
    assert len(page.get("vega_lite_chart")) == 2 and not page.dataframe
    page = open_tab(page, "Residuals")
    assert len(page.get("vega_lite_chart")) == 3 and not page.dataframe
    page = open_tab(page, "Rows")
    assert len(page.get("vega_lite_chart")) == 1
    assert page.dataframe[-1].value["largest error"].is_monotonic_decreasing


def folded(page: AppTest) -> bool:
    styles = html(page)
    return "predictions_form { display: none; }" in styles and "display: flex" not in styles


def test_the_form_folds_into_one_line_and_opens_again():
    page = pasted(table(60))
    assert folded(page)
    bar = page.markdown[0].value
    assert bar == (
        "**The pasted table** · 60 rows · target **age** · predictions **pred_good**, **pred_poor**"
        " · segments **site**"
    )
    click(page, "Change")
    assert not folded(page)
    ran(held(page, "multiselect", "models").set_value(["pred_poor"]).run())
    assert not folded(page) and "predictions **pred_poor** ·" in page.markdown[0].value
    assert folded(click(page, "Close"))
    assert held(page, "multiselect", "models").value == ["pred_poor"]


def test_the_lowest_errors_are_bold():
    page = pasted(table(400))
    glance = next(m.value for m in page.markdown if m.value.startswith("| Model |"))
    header, _, good, poor, rows = glance.splitlines()
    assert header == "| Model | Overall | Balanced | Many | Medium | Few |"
    assert good.count("**") == 10 and "**" not in poor and rows.startswith("| Rows | 400 | 400 |")
    ran(held(page, "multiselect", "models").set_value(["pred_poor"]).run())
    assert not any("**" in m.value for m in page.markdown if m.value.startswith("| Model |"))


def test_a_problem_goes_with_what_it_is_about():
    page = pasted(table(60))
    ran(page.text_area(key="predictions_text").set_value("just words").run())
    click(page, "Read table")
    ran(page.button_group(key="predictions_metric").set_value("rmse").run())
    assert page.error, "the text is still there"
    ran(page.button_group(key="predictions_source").set_value("File").run())
    assert not page.error
    ran(page.button_group(key="predictions_source").set_value("Paste").run())
    assert not page.error


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
    assert not page.warning and "Of 3 ranges," in text_of(page)


def test_a_bad_table_is_reported_and_the_last_one_stays():
    page = pasted(table(60))
    ran(page.text_area(key="predictions_text").set_value("just words").run())
    click(page, "Read table")
    assert "no rows below" in page.error[0].value
    assert "pred_good has a lower MAE than pred_poor" in text_of(page)


def test_pasting_nothing_says_so():
    """The button is enabled before the server has seen the text: a click is what sends it."""
    page = opened("predictions")
    ran(page.button_group(key="predictions_source").set_value("Paste").run())
    assert not next(b for b in page.button if b.label == "Read table").disabled
    click(page, "Read table")
    assert "The pasted table is empty" in page.error[0].value


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
    assert "**two.xlsx** · 60 rows" in text_of(page)
    sheet = next(s for s in page.selectbox if s.label == "Sheet")
    assert sheet.options == ["first", "second"] and "Read as Excel, sheet first" in text_of(page)
    ran(sheet.set_value("second").run())
    assert "**two.xlsx** · 40 rows" in text_of(page)


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
        page.session_state["predictions"].train = Training(np.full(40, value))
        ran(page.run())
        assert set(page.session_state["predictions"].report.arrays.train) == {value}


def test_detected_roles_are_shown_above_the_result():
    page = pasted(table(60).assign(pred_good_std=1.0))
    assert (
        "age is the target; pred_good and pred_poor are predictions; pred_good_std is the standard "
        "deviation of pred_good"
    ) in text_of(page)
    assert "site is the segment" in text_of(page)


def interval(page: AppTest, model: str):
    state = page.session_state["predictions"]
    return page.selectbox(key=f"predictions_interval_{state.mark}_{state.layout}_{model}")


def test_intervals_are_reported_and_can_be_changed():
    frame = table(200)
    frame["pred_good_lower"], frame["pred_good_upper"] = frame["age"] - 1, frame["age"] + 1
    page = pasted(frame.assign(other=3.0))
    assert interval(page, "pred_good").value == "pred_good_lower to pred_good_upper"
    assert interval(page, "pred_poor").value == "(none)"
    assert "pred_good: the intervals contain 100% of 200 targets" in text_of(page)
    assert "above the nominal 95%" in text_of(page)
    page = open_tab(page, "Prediction intervals")
    assert len(page.get("vega_lite_chart")) == 2 and len(page.dataframe) == 2
    ran(next(n for n in page.number_input if n.label.startswith("Nominal")).set_value(99.0).run())
    assert "not significantly different from the nominal 99%" in text_of(page)
    ran(interval(page, "pred_poor").set_value("Other columns").run())
    lower = next(s for s in page.selectbox if s.label.startswith("Lower limit"))
    ran(lower.set_value("other").run())
    assert "other is the standard deviation of pred_poor" in text_of(page)
    ran(interval(page, "pred_poor").set_value("(none)").run())
    ran(interval(page, "pred_good").set_value("(none)").run())
    assert "intervals contain" not in text_of(page)


def long_table() -> pd.DataFrame:
    wide = table(60)[["id", "age", "pred_good", "pred_poor"]]
    return wide.melt(["id", "age"], var_name="method", value_name="pred")


def test_one_row_per_sample_and_model_gives_one_column_per_model():
    page = pasted(long_table())
    assert held(page, "multiselect", "models").value == ["pred_good", "pred_poor"]
    assert "pred_good has a lower MAE than pred_poor" in text_of(page)
    assert "one row per sample and method, matched by id" in text_of(page)
    layout = next(s for s in page.selectbox if s.label == "Rows are")
    assert layout.value == PER_MODEL
    ran(layout.set_value("One per sample").run())
    assert held(page, "multiselect", "models").value == ["pred"]
    ran(next(s for s in page.selectbox if s.label == "Rows are").set_value(PER_MODEL).run())
    ids = next(m for m in page.multiselect if m.label == "Columns that identify a sample")
    assert ids.value == ["id"]
    ran(ids.set_value([]).run())
    assert "in the same order per model" in text_of(page)


def test_a_layout_that_does_not_fit_is_reported():
    page = pasted(table(60))
    layout = next(s for s in page.selectbox if s.label == "Rows are")
    ran(layout.set_value(PER_MODEL).run())
    assert not page.exception and page.warning


def test_rows_with_a_missing_mark_can_be_left_out_and_taken_back():
    frame = table(60)
    frame.loc[[2, 7, 9], "pred_good"] = -999.0
    page = pasted(frame)
    assert "−999 occurs in 3 of 60 rows of pred_good" in text_of(page)
    assert "pred_poor has a lower MAE" in text_of(page) or "No significant" in text_of(page)
    (box,) = page.checkbox
    assert box.label == "Leave out the rows with −999 in pred_good"
    ran(box.check().run())
    assert "pred_good has a lower MAE than pred_poor" in text_of(page)
    assert "3 marked as missing, such as row 3 (-999.0)" in text_of(page)
    ran(page.checkbox[0].uncheck().run())
    assert "marked as missing" not in text_of(page)


def test_an_open_question_comes_before_the_report():
    page = opened("predictions")
    ran(page.button_group(key="predictions_source").set_value("Paste").run())
    rows = "\n".join(f"{i},{i:03d}\t{i},{i + 1:03d}" for i in range(1, 30))
    ran(page.text_area(key="predictions_text").set_value(f"y_true\tpred\n{rows}").run())
    click(page, "Read table")
    assert "decimal" in page.warning[0].value and not page.get("vega_lite_chart")
    mark = next(g for g in page.button_group if g.label == "Decimal mark")
    ran(mark.set_value("comma").run())
    assert "pred has an MAE of 0.001" in text_of(page)


def test_training_targets_of_a_file_are_counted_with_an_example():
    page = pasted(table(60))
    state = page.session_state["predictions"]
    train = pd.DataFrame({"age": [*np.linspace(1, 50, 40), np.inf]}).to_csv(index=False)
    key = f"predictions_train_file_{state.mark}"
    ran(page.file_uploader(key=key).upload("train.csv", train.encode()).run())
    assert "Column age of train.csv: 1 of 41 training targets left out" in text_of(page)
