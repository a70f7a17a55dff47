"""The photos of one session, with true depth."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.tasks.depth.gallery import Gallery, own_metrics
from tests.helpers.photo_files import png, room


def test_errors_of_own_photos_per_range(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    assert gallery.report(pair.reg.card) is None
    truth = np.full((240, 320), 0, np.uint16)
    truth[:, :160] = 2500  # reg says 2.0 there, reg+cls 2.5; the other half is not known
    assert gallery.add_truth(key, png(truth), "truth.png")
    table = gallery.report(pair.reg.card).table().set_index(["model", "low"])
    assert table.loc[("reg", 2.0), "mae"] == pytest.approx(0.5, abs=0.03)
    assert table.loc[("reg+cls", 2.0), "mae"] == pytest.approx(0.0, abs=0.03)
    assert table["test"].groupby("model").sum().tolist() == [24 * 16, 24 * 16]
    metrics = own_metrics(gallery.entries[key]).set_index("model")
    assert metrics.loc["reg", "rmse"] == pytest.approx(0.5, abs=0.03)
    assert metrics.loc["reg+cls", "delta1"] == 1.0


def test_a_bad_true_depth_keeps_the_photo(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    assert not gallery.add_truth(key, b"", "truth.png")
    assert gallery.problems == [("truth.png", "truth.png is empty.")]
    assert gallery.entries[key].truth is None
    assert gallery.add(b"words", "words.jpg", pair) is None and len(gallery.entries) == 1


def test_a_true_depth_with_too_few_pixels_is_rejected(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    truth = np.zeros((240, 320), np.uint16)
    truth[0, 1] = 2000
    assert not gallery.add_truth(key, png(truth), "thin.png")
    assert "too few pixels" in gallery.problems[0][1] and gallery.entries[key].truth is None
