"""True depth of a photo: size, unit, notes and downloads."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.io import images
from regcls.tasks.depth import ground_truth
from regcls.tasks.depth.ground_truth import TrueDepth
from regcls.tasks.depth.predict import PhotoDepth
from tests.helpers.depth_files import as_integers, npy, pfm, stored, tiff
from tests.helpers.photo_files import png


def photo(height: int = 240, width: int = 320) -> PhotoDepth:
    """Predictions from 1 to 5 m (reg) and 1.2 to 5.2 m (reg+cls) at a quarter of the size."""
    ramp = np.linspace(1, 5, height * width // 16, dtype=np.float32)
    small = ramp.reshape(height // 4, width // 4)
    pixels = np.zeros((height, width, 3), np.uint8)
    return PhotoDepth("a.jpg", pixels, {"reg": small, "reg+cls": small + 0.2}, 100.0, (), {})


def truth(height: int = 240, width: int = 320) -> np.ndarray:
    """The depth between both predictions at the size of the photo."""
    return np.linspace(1.1, 5.1, height * width, dtype=np.float32).reshape(height, width)


def read(data: bytes, name: str, unit: str = "auto") -> TrueDepth:
    (found,) = ground_truth.decided([ground_truth.read(data, name, photo())], unit)
    return found


SAME = {
    "mm as PNG": (as_integers(stored(truth(), "mm")), "mm", "16-bit PNG"),
    "× 256 as PNG": (as_integers(stored(truth(), "x256")), "x256", "16-bit PNG"),
    "× 5000 as PNG": (as_integers(stored(truth(), "x5000")), "x5000", "16-bit PNG"),
    "m as npy": (npy(truth()), "m", ".npy"),
    "m as PFM": (pfm(truth()), "m", "PFM"),
    "cm as TIFF": (tiff(stored(truth(), "cm")), "cm", "float TIFF"),
    "1/m as npy": (npy(stored(truth(), "inverse")), "inverse", ".npy"),
}


@pytest.mark.parametrize(("data", "unit", "kind"), SAME.values(), ids=SAME.keys())
def test_the_same_depth_in_all_units_and_formats(data, unit, kind):
    found = read(data, "t.file")
    assert found.reading.unit == unit and found.reading.doubt == "" and found.notes == ()
    assert f"({kind})" in found.reading.sentence
    assert found.median == pytest.approx(3.1, abs=0.01)
    # One stored step at × 256 is 4 mm; a map has every fourth pixel of the file.
    np.testing.assert_allclose(found.metres, ground_truth.resized(truth(), (60, 80)), atol=0.02)


def test_another_unit_is_taken_when_chosen():
    found = read(as_integers(stored(truth(), "x256")), "t.png", "mm")
    assert found.median == pytest.approx(3.1 * 0.256, abs=0.01)
    assert found.reading.chosen and "In metres × 256 it would be 1" in found.reading.sentence


def test_an_unknown_unit_is_a_problem_until_it_is_chosen():
    data = npy(truth() / 50)
    found = read(data, "t.npy")
    assert found.metres is None and found.median is None and found.notes == ()
    assert found.problem.startswith("The unit of the true depth is not clear")
    assert found.problem.endswith(".")
    assert read(data, "t.npy", "cm").metres is not None


BAD_TRUTHS = {
    "damaged": (npy(truth())[:-8], "damaged"),
    "another photo's": (npy(truth(320, 240)), "another aspect ratio than the photo"),
    "too few pixels": (
        png(np.pad(np.full((1, 1), 2000, np.uint16), ((0, 239), (1, 318)))),
        "too few pixels with a known depth",
    ),
}


@pytest.mark.parametrize(("data", "words"), BAD_TRUTHS.values(), ids=BAD_TRUTHS.keys())
def test_an_unusable_file_is_refused_with_a_sentence(data, words):
    with pytest.raises(images.MediaError) as caught:
        ground_truth.read(data, "t.file", photo())
    assert words in str(caught.value) and str(caught.value).startswith("t.file")
    assert caught.value.sentence.endswith(".")


def test_another_size_marks_and_far_depths_are_noted():
    values = np.rint(1000 * truth(120, 160))
    values[:60] = 65535
    values[100:] = 12_000
    found = read(as_integers(values), "t.png")
    left_out, size, far = found.notes
    assert "9,600 pixels (50%) with the value 65535" in left_out
    assert "another size" in size and "33% of t.png is beyond 10 m" in far


def test_files_of_one_format_share_a_unit_and_an_odd_one_is_noted():
    one = ground_truth.read(as_integers(stored(truth(), "x256")), "a.png", photo())
    odd = ground_truth.read(as_integers(stored(truth(), "mm")), "odd.png", photo())
    other = ground_truth.read(npy(truth()), "b.npy", photo())
    first, *_, last, array = ground_truth.decided([one, one, one, odd, other])
    assert {first.reading.unit, last.reading.unit} == {"x256"} and array.reading.unit == "m"
    assert "4 files" in first.reading.sentence and array.reading.files == 1
    assert first.notes == () and "odd.png may have another unit" in last.notes[0]


def test_downloads_can_be_read_again():
    metres = truth()
    for data in (ground_truth.as_png(metres), ground_truth.as_npy(metres)):
        again = read(data, "t").metres
        np.testing.assert_allclose(again, ground_truth.resized(metres, (60, 80)), atol=6e-4)


def test_resizing_does_not_mix_depths():
    edge = np.zeros((100, 100), np.float32)
    edge[:, 50:] = 9.0
    assert set(np.unique(ground_truth.resized(edge, (33, 33)))) == {0.0, 9.0}
