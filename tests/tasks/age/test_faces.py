"""Faces: detection, and crops aligned as the training photos."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from regcls.io import images
from regcls.tasks.age import faces, predict, views


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return images.read_image(predict.SHIPPED_SAMPLES[1].read()).pixels


def placed(pixels: np.ndarray, scale: float, degrees: float, x: float, y: float, size=(1400, 1000)):
    """The photo scaled, turned, with its centre at (x, y) of a grey canvas; and the matrix."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += (x - width / 2, y - height / 2)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(pixels, matrix, size, flags=how, borderValue=(128, 128, 128)), matrix


def test_each_sample_has_one_face_aligned_as_in_training():
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
    assert off.mean() < 0.06
    # Crops are sharp, so that half a pixel changes their finest details: these are averaged.
    a, b = (
        cv2.blur(faces.crop(*of, 96), (3, 3)).astype(float).ravel()
        for of in ((portrait, plain), (canvas, found))
    )
    likeness = np.corrcoef(a, b)[0, 1]
    assert likeness > 0.85  # a crop shifted by a tenth of its side: about 0.6


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("sample", predict.SHIPPED_SAMPLES, ids=lambda one: one.file)
def test_a_turned_photo_gives_the_same_crop(sample, turns):
    """The detector also finds faces that are upside down, with eyes where the mouth is."""
    pixels = images.read_image(sample.read()).pixels
    turned = np.ascontiguousarray(np.rot90(pixels, turns))
    (plain,), (found,) = faces.detect(pixels), faces.detect(turned)
    a, b = (faces.crop(*of, 96).astype(float) for of in ((pixels, plain), (turned, found)))
    assert np.abs(a - b).mean() < 6
    left, top, width, height = found.box
    inside = np.array(found.points) - (left, top)
    assert (inside > 0).all() and (inside < (width, height)).all()
    assert views.doubts(faces.alignment(found)) and not views.doubts(faces.alignment(plain))


def test_a_small_face_is_unsure(portrait):
    small = cv2.resize(portrait, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    (face,) = faces.detect(small)
    (doubt,) = views.doubts(faces.alignment(face))
    assert "pixels wide" in doubt


def test_views_are_the_crop_its_mirror_image_and_shifts(portrait):
    (face,) = faces.detect(portrait)
    found = views.crops(portrait, faces.alignment(face), 96).astype(int)
    assert found.shape == (len(views.VIEWS), 96, 96, 3)
    crop = faces.crop(portrait, face, 96).astype(int)
    assert np.abs(found[0] - crop).max() <= 3 and np.abs(found[1] - crop[:, ::-1]).max() <= 3
    assert np.abs(found[5][:-3] - crop[3:]).mean() < 2  # one step down: the face moves up


def test_crops_are_as_sharp_as_training_photos():
    """An average over pixels is softer than the Lanczos filter that reduced the training photos."""
    rng = np.random.default_rng(0)
    photo = cv2.GaussianBlur(rng.integers(0, 256, (128, 128, 3), np.uint8), (0, 0), 0.8)
    training = np.asarray(Image.fromarray(photo).resize((96, 96), Image.Resampling.LANCZOS))
    crop = faces.centre_crop(photo, 96)
    assert 0.95 < crop.std() / training.std() < 1.05
    assert np.abs(crop.astype(int) - training).mean() < 3


def test_several_faces_are_sorted_by_size_without_duplicates(portrait):
    large, _ = placed(portrait, 1.2, 0, 350, 500)
    small, _ = placed(portrait, 0.5, 0, 1100, 500)
    both = np.where(np.arange(1400)[None, :, None] < 800, large, small)
    found = faces.detect(both)
    assert len(found) == 2
    assert found[0].area > 2 * found[1].area and found[0].box[0] < found[1].box[0]


def test_noise_and_thin_strips_have_no_face():
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    assert faces.detect(noise) == []
    assert faces.detect(np.full((16, 5000, 3), 90, np.uint8)) == []


def test_crops_are_antialiased():
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
