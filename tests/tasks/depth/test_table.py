"""Records of photos: predictions, true depth, and files that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from regcls.cli.output import plain
from regcls.exceptions import UserError
from regcls.tasks.depth import table
from tests.helpers.depth_files import as_integers, npy, stored
from tests.helpers.photo_files import room


def truth() -> np.ndarray:
    """2.2 m on the left and 8.2 m on the right; reg predicts 2 and 8, reg+cls 0.5 more."""
    metres = np.full((240, 320), 2.2)
    metres[:, 160:] = 8.2
    return metres


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in "ab"]
    for number, path in enumerate(paths):
        path.write_bytes(room(width=320 + 2 * number))
    return paths


def test_photos_alone_have_no_errors(pair, photos):
    records = table.predict_files(photos, pair)
    assert len(records) == 2 and not any("MAE" in key for key in records[0])


def test_errors_against_one_file_per_photo(pair, photos, tmp_path):
    for name, unit in (("a", "x256"), ("b", "x256")):
        (tmp_path / f"{name}_depth.png").write_bytes(as_integers(stored(truth(), unit)))
    truths = [tmp_path / "a_depth.png", tmp_path / "b_depth.png"]
    records = table.predict_files(photos, pair, truths)
    assert [record["reg MAE"] for record in records] == pytest.approx([0.2, 0.2], abs=0.04)
    assert records[0]["true depth read as"] == "metres × 256"
    found = records[0][table.TRUTH]
    assert (found["unit"], found["unit chosen"], found["files in this format"]) == (
        "x256",
        False,
        2,
    )
    assert found["metrics"]["reg+cls"]["mae"] == pytest.approx(0.3, abs=0.05)
    assert "read as metres × 256 (16-bit PNG, 2 files)" in found["read as"]
    json.dumps(plain(records), allow_nan=False)


def test_a_folder_is_matched_by_names_and_a_unit_can_be_chosen(pair, photos, tmp_path):
    folder = tmp_path / "depth"
    folder.mkdir()
    (folder / "b_depth.npy").write_bytes(npy(stored(truth(), "mm")))
    (folder / "notes.txt").write_text("not a depth file")
    a, b = table.predict_files(photos, pair, [folder], "cm")
    assert table.TRUTH not in a and b["true median"] == pytest.approx(52.0)
    assert b[table.TRUTH]["unit chosen"] and not b[table.TRUTH]["unit certain"]


def test_unusable_files_are_reported_and_the_predictions_stay(pair, photos, tmp_path):
    words, relative = tmp_path / "words.npy", tmp_path / "relative.npy"
    words.write_text("Dear diary")
    relative.write_bytes(npy(truth() / 80))
    a, b, first, second = table.predict_files(photos, pair, [words, relative])
    assert "reg median" in a and "reg median" in b and "reg MAE" not in b
    assert first["problem"].startswith("words.npy cannot be read as a depth map")
    assert second["problem"].startswith("relative.npy: The unit of the true depth is not clear")
    gone = table.predict_files(photos[:1], pair, [tmp_path / "gone.npy"])
    assert "cannot be read: No such file" in gone[1]["problem"]


def test_options_that_do_not_fit_are_refused(pair, photos, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match="2 photos and 1 files"):
        table.predict_files(photos, pair, [tmp_path / "a.npy"])
    with pytest.raises(UserError, match="must be one of auto, m, mm"):
        table.predict_files(photos, pair, [empty], "feet")
    with pytest.raises(UserError, match="has no depth file of the name of a photo"):
        table.predict_files(photos, pair, [empty])
    for name in ("a.npy", "a_depth.png"):
        (empty / name).write_bytes(b"")
    with pytest.raises(UserError, match=r"two files for one photo, a\.npy and a_depth\.png"):
        table.predict_files(photos, pair, [empty])
