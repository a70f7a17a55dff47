"""Faces found and cropped as the training photos are; answers, intervals and albums of photos."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from regcls.io import images
from regcls.stats.conformal import conformal_radius
from regcls.tasks import pairs, reports
from regcls.tasks.age import faces, predict
from regcls.tasks.age import table as age_table
from regcls.tasks.age.gallery import Gallery
from tests.helpers import fake_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    fake_pair.make_pair(root)
    return pairs.load_pair("age", root)


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return images.read_image(predict.SHIPPED_SAMPLES[1].read()).pixels


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def placed(pixels: np.ndarray, scale: float, degrees: float, x: float, y: float, size=(1400, 1000)):
    """The photo scaled, turned, with its centre at (x, y) of a grey canvas; and the matrix."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += (x - width / 2, y - height / 2)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(pixels, matrix, size, flags=how, borderValue=(128, 128, 128)), matrix


def test_the_samples_have_one_face_each_with_its_eyes_where_training_has_them():
    for sample in predict.SHIPPED_SAMPLES:
        pixels = images.read_image(sample.read()).pixels
        (face,) = faces.detect(pixels)
        (again,) = faces.detect(cv2.resize(faces.crop(pixels, face, 96), (192, 192)))
        points = np.array(again.points) / 192
        np.testing.assert_allclose(points, faces.TEMPLATE, atol=0.06)


@pytest.mark.parametrize(
    ("scale", "degrees", "x", "y"),
    [(0.3, 0, 200, 800), (0.6, 25, 900, 400), (1.0, -30, 600, 500), (1.5, 10, 800, 520)],
)
def test_the_crop_does_not_depend_on_where_the_face_is(portrait, scale, degrees, x, y):
    (plain,) = faces.detect(portrait)
    canvas, matrix = placed(portrait, scale, degrees, x, y)
    (found,) = faces.detect(canvas)
    expected = np.array(plain.points) @ matrix[:, :2].T + matrix[:, 2]
    eye_distance = np.hypot(*(expected[1] - expected[0]))
    off = np.hypot(*(np.array(found.points) - expected).T) / eye_distance
    assert off.mean() < 0.09
    a, b = faces.crop(portrait, plain, 96), faces.crop(canvas, found, 96)
    likeness = np.corrcoef(a.astype(float).ravel(), b.astype(float).ravel())[0, 1]
    assert likeness > 0.85  # a crop shifted by a tenth of its side: about 0.6


def test_several_faces_come_largest_first_and_none_twice(portrait):
    large, _ = placed(portrait, 1.2, 0, 350, 500)
    small, _ = placed(portrait, 0.5, 0, 1100, 500)
    both = np.where(np.arange(1400)[None, :, None] < 800, large, small)
    found = faces.detect(both)
    assert len(found) == 2
    assert found[0].area > 2 * found[1].area and found[0].box[0] < found[1].box[0]


def test_no_face_in_noise_nor_in_a_thin_strip():
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    assert faces.detect(noise) == []
    assert faces.detect(np.full((16, 5000, 3), 90, np.uint8)) == []


def test_a_crop_averages_where_the_photo_is_finer():
    checks = np.indices((1200, 1200)).sum(0) % 2 * 255
    pixels = np.repeat(checks[..., None], 3, 2).astype(np.uint8)
    crop = faces.centre_crop(pixels, 96).astype(int)
    assert np.abs(crop - 127).max() < 12  # nearest or plain bilinear sampling would alias


def test_the_centre_crop_is_the_middle_square():
    pixels = np.zeros((96, 288, 3), np.uint8)
    pixels[:, 96:192] = np.arange(96, dtype=np.uint8)[None, :, None]
    assert (faces.centre_crop(pixels, 96) == pixels[:, 96:192]).all()


def test_a_similarity_is_recovered():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(5, 2))
    turn = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    matrix = faces._similarity(source, source @ turn.T + (3, -2))
    np.testing.assert_allclose(matrix, np.c_[turn, [3, -2]], atol=1e-12)


def test_a_photo_gets_both_answers(pair):
    photo = predict.predict_photo(predict.SHIPPED_SAMPLES[0].read(), "eileen.jpg", pair)
    (face,) = photo.faces
    assert photo.found and face.crop.shape == (96, 96, 3)
    expected = face.crop.mean() * 100 / 255  # what the test's model computes
    for model in pairs.MODELS:
        answer = face.estimates[model]
        assert answer.age == pytest.approx(expected, abs=1e-3)
        assert (answer.low, answer.high) == pytest.approx((expected - 9, expected + 9), abs=1e-3)
        assert answer.level == 0.9 and photo.milliseconds[model] > 0
    assert face.probabilities.sum() == pytest.approx(1)
    likeliest = np.argmax(face.probabilities)
    assert face.class_edges[likeliest] <= expected <= face.class_edges[likeliest + 1]


def test_a_photo_without_a_face_offers_its_centre(pair):
    photo = predict.predict_photo(png(np.full((200, 300, 3), 51, np.uint8)), "wall.png", pair)
    assert not photo.found
    assert photo.faces[0].estimates["reg"].age == pytest.approx(20, abs=1e-3)


def test_intervals_take_the_radius_of_the_answers_range_and_stay_within_the_ages():
    card = fake_pair.card()
    radius = list(np.arange(12.0) + 5)
    card = replace(card, calibration={**card.calibration, "radius": radius})
    assert predict.with_interval(34.0, card) == predict.AgeEstimate(34.0, 26.0, 42.0, 0.9)
    assert (
        predict.with_interval(-3.0, card).low == 0 and predict.with_interval(-3.0, card).high == 2
    )
    assert predict.with_interval(119.0, card).high == 120
    bare = predict.with_interval(34.0, replace(card, calibration=None))
    assert bare.age == 34 and np.isnan([bare.low, bare.high, bare.level]).all()


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(1)

    def answers(n):
        truth = rng.uniform(0, 100, n)
        return truth, truth + rng.normal(0, 2 + truth / 10)

    truth, predicted = answers(4000)
    card = fake_pair.card()
    edges = card.calibration["edges"]
    radius = conformal_radius(truth, predicted, edges, 0.9).tolist()
    card = replace(card, calibration={**card.calibration, "radius": radius})
    truth, predicted = answers(6000)
    covered = np.array(
        [
            r.low <= t <= r.high
            for t, r in zip(truth, (predict.with_interval(p, card) for p in predicted), strict=True)
        ]
    )
    assert 0.88 < covered.mean() < 0.93
    for young in (predicted < 30, predicted > 70):
        assert 0.86 < covered[young].mean() < 0.95


@pytest.mark.parametrize(("model", "column"), [("reg", "reg"), ("regcls", "regcls")])
def test_the_shipped_intervals_cover_the_test_photos(model, column):
    shipped = pairs.load_pair("age")
    card = getattr(shipped, model).card
    answers = [predict.with_interval(value, card) for value in shipped.predictions[column]]
    truth = shipped.predictions["y_true"]
    covered = [a.low <= t <= a.high for a, t in zip(answers, truth, strict=True)]
    # Calibrated on about 470 other photos: three standard errors around 90 % on about 755.
    assert 0.84 < np.mean(covered) < 0.96


def test_training_counts_are_summed_over_the_ranges(pair):
    counts = reports.train_counts(pair.reg.card, predict.ranges(pair.reg.card))
    assert counts.tolist() == pair.reg.card.training_histogram["counts"]
    report = predict.pair_report(pair)
    assert report.names == pairs.MODELS and report.test_counts.sum() == len(pair.predictions)


def test_an_album_looks_once_at_each_photo(pair, monkeypatch):
    gallery, looked = Gallery(), []
    monkeypatch.setattr(
        predict,
        "predict_photo",
        lambda *a, real=predict.predict_photo: looked.append(a[1]) or real(*a),
    )
    data = predict.SHIPPED_SAMPLES[1].read()
    first = gallery.add(data, "grace.jpg", pair)
    assert gallery.add(data, "again.jpg", pair, truth=77.0) == first and looked == ["grace.jpg"]
    other = gallery.add(predict.SHIPPED_SAMPLES[0].read(), "grace.jpg", pair)
    assert [e.photo.name for e in gallery.entries.values()] == ["grace.jpg", "grace.jpg (2)"]
    assert gallery.entries[first].truths == {0: 77.0} and gallery.entries[other].truths == {}


def test_one_bad_file_loses_nothing_else(pair):
    gallery = Gallery()
    good = gallery.add(predict.SHIPPED_SAMPLES[0].read(), "good.jpg", pair)
    assert gallery.add(b"", "empty.jpg", pair) is None
    assert gallery.add(b"text" * 99, "text.jpg", pair) is None
    assert list(gallery.entries) == [good]
    assert [name for name, _ in gallery.problems] == ["empty.jpg", "text.jpg"]


def test_a_labelled_zip_joins_the_errors(pair):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "labels.csv", "file,age\ngrace.jpg,77\neileen.jpg,abc\ngone.jpg,3\nbad.jpg,4\n"
        )
        archive.writestr("grace.jpg", predict.SHIPPED_SAMPLES[1].read())
        archive.writestr("eileen.jpg", predict.SHIPPED_SAMPLES[0].read())
        archive.writestr("bad.jpg", b"no photo")
    gallery, heard = Gallery(), []
    assert gallery.add_zip(out.getvalue(), pair, heard.append) == next(iter(gallery.entries))
    assert heard == [0.25, 0.5, 0.75, 1.0]
    assert [name for name, _ in gallery.problems] == ["eileen.jpg", "gone.jpg", "bad.jpg"]
    ((face, truth),) = gallery.labelled_faces()
    report = predict.own_report(gallery.labelled_faces(), pair.reg.card)
    row = report.table().query("test > 0 and model == 'reg'").iloc[0]
    assert (truth, row["low"], row["high"]) == (77.0, 70.0, 80.0)
    assert row["mae"] == pytest.approx(abs(face.estimates["reg"].age - 77))
    assert predict.own_report([], pair.reg.card) is None


def test_a_zip_that_cannot_be_used_is_one_problem(pair):
    gallery = Gallery()
    assert gallery.add_zip(b"no zip", pair, lambda _: None) is None
    assert gallery.problems == [("The zip", "This is not a zip file, or it is damaged.")]


def test_records_and_their_table(pair):
    gallery = Gallery()
    key = gallery.add(predict.SHIPPED_SAMPLES[1].read(), "grace.jpg", pair, truth=77.0)
    wall = gallery.add(png(np.full((200, 300, 3), 51, np.uint8)), "wall.png", pair)
    table = age_table.table(gallery.records())
    assert table["photo"].tolist() == ["grace.jpg", "wall.png"]
    assert table["face"].tolist() == ["1", "none found"]
    answer = gallery.entries[key].faces[0].estimates["reg+cls"].age
    assert table["reg+cls error"][0] == pytest.approx(answer - 77, abs=0.01)
    gallery.entries[wall].centre = True
    assert age_table.table(gallery.records())["face"].tolist() == ["1", "centre crop"]
    assert list(age_table.table([]).columns) == list(table.columns)


def test_files_from_the_command_line(pair, tmp_path, monkeypatch):
    monkeypatch.setenv(pairs.ROOT, str(pair.reg.path.parent.parent))
    (tmp_path / "text.jpg").write_text("no photo")
    good = pairs.SAMPLES / "astronaut.jpg"
    records = age_table.predict_files(
        [good, tmp_path / "text.jpg", tmp_path / "gone.jpg"], predict.load()
    )
    assert json.loads(json.dumps(records)) == records
    assert records[0]["photo"] == str(good) and 0 < records[0]["reg+cls age"] < 100
    assert "as a photo" in records[1]["problem"] and "cannot be read" in records[2]["problem"]


def test_nothing_heavy_is_imported_before_the_first_photo():
    code = (
        "import sys, regcls.tasks.age.predict, regcls.io.images;"
        "print([m for m in ('torch', 'onnxruntime', 'onnx', 'cv2', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_training_targets_are_spread_over_their_cells():
    card = SimpleNamespace(training_histogram={"edges": [0, 2, 4, 10], "counts": [2, 0, 3]})
    assert reports.training_targets(card).tolist() == [0.5, 1.5, 5, 7, 9]
