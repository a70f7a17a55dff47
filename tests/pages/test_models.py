"""The Models page without a browser: cards, timing, files that are refused, completed and used."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from regcls.inference import session as inference_session
from regcls.inference.custom import inspect
from regcls.tasks import pairs
from regcls.tasks.age import predict
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers import hostile_onnx as hostile
from tests.helpers.app_page import click, html, opened, ran


def brought(*files: tuple[str, bytes]) -> AppTest:
    """The page as it is after these files came in."""
    page = opened("models", show="own")
    page.session_state["own_found"] = {n: inspect.examine(data, n) for n, data in files}
    return ran(page.run())


def test_every_card_is_there():
    page = opened("models")
    assert [s.value for s in page.subheader] == ["Age", "Depth", "Progress"]
    words = html(page)
    assert words.count("opset 18") == 6 and "UTKFace" in words and "NYU Depth v2" in words
    assert len(page.get("vega_lite_chart")) == 3
    assert all((d.value["mae"] > 0).all() for d in page.dataframe)


def test_a_pair_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv(pairs.ROOT, str(tmp_path))
    page = opened("models")
    assert len(page.warning) == 3 and "python -m regcls train age" in page.warning[0].value


def test_an_address_nobody_made_is_told():
    page = opened("models", show="everything")
    assert "nothing called 'everything'" in page.toast[0].value


@pytest.mark.parametrize("name", ["outside", "two_inputs", "wrong_rank", "foreign"])
def test_a_file_that_cannot_be_used_is_told_why(name):
    page = brought((f"{name}.onnx", getattr(hostile, name)()))
    assert page.error[0].value.startswith(f"{name}.onnx: ")
    assert "Use it beside the shipped pair" not in {b.label for b in page.button}
    click(page, "Forget this file")
    assert not page.error


def test_a_file_that_conforms_is_used():
    data = (MODELS_FOLDER / "age" / "reg.onnx").read_bytes()
    page = click(brought(("mine.onnx", data)), "Use it beside the shipped pair")
    models = page.session_state["own_models"]
    assert set(models["age"]) == {"own reg"}
    page.run()
    assert any("In use for **age**: own reg (mine.onnx)" in m.value for m in page.markdown)
    click(page, "Stop using them")
    assert not page.session_state["own_models"]


def test_a_file_without_a_card_is_completed_tried_and_used():
    page = click(brought(("plain.onnx", hostile.honest(classes=5))), "Try it")
    assert page.success[0].value == "It runs and keeps the contract now."
    assert "Download the conforming file" in {b.label for b in page.get("download_button")}
    click(page, "Use it beside the shipped pair")
    assert set(page.session_state["own_models"]["age"]) == {"own reg+cls"}


def test_a_form_that_does_not_fit_is_told():
    page = brought(("plain.onnx", hostile.honest(classes=5)))
    edges = next(t for t in page.text_input if t.label.startswith("Edges of its 5 classes"))
    edges.set_value("0, 10, 20")
    click(page, "Try it")
    assert "5 classes need 6 edges, not 3" in page.error[0].value


def test_a_model_that_fails_when_it_runs_is_told():
    page = click(brought(("nan.onnx", hostile.not_finite())), "Try it")
    assert "NaN or infinite values" in page.error[0].value


def test_a_model_that_was_brought_answers_on_its_page():
    session = inference_session.own_session(
        (MODELS_FOLDER / "age" / "reg.onnx").read_bytes(), "mine.onnx"
    )
    page = opened("age")
    click(page, "Grace Hopper")
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


def test_two_people_keep_their_own_models_apart():
    session = inference_session.own_session(
        (MODELS_FOLDER / "age" / "reg.onnx").read_bytes(), "mine.onnx"
    )
    first, second = opened("age"), opened("age")
    first.session_state["own_models"] = {"age": {"own reg": session}}
    for page in (first, second):
        click(page, predict.SHIPPED_SAMPLES[0].title)
    assert "own reg age" in first.dataframe[0].value
    assert "own reg age" not in second.dataframe[0].value
