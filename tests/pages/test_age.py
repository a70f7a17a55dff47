"""The page Age without a browser: samples, true ages, photos without a face, broken models."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from regcls.tasks import pairs
from regcls.tasks.age import predict
from regcls.tasks.age.gallery import Gallery
from tests.helpers.app_page import broken_pair, click, html, imported_by, opened, ran
from tests.helpers.photo_files import png


def table_of(page: AppTest) -> pd.DataFrame:
    """Return the table of all photos, which is folded."""
    page.session_state["age_fold_table"] = True
    ran(page.run())
    return page.dataframe[-1].value


def noise(seed: int) -> bytes:
    return png(np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8))


def test_it_opens_with_a_sample_its_ages_and_the_errors():
    page = opened("age")
    assert {"Eileen Collins", "Grace Hopper"} <= {b.label for b in page.button}
    assert any("nothing is written to disk" in caption.value for caption in page.caption)
    assert "non-commercial" in " ".join(m.value for m in page.markdown)
    shown = html(page)
    assert "<b>reg</b>" in shown and "<b>reg+cls</b>" in shown
    assert shown.count("90% interval") == 2 and shown.count("over 6 views") == 2
    assert page.number_input[0].value == 77
    assert len(page.get("vega_lite_chart")) == 1


def test_the_table_has_the_errors_of_the_sample():
    table = table_of(opened("age"))
    assert table["photo"].tolist() == ["Grace Hopper"]
    for model in pairs.MODELS:
        row = table.iloc[0]
        assert row[f"{model} low"] <= row[f"{model} age"] <= row[f"{model} high"]
        assert row[f"{model} error"] == pytest.approx(row[f"{model} age"] - 77, abs=0.011)


def test_folded_parts_are_drawn_when_they_are_opened():
    page = opened("age")
    for part in ("classes", "readouts", "balance"):
        page.session_state[f"age_fold_{part}"] = True
    ran(page.run())
    assert len(page.get("vega_lite_chart")) == 3
    assert "class head" in html(page) and len(page.table) == 1
    (slider,) = page.slider
    assert slider.label.startswith("Distribution of the test targets")


def test_no_chart_has_a_layer_without_data():
    """Vega warns of such layers: "Infinite extent for field mae"."""
    page = opened("age")
    page.session_state["age_fold_balance"] = True
    ran(page.run())
    for chart in page.get("vega_lite_chart"):
        spec = json.loads(chart.proto.spec)
        tables = {one.name: one.data.data for one in chart.proto.datasets}
        assert tables and all(tables.values())
        named = {
            layer["data"]["name"] for layer in spec["layer"] if "name" in layer.get("data", {})
        }
        assert named <= set(tables)


def test_a_true_age_is_added_to_and_removed_from_the_table():
    page = click(opened("age"), "Eileen Collins")
    assert table_of(page)["true age"].isna().tolist() == [False, True]
    page.number_input[0].set_value(36.0).run()
    assert page.dataframe[-1].value["true age"].tolist() == [77.0, 36.0]
    assert any("your own photos" in caption.value for caption in page.caption)
    page.number_input[0].set_value(None).run()
    assert page.dataframe[-1].value["true age"].isna().tolist() == [False, True]
    assert not page.exception


def test_one_of_several_photos_can_be_picked_and_removed():
    page = click(opened("age"), "Eileen Collins")
    assert page.number_input[0].value is None
    first, second = page.session_state["age_gallery"].entries
    page.button_group(key=f"age_pills_{second}").set_value(first).run()
    assert page.number_input[0].value == 77 and not page.exception
    click(page, "Remove")
    assert table_of(page)["photo"].tolist() == ["Eileen Collins"]
    click(page, "Remove")
    assert page.info[0].value.startswith("Upload a photo") and not page.exception


def test_a_photo_without_a_face_offers_its_centre():
    page = opened("age")
    gallery = Gallery()
    gallery.add(png(np.full((200, 300, 3), 150, np.uint8)), "wall.png", predict.load())
    page.session_state["age_gallery"] = gallery
    page.run()
    assert [w.value for w in page.warning] == ["No face was found in this photo."]
    assert "years" not in html(page)
    page.checkbox[0].check().run()
    assert html(page).count("90% interval") == 2
    assert table_of(page)["face"].tolist() == ["centre crop"]


def test_a_small_and_turned_face_is_said_to_be_unsure():
    photo = Image.open(io.BytesIO(predict.FIRST_SAMPLE.read()))
    small = photo.resize((photo.width // 4, photo.height // 4)).rotate(180)
    page = opened("age")
    gallery = Gallery()
    gallery.add(png(np.asarray(small)), "small.png", predict.load())
    page.session_state["age_gallery"] = gallery
    page.run()
    warnings = " ".join(w.value for w in page.warning)
    assert "pixels wide" in warnings and "is upside down in the photo" in warnings


def test_problems_are_reported_per_file_and_can_be_hidden():
    page = opened("age")
    gallery = page.session_state["age_gallery"]
    for name in ("empty.jpg", "also.jpg"):
        gallery.add(b"", name, predict.load())
    page.run()
    assert [w.value for w in page.warning] == ["empty.jpg is empty.", "also.jpg is empty."]
    click(page, "Hide messages")
    assert not page.warning


@pytest.mark.parametrize("step", ["upload", "sample", "remove", "take back"])
def test_problems_of_earlier_uploads_disappear(step):
    page = opened("age")
    bad = ("empty.jpg", b"words", "image/jpeg")
    ran(page.file_uploader[0].set_value([bad]).run())
    assert page.warning[0].value.startswith("empty.jpg cannot be read as a photo")
    ran(page.run())
    assert page.warning, "they stay while nothing is brought"
    if step == "upload":
        ran(page.file_uploader[0].set_value([("noise.png", noise(0), "image/png")]).run())
    elif step == "take back":
        ran(page.file_uploader[0].set_value([]).run())
    else:
        click(page, {"sample": "Eileen Collins", "remove": "Remove"}[step])
    assert not [w for w in page.warning if w.value.startswith("empty.jpg")]


def test_a_broken_pair_is_reported_by_file_name(tmp_path, monkeypatch):
    broken_pair("age", "regcls.onnx", tmp_path, monkeypatch)
    page = opened("age")
    assert "regcls.onnx" in page.error[0].value
    click(page, "Grace Hopper")
    assert "regcls.onnx" in page.error[0].value


def test_nothing_heavy_is_imported_when_the_page_opens():
    """It opens with stored results; cards are read with onnx, intervals with scipy.special."""
    assert imported_by("age", ("torch", "onnxruntime", "scipy.stats", "cv2", "sklearn")) == []
