"""The photos of one session: duplicates, problems, labelled zips."""

from __future__ import annotations

import io
import zipfile

import pytest

from regcls.tasks.age import predict
from regcls.tasks.age.gallery import Gallery


def test_each_photo_is_predicted_once(pair, monkeypatch):
    gallery, predicted = Gallery(), []
    monkeypatch.setattr(
        predict,
        "predict_photo",
        lambda *a, real=predict.predict_photo: predicted.append(a[1]) or real(*a),
    )
    data = predict.SHIPPED_SAMPLES[1].read()
    first = gallery.add(data, "grace.jpg", pair)
    assert gallery.add(data, "again.jpg", pair, truth=77.0) == first and predicted == ["grace.jpg"]
    other = gallery.add(predict.SHIPPED_SAMPLES[0].read(), "grace.jpg", pair)
    assert [e.photo.name for e in gallery.entries.values()] == ["grace.jpg", "grace.jpg (2)"]
    assert gallery.entries[first].truths == {0: 77.0} and gallery.entries[other].truths == {}


def test_a_bad_file_does_not_affect_others(pair):
    gallery = Gallery()
    good = gallery.add(predict.SHIPPED_SAMPLES[0].read(), "good.jpg", pair)
    assert gallery.add(b"", "empty.jpg", pair) is None
    assert gallery.add(b"text" * 99, "text.jpg", pair) is None
    assert list(gallery.entries) == [good]
    assert [name for name, _ in gallery.problems] == ["empty.jpg", "text.jpg"]


def test_a_labelled_zip_adds_to_the_errors(pair):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "labels.csv", "file,age\ngrace.jpg,77\neileen.jpg,abc\ngone.jpg,3\nbad.jpg,4\n"
        )
        archive.writestr("grace.jpg", predict.SHIPPED_SAMPLES[1].read())
        archive.writestr("eileen.jpg", predict.SHIPPED_SAMPLES[0].read())
        archive.writestr("bad.jpg", b"no photo")
    gallery, shares = Gallery(), []
    assert gallery.add_zip(out.getvalue(), pair, shares.append) == next(iter(gallery.entries))
    assert shares == [0.25, 0.5, 0.75, 1.0]
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
