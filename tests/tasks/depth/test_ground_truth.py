"""Files of depth: valid, unusual and unusable ones."""

from __future__ import annotations

import io

import numpy as np
import pytest

from regcls.io import images
from regcls.tasks.depth import ground_truth
from tests.helpers.photo_files import png


def npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def truth_mm(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width), 3000, np.uint16)


def test_a_png_in_millimetres_and_an_array_in_metres_are_the_same():
    for data, name in ((png(truth_mm()), "t.png"), (npy(truth_mm() / 1000), "t.npy")):
        metres, notes = ground_truth.read(data, name, (240, 320))
        assert metres.shape == (240, 320) and np.allclose(metres, 3.0) and notes == ()


def test_downloads_can_be_read_again():
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
def test_an_unusable_file_is_rejected_with_a_sentence(data, words):
    with pytest.raises(images.MediaError) as caught:
        ground_truth.read(data, "t.file", (240, 320))
    assert words in str(caught.value) and str(caught.value).startswith("t.file")
    assert caught.value.sentence.endswith(".")


def test_another_size_and_far_depths_are_noted():
    metres, notes = ground_truth.read(npy(np.full((120, 160), 12.0)), "t.npy", (240, 320))
    assert metres.shape == (120, 160)
    assert "another size" in notes[0] and "beyond 10 m" in notes[1]


def test_resizing_does_not_mix_depths():
    edge = np.zeros((100, 100), np.float32)
    edge[:, 50:] = 9.0
    assert set(np.unique(ground_truth.resized(edge, (33, 33)))) == {0.0, 9.0}
