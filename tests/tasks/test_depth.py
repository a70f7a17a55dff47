"""Depth: metrics by hand, the photo's own aspect, points in space, true depth and what is none."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from regcls.io import images
from regcls.tasks import pairs
from regcls.tasks.depth import charts as depth_charts
from regcls.tasks.depth import ground_truth, predict
from regcls.tasks.depth import metrics as depth_metrics
from regcls.tasks.depth.gallery import Gallery, own_metrics
from regcls.tasks.depth.predict import PhotoDepth
from regcls.tasks.pairs import Pair
from tests.helpers import fake_depth


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Pair:
    root = tmp_path_factory.mktemp("models")
    fake_depth.make_pair(root)
    return pairs.load_pair("depth", root)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def room(height: int = 240, width: int = 320) -> bytes:
    """The left half is dark (near), the right half bright (far)."""
    pixels = np.full((height, width, 3), 51, np.uint8)
    pixels[:, width // 2 :] = 204
    return png(pixels)


# Metrics and shots


def test_metrics_by_hand():
    found = depth_metrics.metrics(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]))
    assert found["rmse"] == pytest.approx(np.sqrt(5 / 3))
    assert found["mae"] == pytest.approx(1.0)
    assert found["abs_rel"] == pytest.approx((0 + 0.5 + 0.5) / 3)
    assert found["log10"] == pytest.approx((np.log10(1.5) + np.log10(2)) / 3)
    assert found["delta1"] == pytest.approx(1 / 3)  # ratios 1, 1.5, 2 against 1.25, 1.5625, 1.953
    assert found["delta2"] == pytest.approx(2 / 3) and found["delta3"] == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no pixel with a known depth"):
        depth_metrics.metrics(np.array([]), np.array([]))


def test_shots_of_nyud2_dir():
    metres = np.array([0.75, 0.95, 4.55, 4.75, 6.35, 9.99])
    assert depth_metrics.nyud2_dir_shots(metres).tolist() == [
        "medium", "many", "many", "many", "medium", "few",
    ]  # fmt: skip


def test_own_shots_take_the_same_shares():
    counts = np.array([960, 20, 15, 5])
    assert depth_metrics.own_shots(counts).tolist() == ["many", "medium", "medium", "few"]


# Photos


@pytest.mark.parametrize(("height", "width"), [(240, 320), (320, 240), (200, 600), (31, 40)])
def test_maps_keep_the_photos_aspect(pair, height, width):
    photo = predict.predict_photo(room(height, width), "room.png", pair)
    h, w = photo.depth["reg"].shape
    assert h / w == pytest.approx(height / width, rel=0.15)
    assert photo.depth["reg"][h // 2, 1] == pytest.approx(2.0, abs=0.1)
    assert photo.depth["reg"][h // 2, -2] == pytest.approx(8.0, abs=0.1)
    assert photo.depth["reg+cls"][h // 2, 1] == pytest.approx(2.5, abs=0.1)
    assert predict.enlarged(photo, "reg").shape == photo.pixels.shape[:2]


def test_a_cloud_of_a_wall_is_flat_and_as_wide_as_the_lens_says():
    wall = {m: np.full((30, 40), 2.0, np.float32) for m in ("reg", "reg+cls")}
    focal = 20 / np.tan(np.radians(predict.FIELD_OF_VIEW / 2))
    photo = PhotoDepth("wall", np.zeros((30, 40, 3), np.uint8), wall, focal, (), {})
    points = predict.point_cloud(photo, "reg", 90.0)
    assert len(points) == 30 * 40
    assert (points["z"] == 2.0).all()
    width = points["x"].max() - points["x"].min()
    assert width == pytest.approx(2 * 2.0 * np.tan(np.radians(45)) * 39 / 40, rel=1e-3)
    assert points["y"].iloc[0] > points["y"].iloc[-1]  # the first row is the top


def test_shares_count_pixels(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    table = predict.pixel_shares(photo, pair.reg.card)
    mine = table[table["model"] == "reg"]["share"].to_numpy()
    assert mine[2] == pytest.approx(0.5, abs=0.05) or mine[1] == pytest.approx(0.5, abs=0.05)
    assert all(
        table[table["model"] == m]["share"].sum() == pytest.approx(1)
        for m in ("reg", "reg+cls", "training")
    )


# True depth


def truth_mm(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width), 3000, np.uint16)


def test_a_png_in_millimetres_and_an_array_in_metres_are_the_same():
    for data, name in ((png(truth_mm()), "t.png"), (npy(truth_mm() / 1000), "t.npy")):
        metres, notes = ground_truth.read(data, name, (240, 320))
        assert metres.shape == (240, 320) and np.allclose(metres, 3.0) and notes == ()


def test_files_out_are_files_in():
    metres = np.linspace(0.5, 9.5, 240 * 320, dtype=np.float32).reshape(240, 320)
    for data, name in (
        (ground_truth.as_png(metres), "t.png"),
        (ground_truth.as_npy(metres), "t.npy"),
    ):
        again, _ = ground_truth.read(data, name, (240, 320))
        np.testing.assert_allclose(again, metres, atol=6e-4)


BAD_TRUTHS = {
    "empty": (b"", "is empty"),
    "words": (b"just words", "neither a 16-bit PNG nor an .npy"),
    "all zeros": (png(np.zeros((240, 320), np.uint16)), "has no depth"),
    "NaN only": (npy(np.full((240, 320), np.nan)), "has no depth"),
    "metres by mistake": (png(np.full((240, 320), 3, np.uint16)), "seems to be in metres"),
    "millimetres by mistake": (npy(np.full((240, 320), 3000.0)), "seems to be in millimetres"),
    "another photo's": (png(truth_mm(320, 240)), "another aspect ratio than the photo"),
    "eight bits": (png(np.full((240, 320), 200, np.uint8)), "8-bit"),
    "colours": (png(np.zeros((240, 320, 3), np.uint8)), "RGB"),
    "cut short": (png(truth_mm())[:200], "damaged or incomplete"),
    "array cut short": (npy(truth_mm())[:200], "damaged or incomplete"),
    "objects": (npy(np.zeros((2, 2), object)), "real numbers"),
    "nothing": (npy(np.ones((0, 0))), "one depth per pixel"),
    "too large for a float": (npy(np.full((240, 320), 1e300)), "has no depth"),
    "a cube": (npy(np.ones((24, 32, 3))), "one depth per pixel"),
}


@pytest.mark.parametrize(("data", "words"), BAD_TRUTHS.values(), ids=BAD_TRUTHS.keys())
def test_what_is_no_true_depth_gets_a_sentence(data, words):
    with pytest.raises(images.MediaError) as caught:
        ground_truth.read(data, "t.file", (240, 320))
    assert words in str(caught.value) and str(caught.value).startswith("t.file")
    assert caught.value.sentence.endswith(".")


def test_another_size_and_far_depths_are_noted():
    metres, notes = ground_truth.read(npy(np.full((120, 160), 12.0)), "t.npy", (240, 320))
    assert metres.shape == (120, 160)
    assert "another size" in notes[0] and "beyond 10 m" in notes[1]


def test_pixels_between_two_depths_are_one_or_the_other():
    edge = np.zeros((100, 100), np.float32)
    edge[:, 50:] = 9.0
    assert set(np.unique(ground_truth.resized(edge, (33, 33)))) == {0.0, 9.0}


# Albums


def test_own_errors_join_in_their_ranges(pair):
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


def test_a_bad_truth_leaves_the_photo(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    assert not gallery.add_truth(key, b"", "truth.png")
    assert gallery.problems == [("truth.png", "truth.png is empty.")]
    assert gallery.entries[key].truth is None
    assert gallery.add(b"words", "words.jpg", pair) is None and len(gallery.entries) == 1


def test_a_truth_too_thin_for_the_maps_is_told(pair):
    gallery = Gallery()
    key = gallery.add(room(), "room.png", pair)
    truth = np.zeros((240, 320), np.uint16)
    truth[0, 1] = 2000
    assert not gallery.add_truth(key, png(truth), "thin.png")
    assert "too few pixels" in gallery.problems[0][1] and gallery.entries[key].truth is None


# Pictures


def test_both_maps_share_one_scale_and_tell_both_values(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    figure = depth_charts.maps(photo, point=(5, 7)).to_dict()
    heat = [trace for trace in figure["data"] if trace["type"] == "heatmap"]
    assert [trace["coloraxis"] for trace in heat] == ["coloraxis", "coloraxis"]
    low, high = depth_charts.limits(photo)
    assert figure["layout"]["coloraxis"]["cmin"] == low <= 2.0
    assert figure["layout"]["coloraxis"]["cmax"] == high >= 8.5
    assert "reg: " in heat[0]["hovertemplate"] and "reg+cls: " in heat[0]["hovertemplate"]


def test_a_true_depth_gets_a_map_of_its_own(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    truth = np.full(photo.depth["reg"].shape, 5.0, np.float32)
    truth[0] = 0
    heat = [trace for trace in depth_charts.maps(photo, truth).data if trace.type == "heatmap"]
    assert len(heat) == 3 and np.isnan(heat[2].z[0]).all()


def test_the_difference_is_centred_on_zero(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    (trace,) = depth_charts.difference(photo).data
    assert trace.zmin == -trace.zmax
    assert np.allclose(trace.z, 0.5, atol=0.02)


def test_colours_run_over_the_whole_scale():
    ends = depth_charts.coloured(np.array([[0.0, 10.0]]), (2.0, 8.0))[0]
    assert np.abs(ends[0].astype(int) - ends[1]).max() > 150
    inside = depth_charts.coloured(np.array([[2.0, 8.0]]), (2.0, 8.0))[0]
    assert (inside == ends).all()
