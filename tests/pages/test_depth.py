"""The page Depth without a browser: samples, views, the address, true depth, broken models."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from regcls.tasks import pairs
from regcls.tasks.depth import predict
from tests.helpers.app_page import broken_pair, click, html, opened


def view(page: AppTest, name: str) -> AppTest:
    page.button_group(key="depth_view").set_value(name).run()
    assert not page.exception
    return page


def test_it_opens_with_samples_and_instructions():
    page = opened("depth")
    assert {sample.title for sample in predict.SHIPPED_SAMPLES} <= {b.label for b in page.button}
    assert page.info[0].value.startswith("Upload a photo of a room")
    words = " ".join(m.value for m in page.markdown)
    assert "outdoor scenes" in words and "field of view" in words


def test_a_sample_gives_two_maps_and_both_predictions():
    page = click(opened("depth"), "A lobby")
    assert len(page.get("plotly_chart")) == 1
    shown = html(page)
    assert "<b>reg</b>" in shown and "<b>reg+cls</b>" in shown
    table = page.dataframe[0].value
    assert table["photo"].tolist() == ["A lobby"]
    assert table["reg nearest"][0] < table["reg median"][0] < table["reg farthest"][0]
    assert any("Running on the" in c.value and "ms" in c.value for c in page.caption)
    assert page.query_params["sample"] == "lobby"


def test_every_view_opens():
    page = click(opened("depth"), "A hall")
    view(page, "difference")
    assert "difference is" in " ".join(c.value for c in page.caption)
    view(page, "space")
    assert page.slider[0].value == round(predict.FIELD_OF_VIEW)
    view(page, "wipe")
    assert "Drag the line" in " ".join(c.value for c in page.caption)
    view(page, "errors")
    assert len(page.get("vega_lite_chart")) == 3
    assert page.query_params["view"] == "errors"


def test_both_models_have_downloads():
    labels = [b.label for b in click(opened("depth"), "A hall").get("download_button")]
    for what in ("16-bit PNG (mm)", ".npy (m)", "Colour PNG"):
        assert labels.count(what) == 2


def test_an_address_opens_a_sample_in_a_view():
    page = opened("depth", sample="hall", view="difference")
    assert page.dataframe[0].value["photo"].tolist() == ["A hall"]
    assert "difference is" in " ".join(c.value for c in page.caption)


def test_an_unknown_value_in_the_address_is_reported():
    page = opened("depth", sample="kitchen", view="sideways")
    toasts = " ".join(toast.value for toast in page.toast)
    assert "sample = “kitchen”" in toasts and "view = “sideways”" in toasts


def test_a_true_depth_is_added_to_the_errors():
    page = click(opened("depth"), "A lobby")
    gallery = page.session_state["depth_gallery"]
    (key,) = gallery.entries
    out = io.BytesIO()
    Image.fromarray(np.full((480, 640), 3000, np.uint16)).save(out, "PNG")
    assert gallery.add_truth(key, out.getvalue(), "truth.png")
    view(page, "errors")
    table = next(d.value for d in page.dataframe if "rmse" in d.value)
    assert table["model"].tolist() == ["reg", "reg+cls"] and (table["rmse"] > 0).all()
    assert any("your own photos" in c.value for c in page.caption)


def test_bad_files_are_reported_and_the_photo_stays():
    page = click(opened("depth"), "A lobby")
    gallery = page.session_state["depth_gallery"]
    (key,) = gallery.entries
    gallery.add(b"words", "words.jpg", predict.load())
    gallery.add_truth(key, b"", "truth.png")
    page.run()
    warnings = [w.value for w in page.warning]
    assert (
        warnings[0].startswith("words.jpg cannot be read as a photo")
        and warnings[1] == "truth.png is empty."
    )
    assert page.dataframe[0].value["photo"].tolist() == ["A lobby"]
    click(page, "Hide messages")
    assert not page.warning


@pytest.mark.parametrize("name", ["reg.onnx", "regcls.onnx"])
def test_a_broken_pair_is_reported_by_file_name(tmp_path, monkeypatch, name):
    broken_pair("depth", name, tmp_path, monkeypatch)
    page = click(opened("depth"), "A lobby")
    assert name in page.error[0].value


def test_a_missing_pair_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv(pairs.ROOT, str(tmp_path))
    page = click(opened("depth"), "A lobby")
    assert "python -m regcls train depth" in page.error[0].value
