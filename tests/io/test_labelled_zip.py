"""regcls.io.labelled_zip: rows with problems, unsafe paths, zip bombs and unusable archives."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest

from regcls.io import labelled_zip
from regcls.io.images import MediaError
from regcls.io.labelled_zip import read_labelled_zip
from tests.helpers.photo_files import encoded, gradient


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_labelled_zip_in_a_folder_with_semicolons():
    photo = encoded(gradient())
    rows = read_labelled_zip(
        zipped(
            {
                "set/labels.csv": b"\xef\xbb\xbfAge; File\n31;a.png\n;b.png\n",
                "set/a.png": photo,
                "set/b.png": photo,
                "set/.DS_Store": b"x",
            }
        )
    )
    assert rows == [("a.png", photo, 31.0, None), ("b.png", photo, None, None)]


def test_invalid_rows_have_a_problem_and_the_others_are_read():
    photo = encoded(gradient())
    table = "file,age\na.png,-5\nb.png,abc\nc.png,400\nd.png,nan\ngone.png,30\ne.png,30\n"
    files = {f"{letter}.png": photo for letter in "abcde"}
    rows = read_labelled_zip(zipped({"labels.csv": table.encode(), **files}))
    problems = {row.name: row.problem for row in rows}
    assert "-5 is not between 0 and 120" in problems["a.png"]
    assert "'abc' is not a number" in problems["b.png"]
    assert "400 is not between 0 and 120" in problems["c.png"]
    assert "nan is not between 0 and 120" in problems["d.png"]
    assert problems["gone.png"] == "The file is not in the zip."
    assert [row for row in rows if row.age is not None] == [("e.png", photo, 30.0, None)]
    assert all(row.data == photo for row in rows if row.name in files)


@pytest.mark.parametrize("path", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\x.png"])
def test_paths_out_of_the_zip_are_rejected_and_nothing_is_written(path, tmp_path, monkeypatch):
    folder = tmp_path / "inside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    photo = encoded(gradient())
    table = f'file,age\n"{path}",30\ngood.png,40\n'.encode()
    rows = read_labelled_zip(zipped({"labels.csv": table, path: photo, "good.png": photo}))
    refused = [row for row in rows if row.name != "good.png"]
    assert refused and all(row.data is None for row in refused)
    assert all("leads out of the zip" in row.problem for row in refused)
    assert ("good.png", photo, 40.0, None) in rows
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_zip_bomb_is_rejected():
    table = b"file,age\nbomb.png,30\n"
    with pytest.raises(MediaError, match="unpacks to far more"):
        read_labelled_zip(zipped({"labels.csv": table, "bomb.png": b"\0" * 20_000_000}))


def test_the_unpacked_size_of_all_files_is_limited(monkeypatch):
    monkeypatch.setattr(labelled_zip, "MAX_ZIP_UNPACKED", 30_000)
    noise = np.random.default_rng(0).bytes(20_000)
    files = {"labels.csv": b"file,age\na.png,1\nb.png,2\n", "a.png": noise, "b.png": noise}
    with pytest.raises(MediaError, match="unpacks to far more"):
        read_labelled_zip(zipped(files))


def test_a_wrong_size_in_the_header_is_not_trusted():
    data = bytearray(
        zipped({"labels.csv": b"file,age\nbomb.png,3\n", "bomb.png": b"\0" * 9_000_000})
    )
    entry = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 10)  # the directory now states ten bytes
    try:
        rows = read_labelled_zip(bytes(data))
    except MediaError as refusal:
        assert "unpacks to far more" in str(refusal)
    else:
        assert rows[0].data is None and rows[0].problem


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.png": b"x"}, "has no CSV"),
        ({"a.csv": b"file,age\n", "b.csv": b"file,age\n"}, "has 2 CSV files"),
        ({"a.csv": b"name,years\nx,1\n"}, "lacks the column 'file'"),
        ({"a.csv": b"file\nx\n"}, "lacks the column 'age'"),
        ({"a.csv": b""}, "lacks the column 'file'"),
    ],
)
def test_archives_that_cannot_be_used(files, words):
    with pytest.raises(MediaError, match=words):
        read_labelled_zip(zipped(files))


def test_a_file_that_is_not_a_zip():
    with pytest.raises(MediaError, match="not a zip"):
        read_labelled_zip(b"PK or not")


def test_too_many_files(monkeypatch):
    monkeypatch.setattr(labelled_zip, "MAX_ZIP_FILES", 2)
    with pytest.raises(MediaError, match="has 3 files"):
        read_labelled_zip(zipped({"a.csv": b"file,age\n", "b.png": b"", "c.png": b""}))


def test_compression_methods_without_a_limit_are_rejected():
    files = {"labels.csv": b"file,age\na.png,3\n", "a.png": b"x" * 100}
    with pytest.raises(MediaError, match="compression method is not supported"):
        read_labelled_zip(zipped(files, zipfile.ZIP_LZMA))


def test_photos_that_no_row_lists_have_a_problem():
    rows = read_labelled_zip(zipped({"labels.csv": b"file,age\n", "x.png": encoded(gradient())}))
    assert rows[0].problem == "labels.csv does not list it; it is ignored."
