"""Files of the Depth page's differences and point clouds."""

from __future__ import annotations

import io

import numpy as np

from regcls.tasks.depth import files, predict
from tests.helpers.photo_files import room


def test_the_difference_has_the_size_of_the_photo(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    gap = np.load(io.BytesIO(files.difference_npy(photo)))
    assert gap.dtype == np.float32 and gap.shape == photo.pixels.shape[:2]
    assert np.allclose(gap, 0.5, atol=0.02)


def test_a_point_cloud_has_one_line_per_point(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    points = predict.point_cloud(photo, "reg", 60.0)
    header, body = files.cloud_ply(points).split("end_header\n")
    assert f"element vertex {len(points)}\n" in header
    rows = np.array([line.split() for line in body.splitlines()], float)
    assert rows.shape == (len(points), 6)
    assert np.allclose(rows[:, 2], -points["z"], atol=1e-4)
    assert rows[:, 3:].min() >= 0 and rows[:, 3:].max() <= 255
