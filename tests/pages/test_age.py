"""The page Age without a browser: samples, true ages, photos without a face, broken models."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from regcls.tasks import pairs
from regcls.tasks.age import predict
from regcls.tasks.age.gallery import Gallery
from tests.helpers.app_page import broken_pair, click, html, imported_by, opened


def test_it_opens_with_samples_and_a_privacy_note():
    page = opened("age")
    assert {"Eileen Collins", "Grace Hopper"} <= {b.label for b in page.button}
    assert any("nothing is written to disk" in caption.value for caption in page.caption)
    assert "non-commercial" in " ".join(m.value for m in page.markdown)
    assert not page.dataframe


def test_a_sample_gives_two_ages_and_their_errors():
    page = click(opened("age"), "Grace Hopper")
    shown = html(page)
    assert "<b>reg</b>" in shown and "<b>reg+cls</b>" in shown
    assert shown.count("90% interval") == 2
    assert page.number_input[0].value == 77
    table = page.dataframe[0].value
    assert table["photo"].tolist() == ["Grace Hopper"]
    for model in pairs.MODELS:
        row = table.iloc[0]
        assert row[f"{model} low"] <= row[f"{model} age"] <= row[f"{model} high"]
        assert row[f"{model} error"] == pytest.approx(row[f"{model} age"] - 77, abs=0.011)
    assert len(page.get("vega_lite_chart")) == 3
    assert any("ms" in c.value and "Running on the" in c.value for c in page.caption)


def test_a_true_age_is_added_to_and_removed_from_the_table():
    page = click(opened("age"), "Eileen Collins")
    assert page.dataframe[0].value["true age"].isna().all()
    page.number_input[0].set_value(36.0).run()
    assert page.dataframe[0].value["true age"].tolist() == [36.0]
    assert any("your own photos" in caption.value for caption in page.caption)
    page.number_input[0].set_value(None).run()
    assert page.dataframe[0].value["true age"].isna().all()
    assert not page.exception


def test_one_of_several_photos_can_be_picked_and_removed():
    page = click(click(opened("age"), "Eileen Collins"), "Grace Hopper")
    assert page.number_input[0].value == 77
    first, second = page.session_state["age_gallery"].entries
    page.button_group(key=f"age_pills_{second}").set_value(first).run()
    assert page.number_input[0].value is None and not page.exception
    click(page, "Remove")
    assert page.dataframe[0].value["photo"].tolist() == ["Grace Hopper"]


def test_a_photo_without_a_face_offers_its_centre():
    wall = io.BytesIO()
    Image.fromarray(np.full((200, 300, 3), 150, np.uint8)).save(wall, "PNG")
    page = opened("age")
    gallery = Gallery()
    gallery.add(wall.getvalue(), "wall.png", predict.load())
    page.session_state["age_gallery"] = gallery
    page.run()
    assert [w.value for w in page.warning] == ["No face was found in this photo."]
    assert "years" not in html(page)
    page.checkbox[0].check().run()
    assert html(page).count("90% interval") == 2
    assert page.dataframe[0].value["face"].tolist() == ["centre crop"]


def test_problems_are_reported_per_file_and_can_be_hidden():
    page = opened("age")
    gallery = Gallery()
    for name in ("empty.jpg", "also.jpg"):
        gallery.add(b"", name, predict.load())
    page.session_state["age_gallery"] = gallery
    page.run()
    assert [w.value for w in page.warning] == ["empty.jpg is empty.", "also.jpg is empty."]
    click(page, "Hide messages")
    assert not page.warning


def test_a_broken_pair_is_reported_by_file_name(tmp_path, monkeypatch):
    broken_pair("age", "regcls.onnx", tmp_path, monkeypatch)
    page = click(opened("age"), "Grace Hopper")
    assert "regcls.onnx" in page.error[0].value


def test_nothing_heavy_is_imported_when_the_page_opens():
    assert imported_by("age", ("torch", "onnxruntime", "onnx", "cv2", "scipy")) == []
