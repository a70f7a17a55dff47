"""Zips of photos and depth files: pairs by name, problems by file, limits of the archive."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.io import labelled_zip
from regcls.io.images import MediaError
from regcls.tasks.depth import depth_zip
from tests.helpers.depth_files import as_integers, npy, zipped
from tests.helpers.photo_files import room

DEPTH = as_integers(np.full((24, 32), 2000.0))


LAYOUTS = {
    "folders": ("rgb/0001.png", "depth/0001.png"),
    "folders in a folder": ("set/images/1.png", "set/depth/1.npz"),
    "suffixes": ("lobby.png", "lobby_depth.npy"),
    "prefixes": ("rgb_07.png", "depth_07.pfm"),
    "formats": ("a.png", "a.npy"),
    "capitals": ("IMG_1.PNG", "img_1_Depth.npy"),
    "one folder per scene": ("scene1/rgb.png", "scene1/depth.png"),
}


@pytest.mark.parametrize(("photo", "depth"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_photo_finds_its_depth_file(photo, depth):
    files = {photo: room(), depth: DEPTH}
    pairs, problems = depth_zip.read(zipped(files))
    (pair,) = pairs
    assert problems == [] and (pair.name, pair.depth_name) == (photo, depth)
    assert (pair.photo, pair.depth) == (files[photo], files[depth])


def test_files_without_a_partner_and_of_other_kinds_are_named():
    files = {
        "a.png": room(), "a_depth.npy": npy(np.ones((2, 2))), "a_depth.png": DEPTH,
        "b.png": room(), "c_depth.png": DEPTH, "notes.txt": b"hello", "../evil.png": room(),
    }  # fmt: skip
    pairs, problems = depth_zip.read(zipped(files))
    assert [(pair.name, pair.depth_name) for pair in pairs] == [("a.png", ""), ("b.png", "")]
    found = dict(problems)
    assert found["a.png"] == "Several depth files match: a_depth.npy, a_depth.png."
    assert found["b.png"] == "The zip has no depth file of the same name."
    assert found["c_depth.png"] == "The zip has no photo of the same name."
    assert "neither a photo nor a depth file" in found["notes.txt"]
    assert "leads out of the zip" in found["../evil.png"]


def test_a_depth_map_of_zeros_is_no_bomb_but_too_much_in_total_is(monkeypatch):
    files = {"a.png": room(), "a.npy": npy(np.zeros((600, 800)))}
    assert len(depth_zip.read(zipped(files))[0]) == 1
    monkeypatch.setattr(labelled_zip, "MAX_ZIP_UNPACKED", 1_000_000)
    with pytest.raises(MediaError, match="far more than its size"):
        depth_zip.read(zipped(files))


def test_an_archive_without_photos_is_refused():
    for data, words in ((zipped({"a.npy": DEPTH}), "has no photo"), (b"PK", "not a zip file")):
        with pytest.raises(MediaError, match=words):
            depth_zip.read(data)
