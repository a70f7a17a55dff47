"""Models page without a browser: cards, and files that are refused, completed and used."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from regcls.inference import session as inference_session
from regcls.inference.custom import inspect
from regcls.tasks import pairs
from regcls.tasks.age import predict
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers import hostile_onnx as hostile
from tests.helpers.app_page import click, html, imported_by, opened, ran


def uploaded(*files: tuple[str, bytes]) -> AppTest:
    """Return the page after these files have been uploaded."""
    page = opened("models", show="own")
    found = {name: inspect.examine(data, name) for name, data in files}
    page.session_state["models"].found.update(found)
    return ran(page.run())


def test_each_task_has_one_comparison_of_its_models():
    page = opened("models")
    assert [s.value for s in page.subheader] == ["Age", "Depth", "Progress"]
    assert len(page.table) == 3 and not page.get("vega_lite_chart")
    for task, element in zip(("age", "depth", "progress"), page.table, strict=True):
        table = element.value
        assert list(table.columns) == ["reg", "reg+cls", "difference"]
        mae = next(row for name, row in table.iterrows() if name.startswith("MAE ("))
        assert all("[" in cell for cell in mae)
        pair = pairs.load(task)
        size = f"{pair.input_size[0]} × {pair.input_size[1]}"
        assert table.loc["Input (pixels)"].tolist()[:2] == [size, size]
        assert table.loc["Classes", "reg+cls"].startswith(str(pair.regcls.card.class_count))
        assert table.loc["File", "reg"].endswith("MB")


def test_cards_are_drawn_when_they_are_opened():
    page = opened("models")
    assert "opset 18" not in html(page)
    for task in ("age", "depth", "progress"):
        page.session_state[f"models_fold_{task}"] = True
    ran(page.run())
    words = html(page)
    assert words.count("opset 18") == 6 and "UTKFace" in words and "NYU Depth v2" in words
    assert len(page.get("vega_lite_chart")) == 3
    assert all((d.value["mae"] > 0).all() for d in page.dataframe)


def test_nothing_heavy_is_imported_when_the_page_opens():
    assert imported_by("models", ("torch", "onnxruntime", "scipy.stats", "cv2")) == []


def test_a_missing_pair_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv(pairs.ROOT, str(tmp_path))
    page = opened("models")
    assert len(page.warning) == 3 and "python -m regcls train age" in page.warning[0].value


def test_an_unknown_section_in_the_address_is_reported():
    page = opened("models", show="everything")
    assert "show = “everything” in the address is not available" in page.toast[0].value


@pytest.mark.parametrize("name", ["outside", "two_inputs", "wrong_rank", "foreign"])
def test_an_unusable_file_is_reported_and_can_be_removed(name):
    page = uploaded((f"{name}.onnx", getattr(hostile, name)()))
    assert page.error[0].value.startswith(f"{name}.onnx: ")
    assert "Use beside the shipped pair" not in {b.label for b in page.button}
    click(page, "Remove file")
    assert not page.error


def test_a_file_that_conforms_is_used():
    data = (MODELS_FOLDER / "age" / "reg.onnx").read_bytes()
    page = click(uploaded(("mine.onnx", data)), "Use beside the shipped pair")
    models = page.session_state["own_models"]
    assert set(models["age"]) == {"own reg"}
    page.run()
    assert any("In use for **age**: own reg (mine.onnx)" in m.value for m in page.markdown)
    click(page, "Stop using")
    assert not page.session_state["own_models"]


def test_a_file_without_a_card_is_completed_tried_and_used():
    page = click(uploaded(("plain.onnx", hostile.honest(classes=5))), "Test model")
    assert page.success[0].value == "The model passed the test and now has a card."
    assert "Download model with card" in {b.label for b in page.get("download_button")}
    click(page, "Use beside the shipped pair")
    assert set(page.session_state["own_models"]["age"]) == {"own reg+cls"}


def test_fields_that_do_not_fit_are_reported():
    page = uploaded(("plain.onnx", hostile.honest(classes=5)))
    edges = next(t for t in page.text_input if t.label.startswith("Edges of the 5 classes"))
    edges.set_value("0, 10, 20")
    click(page, "Test model")
    assert "5 classes need 6 edges, not 3" in page.error[0].value


def test_a_model_that_fails_its_test_is_reported():
    page = click(uploaded(("nan.onnx", hostile.not_finite())), "Test model")
    assert "NaN or infinite values" in page.error[0].value


def test_an_own_model_predicts_on_the_page_of_its_task():
    session = inference_session.own_session(
        (MODELS_FOLDER / "age" / "reg.onnx").read_bytes(), "mine.onnx"
    )
    page = opened("age")
    page.session_state["age_fold_table"] = True
    page.session_state["own_models"] = {"age": {"own reg": session}}
    ran(page.run())
    words = html(page)
    assert "<b>own reg</b>" in words
    row = page.dataframe[0].value.iloc[0]
    assert row["own reg age"] == pytest.approx(row["reg age"], abs=0.02)
    assert row["own reg error"] == pytest.approx(row["reg error"], abs=0.02)
    page.session_state["own_models"] = {}
    ran(page.run())
    assert "own reg age" not in page.dataframe[0].value


def test_each_visitor_has_their_own_models():
    session = inference_session.own_session(
        (MODELS_FOLDER / "age" / "reg.onnx").read_bytes(), "mine.onnx"
    )
    first, second = opened("age"), opened("age")
    first.session_state["own_models"] = {"age": {"own reg": session}}
    for page in (first, second):
        page.session_state["age_fold_table"] = True
        click(page, predict.SHIPPED_SAMPLES[0].title)
    assert "own reg age" in first.dataframe[0].value
    assert "own reg age" not in second.dataframe[0].value
