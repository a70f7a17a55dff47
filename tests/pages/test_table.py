"""The page Your table without a browser: samples, uploads, warnings, a comparison, cancel."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from regcls.tabular import plan as tabular_plan
from regcls.tabular import samples
from regcls.tabular.plan import Budget
from tests.helpers.app_page import click, html, opened, ran, text_of
from tests.helpers.made_tables import excel


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(tabular_plan.BUDGETS, "quick", Budget(repeats=1, settings=2, steps=40))
    slow = Budget(repeats=4, settings=10, steps=4000)
    monkeypatch.setitem(tabular_plan.BUDGETS, "thorough", slow)


def uploaded(data: bytes, name: str) -> AppTest:
    page = opened("table")
    page.file_uploader[0].upload(name, data).run()
    return ran(page)


def table(**more) -> bytes:
    rng = np.random.default_rng(0)
    a = rng.normal(size=80)
    return (
        pd.DataFrame({"a": a, "y": 2 * a + rng.normal(size=80)} | more).to_csv(index=False).encode()
    )


def to_the_end(page: AppTest) -> AppTest:
    ran(page.button(key="table_start").click().run())
    run = page.session_state["table"].run
    assert run.wait(120)
    assert run.error is None, run.error
    return ran(page.run())


def held(page: AppTest, kind: str, name: str):
    """The widget of this name that belongs to the table shown."""
    return getattr(page, kind)(key=f"table_{name}_{page.session_state['table'].mark}")


def test_it_opens_with_samples_and_a_privacy_note():
    page = opened("table")
    labels = {button.label for button in page.button}
    assert {sample.title for sample in samples.SAMPLES.values()} <= labels
    assert "nothing leaves the machine" in text_of(page)


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_each_sample_is_ready_to_compare(name):
    page = opened("table", sample=name)
    sample = samples.SAMPLES[name]
    assert held(page, "selectbox", "target").value == sample.target
    assert held(page, "selectbox", "group").value == (sample.group or "none")
    assert "About" in text_of(page) and page.button(key="table_start")


def test_a_sample_from_click_to_verdict_and_files():
    page = opened("table")
    ran(page.button(key="table_sample_tips").click().run())
    assert "sample" in page.query_params
    page = to_the_end(page)
    assert "On your data" in text_of(page) and "What to try first" in text_of(page)
    labels = {button.label for button in page.get("download_button")}
    assert {"Code (Python)", "Models (ONNX)", "Held-out predictions (CSV)"} <= labels
    assert "def train(x, y" in page.code[0].value
    ran(page.selectbox(key="table_code").select("hl-gauss").run())
    assert "HL-Gauss" in page.code[0].value


def test_the_form_folds_when_the_comparison_starts_and_opens_again():
    page = opened("table", sample="tips")
    assert not folded(page)
    page = to_the_end(page)
    assert folded(page)
    bar = page.markdown[0].value
    assert bar.startswith("**Tips: 244 restaurant bills** · 244 rows, 7 columns · target **tip**")
    assert "of 5 folds complete in" in progress_of(page)
    assert not folded(click(page, "Change"))
    ran(held(page, "selectbox", "target").select("total_bill").run())
    assert not folded(page) and "On your data" not in text_of(page)
    ran(held(page, "selectbox", "target").select("tip").run())
    assert "On your data" in text_of(page) and folded(click(page, "Close"))


def folded(page: AppTest) -> bool:
    styles = html(page)
    return "table_form { display: none; }" in styles and "display: flex" not in styles


def progress_of(page: AppTest) -> str:
    return " ".join(bar.proto.text for bar in page.get("progress"))


def test_the_guess_of_the_target_is_shown_and_can_be_changed():
    rng = np.random.default_rng(0)
    price, rooms = rng.normal(100, 9, 80), rng.integers(1, 6, 80)
    frame = pd.DataFrame({"price": price, "rooms": rooms, "width": rng.normal(size=80)})
    page = uploaded(frame[["price", "width", "rooms"]].to_csv(index=False).encode(), "flats.csv")
    assert held(page, "selectbox", "target").value == "price"
    assert "Guessed by its name; you can change it." in text_of(page)
    ran(held(page, "selectbox", "target").select("rooms").run())
    assert "Guessed" not in text_of(page)
    edges = page.session_state["table"].kept["plan"].value.edges
    assert (edges == np.round(edges)).all()


def test_a_problem_goes_with_its_file():
    page = uploaded(table(), "mine.csv")
    page.file_uploader(key="table_file").upload("bad.csv", b"").run()
    assert "empty" in ran(page).error[0].value
    ran(held(page, "selectbox", "target").select("a").run())
    assert page.error, "the file is still there"
    ran(page.button(key="table_sample_tips").click().run())
    assert not page.error


def test_the_results_so_far_are_shown_while_it_runs(monkeypatch):
    page = opened("table", sample="tips")
    page = to_the_end(page)
    run = page.session_state["table"].run
    monkeypatch.setattr(type(run), "running", True)
    ran(page.run())
    assert page.button(key="table_cancel") and "Results so far" in text_of(page)
    assert "5 of 5 folds complete" in progress_of(page)
    assert len(page.get("vega_lite_chart")) == 1


def test_a_copy_of_the_target_is_flagged():
    y = np.random.default_rng(1).exponential(size=80)
    page = uploaded(table(y=y, copy=np.sqrt(y)), "mine.csv")
    ran(held(page, "selectbox", "target").select("y").run())
    box = held(page, "checkbox", "out_y_copy")
    assert box.value and "ranks the rows exactly as the target does" in box.label
    before = page.session_state["table"].kept["plan"].value.problem.columns
    ran(box.uncheck().run())
    after = page.session_state["table"].kept["plan"].value.problem.columns
    assert [c.name for c in before] == ["a"] and [c.name for c in after] == ["a", "copy"]


def test_new_rows_are_predicted():
    page = uploaded(table(), "mine.csv")
    ran(held(page, "selectbox", "target").select("y").run())
    page = to_the_end(page)
    page.file_uploader(key="table_new").upload("new.csv", b"a\n0.5\n-1\n").run()
    ran(page)
    assert "Predictions (CSV)" in {button.label for button in page.get("download_button")}
    page.file_uploader(key="table_new").upload("other.csv", b"b\n0.5\n").run()
    assert "lack the column “a”" in text_of(ran(page))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a,b\nx,y\nu,v\n", "No column contains at least two different numbers"),
        (b"a,b\n1,2\n2,3\n3,5\n", "At least 50 rows"),
        (b"", "empty"),
    ],
)
def test_unusable_tables_are_reported(data, words):
    assert words.lower() in text_of(uploaded(data, "bad.csv")).lower()


def test_cancel_stops_the_run_and_so_does_a_new_table():
    page = opened("table", sample="wine", budget="thorough")
    ran(page.button(key="table_start").click().run())
    run = page.session_state["table"].run
    assert run.running
    ran(page.button(key="table_cancel").click().run())
    run.wait(60)
    assert "The comparison was cancelled" in text_of(ran(page.run()))
    page = opened("table", sample="wine", budget="thorough")
    ran(page.button(key="table_start").click().run())
    run = page.session_state["table"].run
    ran(page.button(key="table_sample_tips").click().run())
    run.wait(60)
    assert run.cancelled and page.session_state["table"].run is None


def test_settings_come_from_the_address_and_an_unknown_sample_is_reported():
    page = opened("table", sample="toy")
    assert "sample = “toy”" in page.toast[0].value
    page = opened("table", sample="tips", budget="thorough", goal="overall")
    plan = page.session_state["table"].kept["plan"].value
    assert plan.goal == "overall" and plan.budget.repeats == 4


def test_a_column_left_out_may_become_the_target_or_the_group():
    page = opened("table", sample="tips")
    target = held(page, "selectbox", "target").value
    out = held(page, "multiselect", f"more_{target}")
    name, other = out.options[:2]
    ran(out.set_value([name, other]).run())
    ran(held(page, "selectbox", "group").select(name).run())
    assert held(page, "multiselect", f"more_{target}").value == [other]
    assert page.session_state["table"].kept["plan"].value.problem.groups is not None


def test_an_empty_sheet_is_reported_and_the_last_table_stays():
    data = excel(first=pd.read_csv(io.BytesIO(table())), second=pd.DataFrame())
    page = uploaded(data, "two.xlsx")
    sheet = next(box for box in page.selectbox if box.label == "Sheet")
    assert sheet.options == ["first", "second"]
    ran(sheet.set_value("second").run())
    assert "second" in page.error[0].value
    assert "80 rows" in text_of(page)


def reading_control(page: AppTest, kind: str, field: str):
    """The control of the reading of the table shown."""
    mark = page.session_state["table"].mark
    return getattr(page, kind)(key=f"table_reading_{mark}_{field}")


def unclear(rows: int = 80) -> bytes:
    rng = np.random.default_rng(0)
    cells = [f"{a},{b:03d};{c},{d:03d}" for a, b, c, d in rng.integers(1, 999, (rows, 4))]
    return "\n".join(["a;y", *cells]).encode()


def test_an_unclear_decimal_mark_is_asked_before_anything_is_compared():
    page = uploaded(unclear(), "unclear.csv")
    assert "can be" in page.warning[0].value and not page.get("plotly_chart")
    with pytest.raises(KeyError):
        page.button(key="table_start")
    ran(reading_control(page, "segmented_control", "question_decimal").set_value("comma").run())
    assert not page.warning and page.button(key="table_start")
    frame = page.session_state["table"].frame
    assert frame["y"].between(1, 999.999).all() and "decimal comma" in text_of(page)


def test_how_a_file_is_read_is_shown_and_can_be_changed():
    page = uploaded(b"# run 12\n" + table(), "mine.csv")
    assert "1 line above the column names skipped" in text_of(page)
    ran(reading_control(page, "text_input", "missing").set_value("-999, lost").run())
    assert page.session_state["table"].table.reading.missing == ("-999", "lost")
    ran(reading_control(page, "selectbox", "separator").set_value("semicolon").run())
    assert page.session_state["table"].table.given.separator == "semicolon"
    assert page.session_state["table"].frame.shape[1] == 1
    ran(reading_control(page, "selectbox", "encoding").set_value("Shift-JIS").run())
    assert page.session_state["table"].table.reading.encoding == "Shift-JIS"


def test_new_rows_of_an_unclear_decimal_mark_are_asked_too():
    page = uploaded(table(), "mine.csv")
    ran(held(page, "selectbox", "target").select("y").run())
    page = to_the_end(page)
    page.file_uploader(key="table_new").upload("new.csv", b"a;b\n1,234;1\n2,345;2\n").run()
    assert "1,234 can be 1.234" in text_of(ran(page))
    choice = next(c for c in page.segmented_control if c.label == "Decimal mark")
    ran(choice.set_value("comma").run())
    assert "Predictions (CSV)" in {button.label for button in page.get("download_button")}
