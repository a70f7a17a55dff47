"""Age estimates of photos, their intervals and the errors of the pair."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from regcls.inference import readouts
from regcls.tasks import pairs, reports
from regcls.tasks.age import predict
from tests.helpers.photo_files import png


def test_a_photo_gets_predictions_of_both_models(pair):
    photo = predict.predict_photo(predict.SHIPPED_SAMPLES[0].read(), "eileen.jpg", pair)
    (face,) = photo.faces
    assert photo.found and face.crop.shape == (96, 96, 3)
    expected = face.crop.mean() * 100 / 255  # what the test's model computes
    for model in pairs.MODELS:
        answer = face.estimates[model]
        assert answer.age == pytest.approx(expected, abs=1e-3)
        ends = (answer.interval.low, answer.interval.high)
        assert ends == pytest.approx((expected - 9, expected + 9), abs=1e-3)
        assert answer.interval.level == 0.9 and photo.milliseconds[model] > 0
    assert face.probabilities.sum() == pytest.approx(1)
    assert set(face.spread) == set(pairs.MODELS) and face.doubts == ()
    brightness = face.views.mean(axis=(1, 2, 3)) * 100 / 255
    assert face.spread["reg"] == pytest.approx((brightness.min(), brightness.max()), abs=1e-3)
    likeliest = np.argmax(face.probabilities)
    assert face.class_edges[likeliest] <= expected <= face.class_edges[likeliest + 1]


def test_a_photo_without_a_face_gets_its_centre_crop(pair):
    photo = predict.predict_photo(png(np.full((200, 300, 3), 51, np.uint8)), "wall.png", pair)
    assert not photo.found
    assert photo.faces[0].estimates["reg"].age == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize(("model", "column"), [("reg", "reg"), ("regcls", "regcls")])
def test_the_shipped_intervals_cover_the_test_photos(model, column):
    shipped = pairs.load_pair("age")
    card = getattr(shipped, model).card
    intervals = [readouts.interval(card, value) for value in shipped.predictions[column]]
    truth = shipped.predictions["y_true"]
    covered = [a.low <= t <= a.high for a, t in zip(intervals, truth, strict=True)]
    # Calibrated on about 470 other photos: three standard errors around 90% on about 755.
    assert 0.84 < np.mean(covered) < 0.96


def test_training_counts_are_summed_over_the_ranges(pair):
    counts = reports.train_counts(pair.reg.card, predict.ranges(pair.reg.card))
    assert counts.tolist() == pair.reg.card.training_histogram["counts"]
    report = predict.pair_report(pair)
    assert report.names == pairs.MODELS and report.test_counts.sum() == len(pair.predictions)


def test_heavy_libraries_are_imported_on_first_use():
    code = (
        "import sys, regcls.tasks.age.predict, regcls.io.images;"
        "print([m for m in ('torch', 'onnxruntime', 'onnx', 'cv2', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_stored_sample_is_what_the_shipped_pair_predicts():
    """After a change of the models: ``python -m regcls.tasks.store_samples``."""
    pair = predict.load()
    stored = predict.first_sample(pair)
    assert stored is not None, "the stored predictions are of other models"
    sample = predict.FIRST_SAMPLE
    photo = predict.predict_photo(sample.read(), sample.title, pair)
    assert len(stored.faces) == len(photo.faces) and stored.name == photo.name
    for a, b in zip(stored.faces, photo.faces, strict=True):
        for model in pairs.MODELS:
            assert a.estimates[model].age == pytest.approx(b.estimates[model].age, abs=0.05)
            assert a.spread[model] == pytest.approx(b.spread[model], abs=0.05)
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-3)
    assert all(np.isnan(time) for time in stored.milliseconds.values())


def test_other_models_do_not_get_the_stored_sample(pair):
    assert predict.first_sample(pair) is None
