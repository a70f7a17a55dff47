"""The page Depth without a browser: samples, views, the address, true depth, broken models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from regcls.tasks import pairs
from regcls.tasks.depth import predict
from tests.helpers.app_page import broken_pair, click, html, imported_by, opened, ran, text_of
from tests.helpers.depth_files import as_integers, npy, zipped
from tests.helpers.photo_files import png


def view(page: AppTest, name: str) -> AppTest:
    page.button_group(key="depth_view").set_value(name).run()
    assert not page.exception
    return page


def folds(page: AppTest, *names: str) -> AppTest:
    """Return the page with these folded parts open."""
    for name in names:
        page.session_state[f"depth_fold_{name}"] = True
    return ran(page.run())


def test_it_opens_with_a_sample_and_instructions():
    page = opened("depth")
    assert {sample.title for sample in predict.SHIPPED_SAMPLES} <= {b.label for b in page.button}
    assert "Drag the line" in " ".join(c.value for c in page.caption)
    assert len(page.get("vega_lite_chart")) == 1 and not page.get("plotly_chart")
    words = " ".join(m.value for m in page.markdown)
    assert "outdoor scenes" in words and "field of view" in words


def test_a_sample_gives_the_predictions_of_both_models():
    page = folds(click(opened("depth"), "A hall"), "table")
    shown = html(page)
    assert "<b>reg</b>" in shown and "<b>reg+cls</b>" in shown and shown.count("m, median") == 2
    table = page.dataframe[0].value
    assert table["photo"].tolist() == ["A lobby", "A hall"]
    assert (table["reg nearest"] < table["reg median"]).all()
    assert (table["reg median"] < table["reg farthest"]).all()
    assert any("Running on the" in c.value and "ms" in c.value for c in page.caption)
    assert page.query_params["sample"] == "hall"


def test_the_stored_sample_names_no_device():
    page = folds(opened("depth"), "table")
    assert any("stored with the app" in c.value for c in page.caption)


def test_every_view_and_every_folded_part_opens():
    page = click(opened("depth"), "A hall")
    assert "difference is" in " ".join(c.value for c in view(page, "difference").caption)
    assert page.query_params["view"] == "difference"
    assert "bright is near" in " ".join(c.value for c in view(page, "regcls").caption)
    folds(page, "maps", "space", "shares", "readouts", "balance")
    assert len(page.get("plotly_chart")) == 3 and len(page.get("vega_lite_chart")) == 3
    angle = next(slider for slider in page.slider if slider.label.startswith("Horizontal"))
    assert angle.value == round(predict.FIELD_OF_VIEW)


def test_both_models_have_downloads():
    labels = [b.label for b in click(opened("depth"), "A hall").get("download_button")]
    for what in ("16-bit PNG (mm)", ".npy (m)", "Colour PNG"):
        assert labels.count(what) == 2


def test_an_address_opens_a_sample_in_a_view():
    page = folds(opened("depth", sample="hall", view="difference"), "table")
    assert page.dataframe[0].value["photo"].tolist() == ["A hall"]
    assert "difference is" in " ".join(c.value for c in page.caption)


def test_an_unknown_value_in_the_address_is_reported():
    page = opened("depth", sample="kitchen", view="sideways")
    toasts = " ".join(toast.value for toast in page.toast)
    assert "sample = “kitchen”" in toasts and "view = “sideways”" in toasts


@pytest.fixture
def lobby() -> np.ndarray:
    """True depth of the sample: reg's own prediction, so that reg's error is nearly 0."""
    photo = predict.predict_photo(predict.SHIPPED_SAMPLES[0].read(), "lobby", predict.load())
    return photo.depth["reg"]


def give_depth(page: AppTest, data: bytes, name: str) -> AppTest:
    """Return the page after an upload of true depth, whose part is open."""
    uploader = next(u for u in page.file_uploader if u.label.startswith("True depth"))
    return ran(uploader.set_value((name, data, "application/octet-stream")).run())


def own_errors(page: AppTest) -> pd.DataFrame:
    """Return the errors on the photo, by model."""
    return next(d.value for d in page.dataframe if "rmse" in d.value).set_index("model")


def choose_unit(page: AppTest, unit: str) -> AppTest:
    control = next(box for box in page.selectbox if box.label == "Unit of the true depth")
    return ran(control.set_value(unit).run())


def test_a_true_depth_is_read_in_the_unit_that_fits_and_can_be_changed(lobby):
    page = folds(opened("depth"), "truth", "table")
    give_depth(page, as_integers(256 * lobby), "kinect.png")
    assert "Depth read as metres × 256 (16-bit PNG): the median ratio" in text_of(page)
    assert "True depth: kinect.png" in text_of(page)
    assert own_errors(page)["mae"]["reg"] < 0.01 < own_errors(page)["mae"]["reg+cls"]
    assert "Diamonds: your own photos." in text_of(page)
    assert page.dataframe[-1].value["true depth read as"].tolist() == ["metres × 256"]

    choose_unit(page, "mm")
    warnings = " ".join(warning.value for warning in page.warning)
    assert "read as millimetres, as chosen" in warnings and "metres × 256 it would be 1" in warnings
    assert own_errors(page)["mae"]["reg"] > 1
    assert page.dataframe[-1].value["true depth read as"].tolist() == ["millimetres"]

    choose_unit(page, "auto")
    assert own_errors(page)["mae"]["reg"] < 0.01 and not page.warning


def test_a_wrong_true_depth_is_replaced_and_removed(lobby):
    page = folds(opened("depth"), "truth", "table")
    give_depth(page, as_integers(1000 * (8 - lobby)), "wrong.png")
    give_depth(page, npy(lobby), "right.npy")
    assert "True depth: right.npy" in text_of(page) and "read as metres (.npy)" in text_of(page)
    assert own_errors(page)["mae"]["reg"] < 0.01
    give_depth(page, b"words", "words.pfm")
    assert page.warning[0].value.startswith("words.pfm cannot be read as a depth map")
    assert "True depth: right.npy" in text_of(page)
    view(page, "true")
    assert "read as metres (.npy)" in text_of(page)
    click(page, "Remove true depth")
    assert "True depth:" not in text_of(page) and len(page.selectbox) == 0
    give_depth(page, npy(lobby), "right.npy")
    assert own_errors(page)["mae"]["reg"] < 0.01


def test_a_unit_that_is_not_clear_is_asked_for(lobby):
    page = folds(opened("depth"), "truth", "table")
    give_depth(page, npy(50 / lobby), "disparity.npy")
    assert "this looks like disparity" in page.warning[0].value
    assert not any("rmse" in d.value for d in page.dataframe)
    choose_unit(page, "m")
    assert (own_errors(page)["rmse"] > 1).all()


def test_a_zip_shares_the_unit_of_its_files(lobby):
    page = click(opened("depth"), "Remove")
    page.button_group(key="depth_source").set_value("Zip").run()
    photos = [predict.SHIPPED_SAMPLES[0].read(), png(np.full((90, 120, 3), 99, np.uint8))]
    depths = [as_integers(256 * lobby), as_integers(256 * np.full((90, 120), 3.0))]
    files = {f"rgb/{n}.jpg": photo for n, photo in enumerate(photos)}
    files |= {f"depth/{n}.png": depth for n, depth in enumerate(depths)}
    ran(page.file_uploader[0].set_value(("set.zip", zipped(files), "application/zip")).run())
    folds(page, "truth", "table")
    assert page.dataframe[-1].value["true depth read as"].tolist() == ["metres × 256"] * 2
    assert "(16-bit PNG, 2 files)" in text_of(page)
    box = next(b for b in page.selectbox if b.label == "Unit of the 2 files in this format")
    ran(box.set_value("x5000").run())
    assert page.dataframe[-1].value["true depth read as"].tolist() == ["metres × 5000"] * 2


def test_bad_files_are_reported_and_the_photo_stays():
    page = folds(opened("depth"), "table")
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
    page = opened("depth")
    assert name in page.error[0].value


def test_a_missing_pair_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv(pairs.ROOT, str(tmp_path))
    page = click(opened("depth"), "A lobby")
    assert "python -m regcls train depth" in page.error[0].value


def test_problems_of_earlier_uploads_disappear(lobby):
    page = folds(opened("depth"), "truth")
    give_depth(page, b"words", "words.pfm")
    assert page.warning[0].value.startswith("words.pfm cannot be read")
    give_depth(page, npy(lobby), "right.npy")
    assert not page.warning
    ran(page.file_uploader[0].set_value([("words.jpg", b"words", "image/jpeg")]).run())
    assert page.warning[0].value.startswith("words.jpg cannot be read")
    click(page, "A hall")
    assert not page.warning


def test_nothing_heavy_is_imported_when_the_page_opens():
    assert imported_by("depth", ("torch", "onnxruntime", "scipy.stats", "cv2", "sklearn")) == []
