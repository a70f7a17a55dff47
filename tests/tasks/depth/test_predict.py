"""Depth maps of photos, point clouds and shares of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.tasks.depth import predict
from regcls.tasks.depth.predict import PhotoDepth
from tests.helpers.photo_files import room


@pytest.mark.parametrize(("height", "width"), [(240, 320), (320, 240), (200, 600), (31, 40)])
def test_maps_have_the_aspect_ratio_of_the_photo(pair, height, width):
    photo = predict.predict_photo(room(height, width), "room.png", pair)
    h, w = photo.depth["reg"].shape
    assert h / w == pytest.approx(height / width, rel=0.15)
    assert photo.depth["reg"][h // 2, 1] == pytest.approx(2.0, abs=0.1)
    assert photo.depth["reg"][h // 2, -2] == pytest.approx(8.0, abs=0.1)
    assert photo.depth["reg+cls"][h // 2, 1] == pytest.approx(2.5, abs=0.1)
    assert predict.enlarged(photo, "reg").shape == photo.pixels.shape[:2]


def test_the_point_cloud_of_a_wall_is_flat_and_matches_the_field_of_view():
    wall = {m: np.full((30, 40), 2.0, np.float32) for m in ("reg", "reg+cls")}
    focal = 20 / np.tan(np.radians(predict.FIELD_OF_VIEW / 2))
    photo = PhotoDepth("wall", np.zeros((30, 40, 3), np.uint8), wall, focal, (), {})
    points = predict.point_cloud(photo, "reg", 90.0)
    assert len(points) == 30 * 40
    assert (points["z"] == 2.0).all()
    width = points["x"].max() - points["x"].min()
    assert width == pytest.approx(2 * 2.0 * np.tan(np.radians(45)) * 39 / 40, rel=1e-3)
    assert points["y"].iloc[0] > points["y"].iloc[-1]  # the first row is the top


def test_pixel_shares(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    table = predict.pixel_shares(photo, pair.reg.card)
    mine = table[table["model"] == "reg"]["share"].to_numpy()
    assert mine[2] == pytest.approx(0.5, abs=0.05) or mine[1] == pytest.approx(0.5, abs=0.05)
    assert all(
        table[table["model"] == m]["share"].sum() == pytest.approx(1)
        for m in ("reg", "reg+cls", "training")
    )


def test_the_stored_sample_is_what_the_shipped_pair_predicts():
    """After a change of the models: ``python -m regcls.tasks.store_samples``."""
    pair = predict.load()
    stored, sample = predict.first_sample(pair), predict.FIRST_SAMPLE
    assert stored is not None, "the stored predictions are of other models"
    photo = predict.predict_photo(sample.read(), sample.title, pair)
    assert stored.name == photo.name and stored.focal == pytest.approx(photo.focal)
    assert (stored.pixels == photo.pixels).all()
    for model, metres in photo.depth.items():
        np.testing.assert_allclose(stored.depth[model], metres, atol=0.002)
