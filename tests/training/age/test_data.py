"""Data sets of faces: a zip with an index, files named as in UTKFace, an index as CSV, bad sources."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from regcls.training.age.data import load_faces


def jpeg(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), (shade, shade, shade)).save(out, "JPEG")
    return out.getvalue()


def test_zip_with_an_index(tmp_path):
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "index.csv", "file,age,split\na.jpg,3,train\nb.jpg,40,val\nc.jpg,80,test\n"
        )
        for name, shade in (("a", 10), ("b", 120), ("c", 240)):
            archive.writestr(f"img/{name}.jpg", jpeg(shade))
    splits = load_faces(path, side=16)
    assert {name: split.ages.tolist() for name, split in splits.items()} == {
        "train": [3], "val": [40], "test": [80],
    }  # fmt: skip
    assert splits["val"].images.shape == (1, 16, 16, 3)
    assert abs(int(splits["val"].images.mean()) - 120) < 4


def test_folder_of_files_named_as_in_utkface(tmp_path):
    for i in range(60):
        (tmp_path / f"{i + 1}_0_1_2017010{i % 10}.jpg.chip.jpg").write_bytes(jpeg(4 * i))
    (tmp_path / "notes.txt").write_text("not a photo")
    splits = load_faces(tmp_path, side=8, seed=1)
    assert sorted(np.concatenate([s.ages for s in splits.values()])) == list(range(1, 61))
    again = load_faces(tmp_path, side=8, seed=1)
    np.testing.assert_array_equal(again["test"].ages, splits["test"].ages)


def test_csv_of_imdb_wiki_dir(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("x", "y"):
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(jpeg(99))
    csv = tmp_path / "imdb_wiki.csv"
    csv.write_text("age,path,split\n31,photos/x.jpg,train\n62,photos/y.jpg,test\n")
    splits = load_faces(tmp_path, side=8, csv=csv)
    assert (splits["train"].ages.tolist(), splits["test"].ages.tolist()) == ([31], [62])
    assert len(splits["val"]) == 0


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"photo.jpg": jpeg(1)}, "no index.csv"),
        ({"index.csv": b"file,split\na.jpg,train\n"}, "'age'"),
        ({"index.csv": b"file,age,split\na.jpg,4,dev\n"}, "split must be"),
    ],
)
def test_sources_without_face_data_are_rejected(tmp_path, files, word):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=word):
        load_faces(tmp_path)
    with pytest.raises(ValueError, match="neither a folder nor a zip"):
        load_faces(tmp_path / "missing")
