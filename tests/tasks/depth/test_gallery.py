"""The photos of one session, with true depth."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.tasks.depth.gallery import Gallery, own_metrics
from tests.helpers.depth_files import as_integers, npy, zipped
from tests.helpers.photo_files import png, room

# What reg predicts for the room, and 0.2 m more: 2.2 m on the left and 8.2 m on the right.
TRUTH = np.repeat([2.2, 8.2], 160)[None].repeat(240, 0)


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


def test_a_true_depth_can_be_replaced_and_removed(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    for factor, unit in ((1000, "mm"), (256, "x256")):
        assert gallery.add_truth(key, as_integers(factor * TRUTH), f"{unit}.png")
        measured = gallery.entries[key].measured
        assert (measured.name, measured.reading.unit) == (f"{unit}.png", unit)
    assert not gallery.add_truth(key, b"", "bad.png")
    assert gallery.entries[key].measured is measured, "a bad file does not replace a good one"
    gallery.remove_truth(key)
    assert gallery.entries[key].truth is None and gallery.report(pair.reg.card) is None


def test_errors_follow_the_unit(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    gallery.add_truth(key, as_integers(256 * TRUTH), "t.png")
    right = own_metrics(gallery.entries[key])["mae"][0]
    gallery.set_unit(key, "mm")
    assert own_metrics(gallery.entries[key])["mae"][0] > 5 * right
    gallery.set_unit(key, "auto")
    assert own_metrics(gallery.entries[key])["mae"][0] == right


def test_a_file_whose_unit_is_not_clear_waits_for_a_choice(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    assert gallery.add_truth(key, npy(TRUTH / 80), "relative.npy")
    entry = gallery.entries[key]
    assert entry.truth is None and "not clear" in entry.measured.problem
    assert gallery.report(pair.reg.card) is None
    gallery.set_unit(key, "m")
    assert gallery.report(pair.reg.card) is not None


def test_a_zip_decides_the_unit_once_per_format(pair):
    """Of three PNG files in × 256, one looks like millimetres on its own."""
    near = np.where(TRUTH > 0, TRUTH * 4, 0)
    files = {"notes.txt": b"words"}
    for number, depth in enumerate((TRUTH, TRUTH, near, TRUTH)):
        files[f"rgb/{number}.png"] = room(width=320 + 2 * number)
        kind = (npy(depth), "npy") if number == 3 else (as_integers(256 * depth), "png")
        files[f"depth/{number}.{kind[1]}"] = kind[0]
    gallery = Gallery()
    shares = []
    first = gallery.add_zip(zipped(files), pair, shares.append)
    assert shares[-1] == 1.0 and [name for name, _ in gallery.problems] == ["notes.txt"]
    read = [entry.measured.reading for entry in gallery.entries.values()]
    assert [reading.unit for reading in read] == ["x256", "x256", "x256", "m"]
    assert [reading.files for reading in read] == [3, 3, 3, 1]
    gallery.set_unit(first, "mm")
    units = [entry.measured.reading.unit for entry in gallery.entries.values()]
    assert units == ["mm", "mm", "mm", "m"]
    assert gallery.add_zip(b"words", pair, shares.append) is None
    assert gallery.problems[-1][0] == "The zip"


def test_depth_beyond_the_ranges_is_left_out_of_them_only(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    far = np.where(TRUTH > 5, 12.0, TRUTH)
    gallery.add_truth(key, npy(far), "far.npy")
    entry = gallery.entries[key]
    assert "50% of far.npy is beyond 10 m" in entry.measured.notes[0]
    table = gallery.report(pair.reg.card).table()
    assert table["test"].groupby(table["model"]).sum()["reg"] == entry.truth.size // 2
    assert own_metrics(entry)["mae"][0] > 1.5, "8 m predicted for 12 m"
    gallery.add_truth(key, npy(np.full_like(far, 11.0)), "farther.npy", "m")
    assert gallery.report(pair.reg.card) is None
